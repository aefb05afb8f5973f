"""How far devices agree, in words and rows, the same for the page and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foundation.wording import count_of, ms, number, percent, signed_db
from reports.agreement import Agreement, Transfer
from reports.wording import candidate_code, interval
from search.study.records import CandidateResult


def agreement_views(agreements: Sequence[Agreement]) -> list[dict[str, Any]]:
    """One view for every two sections."""
    return [
        {
            "agreement": found,
            "sentence": sentence(found),
            "swaps": [
                (
                    candidate_code(swap.left[0]),
                    interval(swap.left[0]),
                    interval(swap.left[1]),
                    candidate_code(swap.right[0]),
                    interval(swap.right[0]),
                    interval(swap.right[1]),
                    "sure" if swap.sure else "intervals overlap",
                )
                for swap in found.swaps
            ],
            "retrained": [
                (
                    candidate_code(one),
                    number(one.psnr_y_db, 2),
                    number(other.psnr_y_db, 2),
                    signed_db((other.psnr_y_db or 0.0) - (one.psnr_y_db or 0.0)),
                )
                for one, other in found.retrained
            ],
            "transfers": [transfer_sentence(transfer) for transfer in found.transfers],
        }
        for found in agreements
    ]


def sentence(found: Agreement) -> str:
    """How far two devices agree, in one or two sentences."""
    both = f"{found.first} and {found.second}"
    if found.tau_latency is None:
        return (
            f"{both} share {count_of(found.shared, 'timed candidate')}: too few for a rank "
            "correlation. Search both with the same candidates to compare them."
        )
    psnr = f"; of PSNR {number(found.tau_psnr, 2)}" if found.tau_psnr is not None else ""
    pairs = count_of(found.swapped, "pair")
    sure = f", {found.surely_swapped} of them beyond their intervals" if found.swapped else ""
    return (
        f"{both} share {found.shared} timed candidates. Rank correlation of latency (Kendall's "
        f"tau) {number(found.tau_latency, 2)}{psnr}. They disagree on the order of {pairs} of "
        f"{found.pairs} ({percent(found.swapped / found.pairs)}){sure}."
    )


def transfer_sentence(found: Transfer) -> str:
    """What it would cost to carry a choice from one device to another."""
    words = (
        f"The choice of {found.chosen_on} ({candidate_code(found.here)}) takes "
        f"{ms(found.here.latency_ms)} ms on {found.run_on}, with {_db(found.here)} dB"
    )
    if found.better is None:
        return f"{words}: nothing measured there is better within that time."
    return (
        f"{words}; within that time {candidate_code(found.better)} gives "
        f"{_db(found.better)} dB there, in {ms(found.better.latency_ms)} ms."
    )


def _db(result: CandidateResult) -> str:
    return number(result.psnr_y_db, 2)
