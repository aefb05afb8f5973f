"""What every device refuses at once: a changed artifact, a request that cannot be served."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from device_runner.errors import ArtifactChangedError, InputRefusedError
from device_runner.launching.launches import RunRequest
from foundation import Artifact, sha256_of
from foundation.artifact import RAW_TYPES
from foundation.wording import shown

# Types in, types out.
_FED = [[(dtype,), (dtype,)] for dtype in RAW_TYPES]


def name_of(artifact: Artifact) -> str:
    """How a message calls an artifact: its candidate and the start of its checksum."""
    return f"{shown(artifact.manifest.candidate_key, 120)} ({shown(artifact.manifest.sha256[:8])})"


def element_count(shape: tuple[int, ...]) -> int:
    """Elements in a tensor of this shape."""
    return math.prod(shape)


def check_artifact(artifact: Artifact) -> None:
    """Refuse a `.pte` that is not the file its manifest describes; every push calls this first.

    Raises:
        ArtifactChangedError.
    """
    if sha256_of(artifact.model_path) != artifact.manifest.sha256:
        raise ArtifactChangedError(
            f"{artifact.model_path} is not the file its manifest describes (sha256 differs): "
            "export the candidate again"
        )


def check_cpus(request: RunRequest, available: Iterable[int], device: str) -> None:
    """Refuse a binding to CPUs that the device, called `device` in the message, does not have.

    Raises:
        InputRefusedError.
    """
    has = set(available)
    if not set(request.cpus) <= has:
        raise InputRefusedError(
            f"CPUs {', '.join(map(str, request.cpus))} were asked for, device {device} has "
            f"{', '.join(map(str, sorted(has))) or 'none that can be chosen'}"
        )


def check_request(request: RunRequest) -> None:
    """Refuse a request that no device could serve; every device calls this first.

    Raises:
        InputRefusedError: no inputs, an input of the wrong size, or a senseless number.
    """
    manifest = request.artifact.manifest
    kinds = [tuple(tensor.dtype for tensor in of) for of in (manifest.inputs, manifest.outputs)]
    if kinds not in _FED:
        raise InputRefusedError(
            f"{name_of(request.artifact)} takes {_told(kinds[0])} and gives {_told(kinds[1])}, and "
            "runners know one tensor in and one out, both float32 or both uint8: export it again"
        )
    if not request.inputs:
        raise InputRefusedError(f"no input was given for {name_of(request.artifact)}")
    if request.threads < 1 or not request.timeout_s > 0:
        raise InputRefusedError("threads and timeout_s must be positive")
    given = manifest.inputs[0]
    wanted = np.dtype(RAW_TYPES[given.dtype]).itemsize * element_count(given.shape)
    for path in request.inputs:
        if not path.is_file():
            raise InputRefusedError(f"the input {path} does not exist")
        if path.stat().st_size != wanted:
            raise InputRefusedError(
                f"the input {path} holds {path.stat().st_size} bytes, but "
                f"{name_of(request.artifact)} takes {wanted}: give raw {given.dtype} of shape "
                f"{'x'.join(map(str, given.shape))}"
            )


def _told(dtypes: tuple[str, ...]) -> str:
    return " and ".join(shown(dtype) for dtype in dtypes)
