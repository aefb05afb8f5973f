"""The sentences that answer the user's question, the same wherever they are shown."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import PurePath

from foundation.wording import count_of, number, plain
from reports.choice import Choice
from reports.facts import ProfileGroup, StudyFacts
from reports.wording import candidate_text, interval
from search.front.belief import source_error_of


def headline(group: ProfileGroup, choice: Choice) -> str:
    """Which configuration, how many ms, how many dB above bicubic, on which device."""
    best = choice.result
    if best is None:
        return f"No recommendation for {group.device}: {choice.rule}"
    over = best.gain_db
    quality = f"PSNR {number(best.psnr_y_db, 2)} dB"
    if best.images:
        quality += f" (mean of {count_of(len(best.images), 'picture')})"
    if over is not None:
        word = "above" if over >= 0 else "below"
        quality += f", {number(abs(over), 2)} dB {word} bicubic"
    width, height = best.deployment.lr_width, best.deployment.lr_height
    sizes = f"{width}×{height} to {width * best.config.scale}×{height * best.config.scale} pixels"
    return (
        f"Trial {best.number} ({candidate_text(best)}) upscales {sizes}"
        f" in {interval(best)} ms with {quality}, on {group.device}."
    )


def counts(group: ProfileGroup) -> str:
    """How many candidates there are and what became of them."""
    ok, failed, stopped = (len(group.with_status(s)) for s in ("ok", "failed", "stopped"))
    infeasible = len([r for r in group.measured if not r.feasible])
    text = f"{count_of(len(group.results), 'candidate')}: {ok} ok"
    text += f" ({infeasible} of them outside the constraints)" if infeasible else ""
    text += f", {failed} failed, {stopped} stopped before quality"
    origins = psnr_origins(group)
    return f"{text}. {origins}{_source_error(group)}. {_means(group)}" if origins else text


def _means(group: ProfileGroup) -> str:
    """Over what the PSNRs are means."""
    known = sorted({len(result.images) for result in group.measured if result.images})
    unknown = len([result for result in group.measured if not result.images])
    if not known:
        return "Each PSNR is a mean over pictures that are not recorded"
    many = [*map(str, known[:-1]), count_of(known[-1], "picture")]
    words = f"Each PSNR is the mean over {' or '.join(many)}"
    return f"{words}, of {count_of(unknown, 'candidate')} not recorded" if unknown else words


def _source_error(group: ProfileGroup) -> str:
    """What is reckoned of the weights' own error, in words after those on their origin."""
    source, unknown = source_error_of(group.measured)
    words = ""
    if (largest := float(source.sd_db.max(initial=0.0))) > 0:
        words = f"; trained alone, each would be within {2 * largest:.2f} dB of its place among"
        words += " them in 95 of 100 cases, which the probabilities of being on the front allow for"
    if unknown:
        words += f"; how {count_of(unknown, 'candidate')} would rank when trained alone is not"
        words += " known, and not in those probabilities"
    return words


def psnr_origins(group: ProfileGroup) -> str:
    """Where the PSNRs come from, in words; empty where none was measured."""
    found = Counter(result.quality.origin for result in group.measured if result.quality)
    parts = [
        "of unknown weights (an older record)"
        if origin is None
        else f"of {origin} weights ({origin.sentence})"
        for origin, _ in found.most_common()
    ]
    if not parts:
        return ""
    if len(parts) == 1:
        return f"PSNR {parts[0]}"
    counted = zip(parts, found.most_common(), strict=True)
    return "PSNR " + ", ".join(f"{part} for {count}" for part, (_, count) in counted)


def reproduce_command(facts: StudyFacts) -> str:
    """The command line of the study, quoted for a shell; empty when it was not recorded."""
    if not facts.command:
        return ""
    words = list(facts.command)
    program = PurePath(words[0]).name
    if program.startswith("mobilesr"):
        words[0] = "mobilesr-tune"
    elif not program.startswith("python"):
        words.insert(0, "mobilesr-tune")
    # A control character cannot be pasted safely, quoted or not.
    return shlex.join(plain(word) if not word.isprintable() else word for word in words)
