"""`models.lowering.host_check`: nothing wrong gets by."""

import pytest
import torch

from models.errors import ExportError
from models.lowering.host_check import require_right


def test_an_answer_that_is_off_is_refused(small_artifact):
    picture, right = (
        torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.float32).reshape(spec.shape)
        for path, (spec,) in (
            (small_artifact.check_input_path, small_artifact.manifest.inputs),
            (small_artifact.check_output_path, small_artifact.manifest.outputs),
        )
    )
    require_right(small_artifact.model_path, "it", (picture, right), 1e-4, str)
    wrong = right.clone()
    wrong[0, 0, 0, 0] += 1e-3
    with pytest.raises(ExportError, match=r"it was lowered, and answers wrongly.* allowed; sorry"):
        require_right(small_artifact.model_path, "it", (picture, wrong), 1e-4, lambda: "; sorry")
