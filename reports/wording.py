"""How a candidate is written for people: its architecture, its latency."""

from __future__ import annotations

from foundation.wording import MISSING, ms, signed_db
from models.config import MobileSRConfig
from search.study.records import CandidateResult


def interval(result: CandidateResult) -> str:
    """`38.2 (37.9–38.6)`: the latency and the interval it is known within."""
    if result.latency_low_ms is None or result.latency_high_ms is None:
        return ms(result.latency_ms)
    low, high = ms(result.latency_low_ms), ms(result.latency_high_ms)
    return f"{ms(result.latency_ms)} ({low}–{high})"


def worse_than_bicubic(result: CandidateResult) -> bool:
    """Whether its pictures are known to be no better than what needs no model."""
    return result.gain_db is not None and result.gain_db <= 0


WORSE_MARK = "✗"
TIE_LEGEND = "≈ a tie: what is known of latency and PSNR leaves open whether it is on the front"
WORSE_LEGEND = f"{WORSE_MARK} no better than bicubic upscaling, which needs no model"


def gain_words(gain_db: float | None) -> str:
    """A gain over bicubic in dB with its sign, marked where there is none."""
    mark = f" {WORSE_MARK}" if gain_db is not None and gain_db <= 0 else ""
    return f"{signed_db(gain_db)}{mark}"


def parameters_of(result: CandidateResult) -> str:
    """`60,000`: the number of weights, where it was exported."""
    return MISSING if result.artifact is None else f"{result.artifact.parameters:,}"


def candidate_code(result: CandidateResult) -> str:
    """`config_code` of a result, and its precision where that is not fp32."""
    return config_code(result.config) + _not_fp32(result)


def candidate_text(result: CandidateResult) -> str:
    """`config_text` of a result, and its precision where that is not fp32."""
    return config_text(result.config) + _not_fp32(result)


def _not_fp32(result: CandidateResult) -> str:
    precision = result.deployment.precision
    return "" if precision == "fp32" else f", {precision}"


def config_code(config: MobileSRConfig) -> str:
    """An architecture in few columns, as in its key: `n32 h4 r2.2.2 w8`."""
    ratios = ".".join(map(str, config.ratios))
    passes = f" p{config.body_passes}" if config.body_passes != 1 else ""
    return f"n{config.n_feats} h{config.n_heads} r{ratios} w{config.window_size}{passes}"


def config_text(config: MobileSRConfig) -> str:
    """The same in a few words: `n_feats 32, heads 4, ratios 2·2·2, window 8`."""
    ratios = "·".join(map(str, config.ratios))
    passes = f", body {config.body_passes} times" if config.body_passes != 1 else ""
    return (
        f"n_feats {config.n_feats}, heads {config.n_heads}, ratios {ratios}, "
        f"window {config.window_size}{passes}"
    )
