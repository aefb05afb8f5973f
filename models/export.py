"""From a candidate and its weights to an artifact: lower with XNNPACK, count, verify, store.

Artifacts are content-addressed: the folder's name holds a hash of the candidate, the weights
and the exporter's versions, so the same request finds the same folder and exports nothing. What
is stored has run once on this host and answered as eager PyTorch does.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import tempfile
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from foundation.artifact import (
    CHECK_INPUT_NAME,
    CHECK_OUTPUT_NAME,
    MANIFEST_NAME,
    MODEL_NAME,
    Artifact,
    ArtifactManifest,
    TensorSpec,
    load_artifact,
)
from foundation.errors import RequestError
from foundation.files import explain_os_error, sha256_of
from foundation.memory import freed_memory_kept, no_garbage_collection
from models.artifact_readme import write_artifact_readme
from models.check_tensors import CheckTensors, check_input, check_tensors
from models.cost import macs
from models.deploy_graph import DeployMobileSR
from models.deployment import Candidate, Lowering
from models.eager import rounding_sentence
from models.errors import ExportError
from models.lowering.direct.lowering import lower_directly
from models.lowering.host_check import require_right
from models.lowering.lowered import Lowered
from models.lowering.standard import lower_traced
from models.network import MobileSR, parameter_count
from models.quantization.calibration import Calibration, Int8Network, calibrated
from models.weights import Weights, build_model

# Bump when the exported graph changes for the same candidate: old artifacts are then not reused.
# One for each lowering: what one makes does not depend on the other.
GRAPH_REVISIONS: dict[Lowering, int] = {"standard": 1, "direct": 2}
# Of what int8 means, which leaves the graphs of other precisions alone.
INT8_REVISION = 3


def artifact_folder(store: Path, candidate: Candidate, weights_sha256: str) -> Path:
    """Where the artifact of this candidate with these weights lives in `store`."""
    parts = (candidate.key, weights_sha256, torch.__version__, _executorch_version())
    revisions = [GRAPH_REVISIONS[candidate.deployment.lowering]]
    if candidate.deployment.precision == "int8":
        revisions.append(INT8_REVISION)
    digest = hashlib.sha256(repr((*parts, *revisions)).encode()).hexdigest()
    return store / f"{candidate.key}-{digest[:16]}"


def export(candidate: Candidate, weights: Weights, store: Path) -> Artifact:
    """Export `candidate` into `store`, or return the artifact that is there already.

    Raises:
        WeightsError: the weights do not contain the config.
        ExportError: it cannot be lowered, or what was made of it answers wrongly.
        RequestError: the store cannot be written or the disk is full; nothing is left behind.
    """
    model = build_model(candidate.config, weights)
    cut = replace(weights, state=dict(model.state_dict()), config=candidate.config)
    folder = artifact_folder(store, candidate, cut.sha256)
    if folder.is_dir():
        try:
            return load_artifact(folder)
        except RequestError:
            shutil.rmtree(folder)  # damaged: made anew
    started = time.monotonic()
    staging = _staging_folder(store)
    try:
        ready = calibrated(model) if candidate.deployment.precision == "int8" else None
        lowered = _lower(model, candidate, ready)
        (staging / MODEL_NAME).write_bytes(lowered.serialise())
        with freed_memory_kept():
            check = check_tensors(model, candidate, ready)
            # int8 and fp16 are allowed what they lose by rounding, and levels are rounded.
            exact = candidate.deployment.precision == "fp32" and candidate.deployment.io == "float"
            require_right(
                staging / MODEL_NAME, candidate.key, (check.given, check.expected),
                check.tolerance,
                partial(rounding_sentence, model, check.given, check.expected) if exact else str,
            )  # fmt: skip
        (staging / CHECK_INPUT_NAME).write_bytes(check.given.numpy().tobytes())
        (staging / CHECK_OUTPUT_NAME).write_bytes(check.expected.contiguous().numpy().tobytes())
        manifest = _manifest(
            candidate, staging, lowered, cut, check,
            None if ready is None else ready.calibration, time.monotonic() - started,
        )  # fmt: skip
        manifest.save(staging / MANIFEST_NAME)
        write_artifact_readme(Artifact(staging, manifest))
        _publish(staging, folder)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Artifact(folder, manifest)


def _lower(model: MobileSR, candidate: Candidate, ready: Int8Network | None) -> Lowered:
    deployment = candidate.deployment
    try:
        if deployment.lowering == "direct":
            # What comes stays: a node for each operator on each strip.
            with no_garbage_collection():
                return lower_directly(model, deployment, ready)
        example = check_input(candidate)
        if deployment.graph == "deploy":
            size = deployment.lr_height, deployment.lr_width
            return lower_traced(DeployMobileSR(model, *size).eval(), example)
        return lower_traced(model, example)
    except ExportError:
        raise
    except Exception as error:  # torch and executorch raise all kinds here
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ExportError(
            f"ExecuTorch cannot lower {candidate.key}: {type(error).__name__}: {reason[:200]}"
        ) from error


def _staging_folder(store: Path) -> Path:
    try:
        store.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".export-", dir=store))
    except OSError as error:
        raise explain_os_error(error, store / "artifact") from error


def _publish(staging: Path, folder: Path) -> None:
    for path in staging.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    staging.chmod(0o755)
    try:
        staging.rename(folder)
    except OSError:
        if not folder.is_dir():  # else: another process was first with the same content
            raise


def _manifest(
    candidate: Candidate,
    staging: Path,
    lowered: Lowered,
    weights: Weights,
    check: CheckTensors,
    calibration: Calibration | None,
    export_s: float,
) -> ArtifactManifest:
    config, deployment = candidate.config, candidate.deployment
    return ArtifactManifest(
        candidate_key=candidate.key,
        config=config.model_dump(mode="json"),
        deployment=deployment.model_dump(mode="json"),
        sha256=sha256_of(staging / MODEL_NAME),
        size_bytes=(staging / MODEL_NAME).stat().st_size,
        inputs=(_spec(check.given),),
        outputs=(_spec(check.expected),),
        parameters=parameter_count(config),
        macs=macs(config, deployment.lr_height, deployment.lr_width),
        weights_sha256=weights.sha256,
        weights_source=weights.source,
        weights_origin=None if weights.origin is None else weights.origin.value,
        torch_version=torch.__version__,
        executorch_version=_executorch_version(),
        delegates=lowered.delegates,
        delegated_ops=dict(lowered.delegated_ops),
        undelegated_ops=dict(lowered.undelegated_ops),
        planned_memory_bytes=lowered.planned_memory_bytes,
        check_tolerance=check.tolerance,
        check_input_sha256=sha256_of(staging / CHECK_INPUT_NAME),
        check_output_sha256=sha256_of(staging / CHECK_OUTPUT_NAME),
        calibration=None if calibration is None else asdict(calibration),
        export_s=export_s,
    )


def _spec(tensor: Tensor) -> TensorSpec:
    return TensorSpec(shape=tuple(tensor.shape), dtype=str(tensor.dtype).removeprefix("torch."))


def _executorch_version() -> str:
    return importlib.metadata.version("executorch")
