"""What a precision costs and gains, config by config: the rows and a sentence for them."""

from __future__ import annotations

from foundation.wording import MISSING, count_of, ms, number
from reports.precisions import Family
from reports.sections import Section
from reports.wording import config_code, interval
from search.study.records import CandidateResult

HEADINGS = (
    "Configuration", "Precision", "Trial", "Latency, ms", "Times as fast", "PSNR Y, dB",
    "Difference, dB", "Peak memory, MB", "File, kB",
)  # fmt: skip


def precision_rows(section: Section) -> list[tuple[str, ...]]:
    """One row a member of a family, as `HEADINGS` name the cells; empty without any."""
    return [_row(family, one) for family in section.families for one in family.members]


def _row(family: Family, one: CandidateResult) -> tuple[str, ...]:
    reference = one is family.reference
    faster, difference = family.times_as_fast(one), family.difference_db(one)
    return (
        config_code(one.config),
        one.deployment.precision,
        str(one.number),
        interval(one),
        MISSING if reference or faster is None else number(faster, 2),
        number(one.psnr_y_db, 2),
        MISSING if reference or difference is None else f"{difference:+.3f}",
        ms(one.peak_memory_mb),
        MISSING if one.artifact is None else number(one.artifact.size_bytes / 1024, 0),
    )


def precision_words(section: Section) -> str:
    """What the rows hold and over what; empty without any."""
    found = section.families
    if not found:
        return ""
    against = sorted({family.reference.deployment.precision for family in found})
    return (
        f"{count_of(len(found), 'config')} of this study in several precisions. Times as fast and "
        f"difference are held against the config's own {' or '.join(against)}; the difference is "
        "of mean PSNR over the same pictures."
    )
