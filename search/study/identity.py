"""What a study is: two searches that differ in any of this may not share results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from search.request import SearchRequest

# Told by what they led to instead: the files' content, the weights' hash, the device's profile.
_TOLD_OTHERWISE = frozenset({"hr", "lr", "train", "weights", "device", "runner"})


def identity_of(
    request: SearchRequest, inputs: Mapping[str, str], weights_sha256: str, profile_key: str
) -> dict[str, Any]:
    """JSON-ready facts. `inputs` are hashes of the images (`SearchInputs.fingerprint`)."""
    asked = {name: v for name, v in request.identity.items() if name not in _TOLD_OTHERWISE}
    images = {name: value for name, value in inputs.items() if name != "weights"}
    return {**asked, **images, "weights": weights_sha256, "profile": profile_key}


def name_of(identity: Mapping[str, Any]) -> str:
    """A study's name in a storage that others use too: the same search finds the same study."""
    text = json.dumps(identity, sort_keys=True, allow_nan=False)
    return f"mobilesr {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def difference(stored: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """The first fact in which two studies differ, empty where none does.

    A fact that only one of them knows is one that another version did not ask for.
    """
    return next((name for name in ours if name in stored and stored[name] != ours[name]), "")
