"""`search.request`: defaults, then the TOML file, then flags; and what makes a study the same."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from space_strategies import spaces

from foundation import RequestError
from models.errors import ConfigError
from search.errors import SearchError
from search.request import IDENTITY, SearchRequest
from search.space import SearchSpace

positive = st.floats(1e-3, 1e6)


@st.composite
def requests(draw):
    fields = {
        "space": draw(spaces()),
        "device": draw(st.sampled_from(["auto", "host", "127.0.0.1:5601"])),
        "lr_size": draw(st.tuples(st.integers(1, 4096), st.integers(1, 4096))),
        "graph": draw(st.sampled_from(["deploy", "reference"])),
        "hr": draw(st.none() | st.just(Path('photos/it\'s "here" \\ é'))),
        "train_steps": draw(st.integers(10, 10**6)),
        "trials": draw(st.integers(1, 1000)),
        "time_budget_s": draw(st.none() | positive),
        "sampler": draw(st.sampled_from(["tpe", "nsga2", "gp", "random"])),
        "seed": draw(st.integers(-5, 2**40)),
        "threads": draw(st.none() | st.integers(1, 256)),
        "max_latency_ms": draw(st.none() | positive),
        "min_psnr_db": draw(st.none() | positive),
        "overlap": draw(st.none() | st.integers(0, 256)),
        "storage": draw(st.none() | st.just("postgresql://u@h/db")),
    }
    return SearchRequest(**fields)


@given(request_=requests())
def test_the_stored_form_brings_the_request_back(tmp_path_factory, request_):
    path = tmp_path_factory.mktemp("toml") / "run.toml"
    path.write_text(request_.to_toml(), encoding="utf-8")
    again = SearchRequest.resolve({}, path)
    assert again == request_
    assert again.identity == request_.identity
    assert again.default_run_dir == request_.default_run_dir


@pytest.fixture
def toml(tmp_path):
    def write(text):
        (tmp_path / "tune.toml").write_text(text)
        return tmp_path / "tune.toml"

    return write


def test_defaults_then_file_then_flags(toml):
    path = toml('trials = 5\nseed = 3\nlr_size = "48x32"\n[space]\nn_feats = [8]\ndepths = [1, 2]')
    request = SearchRequest.resolve({"seed": 9, "depths": (3,), "trials": None}, path)
    assert (request.trials, request.seed, request.sampler) == (5, 9, "tpe")
    assert request.lr_size == (48, 32)
    assert request.space == SearchSpace(n_feats=(8,), depths=(3,))
    assert (request.lowering, request.strip_kb) == ("direct", None)
    assert SearchRequest.resolve({"lowering": "standard"}) == SearchRequest()


def test_flags_of_the_space_reach_the_space():
    fields = {"n_feats": (4,), "ratios": (3,), "window_sizes": (5,), "n_heads": 2, "scale": 2}
    request = SearchRequest.resolve({**fields, "body_passes": 2})
    assert request.space == SearchSpace(**fields, body_passes=2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("trails = 5", r"tune\.toml: unknown key trails: did you mean trials\?"),
        ("max_latency = 5", r"unknown key max_latency: did you mean max_latency_ms\?"),
        ("[space]\nn_feat = [8]", r"unknown key space\.n_feat: did you mean space\.n_feats\?"),
        ("zzz = 1", "unknown key zzz: known keys: batch_size, crop, "),
        ("[space]\nzzz = 1", r"unknown key space\.zzz: known keys: body_passes, depths"),
        ("space = 3", r"'space' must be a table, \[space\]"),
        ("trials = 0", "^trials: "),
        ("trials = 'many'", "^trials: "),
        ("lr_size = [64]", "^lr_size"),
        ("lr_size = '0x5'", "LR size 0x5 is out of range"),
        ("lr_size = [1000000, 3]", "LR size 1000000x3 is out of range"),
        ("lr_size = ['a', 'b']", "is not HEIGHTxWIDTH"),
        ("sampler = 'magic'", "^sampler: .*'tpe', 'nsga2', 'gp' or 'random'"),
        ("max_latency_ms = -1", "^max_latency_ms: "),
        ("max_latency_ms = nan", "^max_latency_ms: "),
        ("[space]\nn_feats = [20]", "n_feats=20 is not divisible by n_heads=8"),
        ("[space]\nn_feats = 8", "^search space: n_feats: "),
        ("lr = 'x'", "--lr was given without --hr"),
        ("wait_for_device = -1", "^wait_for_device: "),
        ("runner = 'executor_runner=r'\nmax_memory_mb = 9", "tells no memory: leave it out"),
        ("trials = ", r"tune\.toml cannot be read as TOML"),
        ("trials = 1\ntrials = 2", r"tune\.toml cannot be read as TOML"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(toml, text, sentence):
    with pytest.raises(RequestError, match=sentence) as refused:
        SearchRequest.resolve({}, toml(text))
    assert "\n" not in str(refused.value)


def test_files_that_are_no_toml(tmp_path):
    with pytest.raises(SearchError, match="no configuration file at"):
        SearchRequest.resolve({}, tmp_path / "none.toml")
    with pytest.raises(SearchError, match="cannot be read as TOML"):
        SearchRequest.resolve({}, tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SearchError, match="cannot be read as TOML"):
        SearchRequest.resolve({}, tmp_path / "bytes.toml")


@pytest.mark.parametrize("name", IDENTITY)
def test_what_belongs_to_the_identity_changes_the_default_folder(name):
    other = {
        "space": SearchSpace(n_feats=(8,)), "lr_size": (1, 2), "graph": "reference",
        "lowering": "standard", "strip_kb": 0,
        "device": "host", "hr": "a", "lr": "a", "train": "a", "weights": "a", "train_steps": 11,
        "batch_size": 1, "crop": 9, "seed": 1, "sampler": "random", "threads": 7, "sessions": 9,
        "min_iterations": 9, "min_time_s": 9.0, "max_latency_ms": 1.0, "max_memory_mb": 1.0,
        "min_psnr_db": 1.0, "overlap": 3, "runner": "my-runner",
    }[name]  # fmt: skip
    usual = SearchRequest.resolve({})
    changed = usual.model_copy(update={name: other})
    assert changed.default_run_dir != usual.default_run_dir
    assert re.fullmatch(r"runs/x4-\d+x\d+-[0-9a-f]{8}", str(changed.default_run_dir))


def test_a_stored_request_without_a_lowering_is_of_the_standard_one(tmp_path):
    """Runs from before there were two are found, read, and go on as what they are."""
    text = "".join(
        line for line in SearchRequest(seed=4).to_toml().splitlines(keepends=True)
        if not line.startswith(("lowering", "strip_kb"))
    )  # fmt: skip
    (tmp_path / "run.toml").write_text(text)
    assert SearchRequest.stored(tmp_path / "run.toml") == SearchRequest(seed=4)
    assert SearchRequest.stored(tmp_path / "run.toml").lowering == "standard"
    assert SearchRequest.resolve({}, tmp_path / "run.toml").lowering == "direct"
    # The folder's name as it was made before lowerings had names, when every search trained.
    assert str(SearchRequest(train_steps=500).default_run_dir) == "runs/x4-64x64-805f288c"
    assert SearchRequest().default_run_dir != SearchRequest(train_steps=500).default_run_dir


def test_a_search_beside_another_executorch_is_of_the_standard_lowering(monkeypatch):
    monkeypatch.setattr("models.deployment.unfit", lambda: "made for another")
    assert SearchRequest.resolve({}).lowering == "standard"
    with pytest.raises(ConfigError, match="made for another"):
        SearchRequest.resolve({"lowering": "direct"})


def test_the_network_as_written_has_but_one_lowering():
    request = SearchRequest.resolve({"graph": "reference"})
    assert (request.lowering, request.strip_kb) == ("standard", None)
    with pytest.raises(ConfigError, match="direct writes the deploy graph"):
        SearchRequest.resolve({"graph": "reference", "lowering": "direct"})


def test_budgets_and_places_do_not():
    fields = {"trials": 99, "time_budget_s": 5.0, "export_timeout_s": 9.0,
              "session_timeout_s": 9.0, "run_dir": "x", "storage": "sqlite:///x",
              "wait_for_device": 9.0, "settle_sessions": 0}  # fmt: skip
    assert set(fields) | set(IDENTITY) == set(SearchRequest.model_fields)
    assert SearchRequest(**fields).identity == SearchRequest().identity


def test_paths_mean_the_same_wherever_the_command_is_run_next(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    request = SearchRequest(hr="photos", run_dir="~/run")
    assert request.hr == tmp_path / "photos"
    assert request.run_dir == Path("~/run").expanduser()


@pytest.mark.parametrize("stock", ["", "executor_runner="])
def test_a_runner_means_the_same_wherever_the_command_is_run_next(monkeypatch, tmp_path, stock):
    monkeypatch.chdir(tmp_path)
    assert SearchRequest(runner=f"{stock}mine").runner == f"{stock}{tmp_path / 'mine'}"


def test_no_password_is_stored():
    request = SearchRequest(storage="postgresql://u:s3cret@h/db?sslpassword=s3cret")
    assert "s3cret" not in request.to_toml()
    assert "s3cret" in str(request.storage)


def test_a_storage_file_is_the_same_from_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = SearchRequest(storage="sqlite:///study.db")
    assert request.storage == f"sqlite:///{tmp_path}/study.db"


def test_toml_as_editors_write_it(tmp_path):
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "a.toml").write_text('hr = "ä"\ntrials = 3\n', encoding=encoding)
        assert SearchRequest.resolve({}, tmp_path / "a.toml").trials == 3


def test_precisions_are_another_search_and_their_absence_is_the_one_of_before(tmp_path):
    usual = SearchRequest.resolve({})
    assert SearchRequest.resolve({"precisions": ("fp32",)}) == usual
    assert "precisions" not in usual.identity["space"]
    three = SearchRequest.resolve({"precisions": ("int8", "fp16", "fp32")})
    assert three.identity["space"]["precisions"] == ["fp32", "fp16", "int8"]
    assert three.default_run_dir != usual.default_run_dir
    (tmp_path / "run.toml").write_text(three.to_toml())
    assert SearchRequest.stored(tmp_path / "run.toml") == three
    # A file of the time before precisions.
    old = usual.to_toml().replace('    "fp32",\n', "").replace("precisions = [\n]\n", "")
    assert "precisions" not in old
    (tmp_path / "run.toml").write_text(old)
    assert SearchRequest.stored(tmp_path / "run.toml") == usual


def test_a_precision_that_the_lowering_cannot_make_is_refused_before_the_search():
    with pytest.raises(ConfigError, match="precision int8 is made by lowering direct alone"):
        SearchRequest.resolve({"precisions": ("fp32", "int8"), "lowering": "standard"})
