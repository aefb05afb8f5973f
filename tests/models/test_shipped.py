"""`models.shipped`: the package's supernet is whole, contains the default space, and is better."""

import pytest

from models import shipped as shipped_module
from models.config import PRESETS
from models.errors import WeightsError
from models.evaluation import evaluate
from models.origin import WeightsOrigin
from models.samples import sample_pairs
from models.shipped import FILES, shipped_for, shipped_weights
from models.weights import build_model
from search.space import SearchSpace


def test_it_contains_the_default_space_and_every_config_up_to_the_published_size():
    weights = shipped_weights(4)
    assert weights.config == PRESETS["ntire2022"]
    assert weights.origin == WeightsOrigin.SHIPPED
    assert shipped_for(SearchSpace()) is weights
    for config in (SearchSpace().largest(), SearchSpace().smallest(), PRESETS["ntire2022"]):
        build_model(config, weights)


def test_judged_tiles_gain_over_bicubic_with_the_largest_config():
    """And with the smallest the mean does: the file holds trained weights, not just any."""
    weights, pairs = shipped_weights(4), sample_pairs(4)
    largest = evaluate(build_model(PRESETS["ntire2022"], weights), pairs)
    assert all(i.model.psnr_y_db > i.bicubic.psnr_y_db for i in largest.images)
    smallest = evaluate(build_model(SearchSpace().smallest(), weights), pairs)
    assert smallest.bicubic.psnr_y_db + 0.5 < smallest.model.psnr_y_db < largest.model.psnr_y_db
    # What can be chosen from must not look alike: Set5 has more than a decibel between them.
    widest = evaluate(build_model(SearchSpace().largest(), weights), pairs)
    assert widest.model.psnr_y_db - smallest.model.psnr_y_db > 0.8


@pytest.mark.parametrize(
    "change",
    [{"scale": 2}, {"scale": 3}, {"n_heads": 4}, {"body_passes": 2}, {"depths": (6,)},
     {"ratios": (4,)}, {"n_feats": (8, 48)}],
)  # fmt: skip
def test_a_space_it_was_not_trained_for_gets_none(change):
    assert shipped_for(SearchSpace(**change)) is None


def test_an_incomplete_package_is_a_sentence(monkeypatch, tmp_path):
    with pytest.raises(WeightsError, match="no supernet of scale 2"):
        shipped_weights(2)
    shipped_weights.cache_clear()
    monkeypatch.setattr(shipped_module, "FILES", {4: tmp_path / "supernet_x4.pt"})
    with pytest.raises(WeightsError, match=r"lacks supernet_x4\.pt"):
        shipped_weights(4)
    shipped_weights.cache_clear()


def test_the_file_is_small():
    assert FILES[4].stat().st_size < 800_000
