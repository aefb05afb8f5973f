BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'mobilesr');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MINIMIZE',1,0);
INSERT INTO "study_directions" VALUES(2,'MAXIMIZE',1,1);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'study:metric_names','["latency_ms", "psnr_y_db"]');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'refined:3','{"schema": "candidate-result/2", "number": 3, "key": "n8_h2_r1_w4_x2_p1_16x16_fp32_xnnpack_deploy", "config": {"n_feats": 8, "n_heads": 2, "ratios": [1], "window_size": 4, "scale": 2, "body_passes": 1}, "deployment": {"lr_height": 16, "lr_width": 16, "precision": "fp32", "backend": "xnnpack", "graph": "deploy"}, "status": "ok", "reason": "", "device_serial": "sim:pixel", "profile_key": "simulated-simulated-pixel-fc2b87f1", "stand_in_note": "These times come from a simulated device: no model was timed.", "artifact_sha256": "4158597754edbad9554d2abf63c1cc1efa1efb7d8f8f42d361b81986fd21ef12", "weights_sha256": "efca1a877e2603b97b20d2575031e5aeaca3541b29464c6cba3fb92f5d1ad530", "parameters": 2635, "macs": 870400, "size_bytes": 39040, "delegates": 1, "delegated_ops": 92, "undelegated_ops": 0, "latency_ms": 0.35243073690117, "latency_low_ms": 0.3317779601319346, "latency_high_ms": 0.37517639419145793, "raw_latency_ms": 0.360672, "sessions": 5, "first_run_ms": 0.649184436746668, "load_ms": 1.03904, "peak_memory_mb": 0.4140625, "max_abs_error": 1.1920928955078125e-07, "psnr_y_db": 23.97381840653218, "psnr_rgb_db": 19.305233572889456, "ssim_y": 0.8086688219834118, "bicubic_psnr_y_db": 24.874321230164654, "images": [{"name": "a", "psnr_y_db": 25.273827568207274, "psnr_rgb_db": 20.023015652969285, "ssim_y": 0.8171215160972563, "bicubic_psnr_y_db": 25.890251303186336, "tiling": {"image": [24, 28], "tile": [16, 16], "window_size": 4, "tops": [0, 8], "lefts": [0, 12], "overlaps": [8, 4], "fade": 4, "padding": "symmetric"}}, {"name": "b", "psnr_y_db": 22.67380924485709, "psnr_rgb_db": 18.587451492809627, "ssim_y": 0.8002161278695674, "bicubic_psnr_y_db": 23.858391157142975, "tiling": {"image": [20, 32], "tile": [16, 16], "window_size": 4, "tops": [0, 4], "lefts": [0, 8, 16], "overlaps": [12, 8], "fade": 4, "padding": "symmetric"}}], "constraint_violations": {"latency_ms": -7.64756926309883}, "flags": ["simulated", "noisy"], "measurement_file": "measurements/trial-00003.json", "export_s": 6.447747310999944, "device_s": 0.24231247799991706, "finished_at": "2026-11-26T20:23:06+00:00"}');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'n_feats',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [4, 8]}}');
INSERT INTO "trial_params" VALUES(2,1,'depth',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO "trial_params" VALUES(3,1,'ratio_0',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2]}}');
INSERT INTO "trial_params" VALUES(4,1,'window_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [4]}}');
INSERT INTO "trial_params" VALUES(5,2,'n_feats',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [4, 8]}}');
INSERT INTO "trial_params" VALUES(6,2,'depth',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO "trial_params" VALUES(7,2,'ratio_0',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2]}}');
INSERT INTO "trial_params" VALUES(8,2,'window_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [4]}}');
INSERT INTO "trial_params" VALUES(9,3,'n_feats',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [4, 8]}}');
INSERT INTO "trial_params" VALUES(10,3,'depth',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO "trial_params" VALUES(11,3,'ratio_0',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2]}}');
INSERT INTO "trial_params" VALUES(12,3,'window_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [4]}}');
INSERT INTO "trial_params" VALUES(13,4,'n_feats',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [4, 8]}}');
INSERT INTO "trial_params" VALUES(14,4,'depth',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1]}}');
INSERT INTO "trial_params" VALUES(15,4,'ratio_0',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [1, 2]}}');
INSERT INTO "trial_params" VALUES(16,4,'window_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [4]}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'fixed_params','{"n_feats": 4, "depth": 1, "ratio_0": 1, "window_size": 4}');
INSERT INTO "trial_system_attributes" VALUES(2,2,'fixed_params','{"n_feats": 8, "depth": 1, "ratio_0": 2, "window_size": 4}');
INSERT INTO "trial_system_attributes" VALUES(3,1,'constraints:latency_ms','-7.682808723368096');
INSERT INTO "trial_system_attributes" VALUES(4,2,'constraints:latency_ms','-7.646809801933528');
INSERT INTO "trial_system_attributes" VALUES(5,3,'constraints:latency_ms','-7.646809801933528');
INSERT INTO "trial_system_attributes" VALUES(6,4,'constraints:latency_ms','-7.654732784125782');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'result','{"schema": "candidate-result/2", "number": 0, "key": "n4_h2_r1_w4_x2_p1_16x16_fp32_xnnpack_deploy", "config": {"n_feats": 4, "n_heads": 2, "ratios": [1], "window_size": 4, "scale": 2, "body_passes": 1}, "deployment": {"lr_height": 16, "lr_width": 16, "precision": "fp32", "backend": "xnnpack", "graph": "deploy"}, "status": "ok", "reason": "", "device_serial": "sim:pixel", "profile_key": "simulated-simulated-pixel-fc2b87f1", "stand_in_note": "These times come from a simulated device: no model was timed.", "artifact_sha256": "b6f28c63a1104ace3bc908aea5b36ecceff7e6df44a4fba4dc7e27cd3df6b2b7", "weights_sha256": "4975d7d5afd58fbc90496395bab1926d1f3997386cbb2a77973eb59ede6e2bc1", "parameters": 839, "macs": 312320, "size_bytes": 29952, "delegates": 1, "delegated_ops": 92, "undelegated_ops": 0, "latency_ms": 0.3171912766319043, "latency_low_ms": 0.257046048379209, "latency_high_ms": 0.39140965833075614, "raw_latency_ms": 0.32202, "sessions": 3, "first_run_ms": 0.5779694045079347, "load_ms": 1.0299520000000002, "peak_memory_mb": 0.3828125, "max_abs_error": 1.1920928955078125e-07, "psnr_y_db": 23.903145540403177, "psnr_rgb_db": 19.223737598885144, "ssim_y": 0.8043884723539956, "bicubic_psnr_y_db": 24.874321230164654, "images": [{"name": "a", "psnr_y_db": 25.20437905642584, "psnr_rgb_db": 19.92656981935449, "ssim_y": 0.8137882345902584, "bicubic_psnr_y_db": 25.890251303186336, "tiling": {"image": [24, 28], "tile": [16, 16], "window_size": 4, "tops": [0, 8], "lefts": [0, 12], "overlaps": [8, 4], "fade": 4, "padding": "symmetric"}}, {"name": "b", "psnr_y_db": 22.601912024380514, "psnr_rgb_db": 18.520905378415797, "ssim_y": 0.7949887101177328, "bicubic_psnr_y_db": 23.858391157142975, "tiling": {"image": [20, 32], "tile": [16, 16], "window_size": 4, "tops": [0, 4], "lefts": [0, 8, 16], "overlaps": [12, 8], "fade": 4, "padding": "symmetric"}}], "constraint_violations": {"latency_ms": -7.682808723368096}, "flags": ["simulated", "noisy", "drifted"], "measurement_file": "measurements/trial-00000.json", "export_s": 23.737827646000028, "device_s": 3.072967726999991, "finished_at": "2026-11-26T20:22:53+00:00"}');
INSERT INTO "trial_user_attributes" VALUES(2,2,'result','{"schema": "candidate-result/2", "number": 1, "key": "n8_h2_r2_w4_x2_p1_16x16_fp32_xnnpack_deploy", "config": {"n_feats": 8, "n_heads": 2, "ratios": [2], "window_size": 4, "scale": 2, "body_passes": 1}, "deployment": {"lr_height": 16, "lr_width": 16, "precision": "fp32", "backend": "xnnpack", "graph": "deploy"}, "status": "ok", "reason": "", "device_serial": "sim:pixel", "profile_key": "simulated-simulated-pixel-fc2b87f1", "stand_in_note": "These times come from a simulated device: no model was timed.", "artifact_sha256": "8bd99266a490653dfd7d6276ce0ec375c53fbdbebdef8b6cba4bd3fc2590e472", "weights_sha256": "ca9c7302d39a81ca5ef6fc07acd2662937d62b5d20f6df70846510174d551b0c", "parameters": 2987, "macs": 954368, "size_bytes": 40320, "delegates": 1, "delegated_ops": 92, "undelegated_ops": 0, "latency_ms": 0.35319019806647234, "latency_low_ms": 0.33548843515273075, "latency_high_ms": 0.3718259794959689, "raw_latency_ms": 0.3577285, "sessions": 3, "first_run_ms": 0.6391481753961537, "load_ms": 1.04032, "peak_memory_mb": 0.3828125, "max_abs_error": 1.1920928955078125e-07, "psnr_y_db": 23.975948793305847, "psnr_rgb_db": 19.31397148757835, "ssim_y": 0.8089628987978674, "bicubic_psnr_y_db": 24.874321230164654, "images": [{"name": "a", "psnr_y_db": 25.273021704572628, "psnr_rgb_db": 20.035607689825767, "ssim_y": 0.8174135842719193, "bicubic_psnr_y_db": 25.890251303186336, "tiling": {"image": [24, 28], "tile": [16, 16], "window_size": 4, "tops": [0, 8], "lefts": [0, 12], "overlaps": [8, 4], "fade": 4, "padding": "symmetric"}}, {"name": "b", "psnr_y_db": 22.67887588203907, "psnr_rgb_db": 18.59233528533093, "ssim_y": 0.8005122133238155, "bicubic_psnr_y_db": 23.858391157142975, "tiling": {"image": [20, 32], "tile": [16, 16], "window_size": 4, "tops": [0, 4], "lefts": [0, 8, 16], "overlaps": [12, 8], "fade": 4, "padding": "symmetric"}}], "constraint_violations": {"latency_ms": -7.646809801933528}, "flags": ["simulated", "noisy"], "measurement_file": "measurements/trial-00001.json", "export_s": 7.316539413999976, "device_s": 0.2820523469999898, "finished_at": "2026-11-26T20:22:59+00:00"}');
INSERT INTO "trial_user_attributes" VALUES(3,3,'duplicate_of','1');
INSERT INTO "trial_user_attributes" VALUES(4,3,'result','{"schema": "candidate-result/2", "number": 1, "key": "n8_h2_r2_w4_x2_p1_16x16_fp32_xnnpack_deploy", "config": {"n_feats": 8, "n_heads": 2, "ratios": [2], "window_size": 4, "scale": 2, "body_passes": 1}, "deployment": {"lr_height": 16, "lr_width": 16, "precision": "fp32", "backend": "xnnpack", "graph": "deploy"}, "status": "ok", "reason": "", "device_serial": "sim:pixel", "profile_key": "simulated-simulated-pixel-fc2b87f1", "stand_in_note": "These times come from a simulated device: no model was timed.", "artifact_sha256": "8bd99266a490653dfd7d6276ce0ec375c53fbdbebdef8b6cba4bd3fc2590e472", "weights_sha256": "ca9c7302d39a81ca5ef6fc07acd2662937d62b5d20f6df70846510174d551b0c", "parameters": 2987, "macs": 954368, "size_bytes": 40320, "delegates": 1, "delegated_ops": 92, "undelegated_ops": 0, "latency_ms": 0.35319019806647234, "latency_low_ms": 0.33548843515273075, "latency_high_ms": 0.3718259794959689, "raw_latency_ms": 0.3577285, "sessions": 3, "first_run_ms": 0.6391481753961537, "load_ms": 1.04032, "peak_memory_mb": 0.3828125, "max_abs_error": 1.1920928955078125e-07, "psnr_y_db": 23.975948793305847, "psnr_rgb_db": 19.31397148757835, "ssim_y": 0.8089628987978674, "bicubic_psnr_y_db": 24.874321230164654, "images": [{"name": "a", "psnr_y_db": 25.273021704572628, "psnr_rgb_db": 20.035607689825767, "ssim_y": 0.8174135842719193, "bicubic_psnr_y_db": 25.890251303186336, "tiling": {"image": [24, 28], "tile": [16, 16], "window_size": 4, "tops": [0, 8], "lefts": [0, 12], "overlaps": [8, 4], "fade": 4, "padding": "symmetric"}}, {"name": "b", "psnr_y_db": 22.67887588203907, "psnr_rgb_db": 18.59233528533093, "ssim_y": 0.8005122133238155, "bicubic_psnr_y_db": 23.858391157142975, "tiling": {"image": [20, 32], "tile": [16, 16], "window_size": 4, "tops": [0, 4], "lefts": [0, 8, 16], "overlaps": [12, 8], "fade": 4, "padding": "symmetric"}}], "constraint_violations": {"latency_ms": -7.646809801933528}, "flags": ["simulated", "noisy"], "measurement_file": "measurements/trial-00001.json", "export_s": 7.316539413999976, "device_s": 0.2820523469999898, "finished_at": "2026-11-26T20:22:59+00:00"}');
INSERT INTO "trial_user_attributes" VALUES(5,4,'result','{"schema": "candidate-result/2", "number": 3, "key": "n8_h2_r1_w4_x2_p1_16x16_fp32_xnnpack_deploy", "config": {"n_feats": 8, "n_heads": 2, "ratios": [1], "window_size": 4, "scale": 2, "body_passes": 1}, "deployment": {"lr_height": 16, "lr_width": 16, "precision": "fp32", "backend": "xnnpack", "graph": "deploy"}, "status": "ok", "reason": "", "device_serial": "sim:pixel", "profile_key": "simulated-simulated-pixel-fc2b87f1", "stand_in_note": "These times come from a simulated device: no model was timed.", "artifact_sha256": "4158597754edbad9554d2abf63c1cc1efa1efb7d8f8f42d361b81986fd21ef12", "weights_sha256": "efca1a877e2603b97b20d2575031e5aeaca3541b29464c6cba3fb92f5d1ad530", "parameters": 2635, "macs": 870400, "size_bytes": 39040, "delegates": 1, "delegated_ops": 92, "undelegated_ops": 0, "latency_ms": 0.34526721587421755, "latency_low_ms": 0.32804632692462293, "latency_high_ms": 0.3633921204821935, "raw_latency_ms": 0.35316349999999996, "sessions": 3, "first_run_ms": 0.63411323680408, "load_ms": 1.03904, "peak_memory_mb": 0.4140625, "max_abs_error": 1.1920928955078125e-07, "psnr_y_db": 23.97381840653218, "psnr_rgb_db": 19.305233572889456, "ssim_y": 0.8086688219834118, "bicubic_psnr_y_db": 24.874321230164654, "images": [{"name": "a", "psnr_y_db": 25.273827568207274, "psnr_rgb_db": 20.023015652969285, "ssim_y": 0.8171215160972563, "bicubic_psnr_y_db": 25.890251303186336, "tiling": {"image": [24, 28], "tile": [16, 16], "window_size": 4, "tops": [0, 8], "lefts": [0, 12], "overlaps": [8, 4], "fade": 4, "padding": "symmetric"}}, {"name": "b", "psnr_y_db": 22.67380924485709, "psnr_rgb_db": 18.587451492809627, "ssim_y": 0.8002161278695674, "bicubic_psnr_y_db": 23.858391157142975, "tiling": {"image": [20, 32], "tile": [16, 16], "window_size": 4, "tops": [0, 4], "lefts": [0, 8, 16], "overlaps": [12, 8], "fade": 4, "padding": "symmetric"}}], "constraint_violations": {"latency_ms": -7.654732784125782}, "flags": ["simulated", "noisy"], "measurement_file": "measurements/trial-00003.json", "export_s": 6.447747310999944, "device_s": 0.24231247799991706, "finished_at": "2026-11-26T20:23:06+00:00"}');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,3.17191276631904273131e-01,'FINITE');
INSERT INTO "trial_values" VALUES(2,1,1,2.39031455404031767386e+01,'FINITE');
INSERT INTO "trial_values" VALUES(3,2,0,3.53190198066472338389e-01,'FINITE');
INSERT INTO "trial_values" VALUES(4,2,1,2.39759487933058466077e+01,'FINITE');
INSERT INTO "trial_values" VALUES(5,3,0,3.53190198066472338389e-01,'FINITE');
INSERT INTO "trial_values" VALUES(6,3,1,2.39759487933058466077e+01,'FINITE');
INSERT INTO "trial_values" VALUES(7,4,0,3.45267215874217547888e-01,'FINITE');
INSERT INTO "trial_values" VALUES(8,4,1,2.39738184065321817688e+01,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-26 20:22:24.299798','2026-11-26 20:22:53.922913');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-26 20:22:51.779398','2026-11-26 20:22:59.571341');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-26 20:22:59.590355','2026-11-26 20:22:59.775567');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-26 20:22:59.794442','2026-11-26 20:23:06.634921');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
