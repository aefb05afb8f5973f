"""`models.config`: what cannot exist is refused; a key is an identity."""

import re

import pytest
from config_strategies import configs
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.config import _KEY, PRESETS, MobileSRConfig, preset
from models.errors import ConfigError


@given(configs())
def test_a_key_brings_its_config_back(config):
    assert MobileSRConfig.from_key(config.key) == config
    # Fit for a file name on any system, and for a shell.
    assert re.fullmatch(r"[a-z0-9._]+", config.key)


@given(configs(), configs())
def test_two_configs_share_a_key_only_when_equal(one, other):
    assert (one.key == other.key) == (one == other)


@given(st.from_regex(_KEY, fullmatch=True))
def test_a_config_has_no_second_key(text):
    try:
        config = MobileSRConfig.from_key(text)
    except ConfigError:
        return
    assert config.key == text


def test_leading_zeros_make_no_second_key():
    with pytest.raises(ConfigError, match=r"did you mean n40_h8_r4_w8_x4_p1\?"):
        MobileSRConfig.from_key("n040_h8_r4_w08_x4_p1")


@given(st.text(max_size=60))
def test_any_other_text_is_refused_with_an_example(text):
    if not _KEY.fullmatch(text):
        with pytest.raises(ConfigError, match=r"is no config key.*n40_h8_r4\.2\.2\.2\.4_w8_x4_p1"):
            MobileSRConfig.from_key(text)


def test_keys_are_what_reports_of_earlier_versions_printed():
    assert PRESETS["ntire2022"].key == "n40_h8_r4.2.2.2.4_w8_x4_p1"
    assert PRESETS["article"].key == "n40_h40_r4.2.2.4_w8_x4_p2"
    assert PRESETS["article"].head_dim == 1


def test_presets_are_found_by_name():
    assert preset("article") is PRESETS["article"]
    with pytest.raises(ConfigError, match=r"unknown preset 'ntire'.*ntire2022, article"):
        preset("ntire")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"n_feats": 0}, "n_feats: must be at least 1"),
        ({"n_feats": 4096}, "n_feats: must be at most 512"),
        ({"n_heads": 0}, "n_heads: "),
        ({"ratios": ()}, "ratios: "),
        ({"ratios": (1,) * 33}, "ratios: "),
        ({"ratios": (2, 0)}, r"ratios\.1: "),
        ({"window_size": 65}, "window_size: "),
        ({"scale": 5}, "scale: .*2, 3 or 4"),
        ({"body_passes": 0}, "body_passes: "),
        ({"n_feats": "many"}, "n_feats: must be a whole number"),
        ({"n_feat": 40}, "n_feat: "),
    ],
)
def test_what_cannot_exist_is_refused_in_one_line(fields, sentence):
    with pytest.raises(ConfigError, match=f"^{sentence}") as refused:
        MobileSRConfig.build(**fields)
    assert "\n" not in str(refused.value)


@given(st.integers(1, 64), st.integers(1, 64))
def test_heads_must_divide_channels_and_the_advice_works(n_feats, n_heads):
    if n_feats % n_heads == 0:
        assert MobileSRConfig.build(n_feats=n_feats, n_heads=n_heads).head_dim * n_heads == n_feats
        return
    with pytest.raises(ConfigError) as refused:
        MobileSRConfig.build(n_feats=n_feats, n_heads=n_heads)
    message = str(refused.value)
    assert f"n_feats={n_feats} is not divisible by n_heads={n_heads}" in message
    advised = int(re.findall(r"choose n_feats=(\d+)", message)[0])
    assert MobileSRConfig.build(n_feats=advised, n_heads=n_heads).n_feats == advised


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        MobileSRConfig().n_feats = 8
