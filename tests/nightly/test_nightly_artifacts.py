"""The artifacts of a suite: what exporting them says."""

from __future__ import annotations

from foundation.artifact import Artifact
from nightly.artifacts import prepare
from nightly.suite import load_suite

SUITE = """
name = "padded"
sentinel = "none"
[[models]]
name = "one"
key = "n8_h2_r1_w4_x2_p1"
lr_size = "18x16"
[[models]]
name = "two"
key = "n4_h2_r1_w4_x2_p1"
lr_size = "18x16"
[[models]]
name = "even"
key = "n4_h2_r1_w4_x2_p1"
lr_size = "16x16"
"""


def test_models_with_window_padding_are_told_in_one_sentence(tmp_path):
    (tmp_path / "suite.toml").write_text(SUITE)
    warned: list[str] = []
    prepared = prepare(load_suite(tmp_path / "suite.toml"), warn=warned.append)
    (sentence,) = warned
    assert sentence.startswith("one, two: LR size 18x16 is padded for attention: window 4 computes")
    assert sentence.endswith("11 % more. Without padding: lr_size 16x16 or 20x16")
    assert all(isinstance(one, Artifact) for one in prepared.models.values())
