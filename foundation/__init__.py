"""What every room of the house stands on: errors, atomic files, the artifact format, console.

Nothing here imports another package of ours. `models` and `device_runner` may not know each
other; what both must agree on (the artifact manifest, the way a file is written) lives here.
"""

from foundation.artifact import Artifact, ArtifactManifest, TensorSpec, load_artifact
from foundation.errors import DeviceFailure, MobileSRTuneError, RequestError
from foundation.files import (
    atomic_path,
    read_json,
    require_writable,
    sha256_of,
    write_json,
    write_text,
)
from foundation.records import VersionedRecord

__all__ = [
    "Artifact",
    "ArtifactManifest",
    "DeviceFailure",
    "MobileSRTuneError",
    "RequestError",
    "TensorSpec",
    "VersionedRecord",
    "atomic_path",
    "load_artifact",
    "read_json",
    "require_writable",
    "sha256_of",
    "write_json",
    "write_text",
]
