"""A baseline is of one precision: int8 that replaces fp32 is another model, not a change of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from foundation.artifact import Artifact
from nightly.errors import SuiteError

# As `models.deployment.Deployment.key` has it: LR size, precision, backend.
_PRECISION = re.compile(r"_\d+x\d+_([a-z0-9]+)_[a-z]")
_PIXELS = "_uint8"


def require_same_precisions(artifacts: Mapping[str, Artifact], earlier: Mapping[str, str]) -> None:
    """Refuse a model whose earlier nights were of another precision.

    `earlier` is the candidate's key that was measured last, by the model's name.

    Raises:
        SuiteError: it names the model and both precisions.
    """
    for name, artifact in artifacts.items():
        before = precision_in(earlier.get(name, ""))
        now = precision_in(artifact.manifest.candidate_key)
        if before and now and before != now:
            raise SuiteError(
                f"model {name!r} is {now} now, and its earlier nights were {before}: nights of two "
                f"precisions are not compared. Give the {now} one a name of its own, "
                f"'{name} {now}' say, beside or instead of the other"
            )


def precision_in(candidate_key: str) -> str:
    """`int8` of a candidate's key, `int8 on pixels` with io uint8; empty where it tells none."""
    found = _PRECISION.search(candidate_key)
    if found is None:
        return ""
    return found[1] + (" on pixels" if candidate_key.endswith(_PIXELS) else "")
