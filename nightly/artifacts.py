"""The suite's models as artifacts: loaded from where they lie, or exported once for all nights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from foundation.artifact import Artifact, load_artifact
from foundation.errors import RequestError
from models.config import MobileSRConfig, preset
from models.deployment import Candidate, Deployment, fallback_sentence
from models.errors import ConfigError
from models.export_process import Export, ExportProcess
from models.window_padding import padding_sentence
from nightly.suite import ModelSpec, Suite

if TYPE_CHECKING:
    from models.weights import Weights

# LR height and width of the built-in sentinel: long enough to feel what heat does.
SENTINEL_SIDE = 64
SEED = 0


@dataclass(frozen=True)
class Prepared:
    """What is measured tonight: per model its artifact, or the sentence why there is none."""

    models: dict[str, Export]
    sentinel: Artifact | None
    # Models whose weights mean nothing: their pictures are not judged.
    seeded: frozenset[str]


def prepare(
    suite: Suite,
    only: Collection[str] = (),
    say: Callable[[str], None] = lambda text: None,
    warn: Callable[[str], None] = lambda text: None,
    known: Collection[str] = (),
) -> Prepared:
    """Have every artifact at hand; a config that was exported before costs nothing.

    `say` hears what is being done, `warn` which models pay for an LR size that windows do not fit.
    `known` models were measured before: that the artifact of one cannot be read any more is what
    the night finds out of it, and no reason to leave the others.

    Raises:
        RequestError: an artifact, a checkpoint or a config that cannot be used, or a store that
            cannot be written.
    """
    specs = [model for model in suite.models if not only or model.name in only]
    found: dict[str, Export] = {}
    wanted: dict[Path, dict[str, Candidate]] = {}
    for spec in specs:
        if spec.artifact is not None:
            found[spec.name] = _loaded(spec.artifact, lenient=spec.name in known)
        else:
            weights, candidate = _candidate(suite, spec)
            wanted.setdefault(weights, {})[spec.name] = candidate
    for sentence in {
        fallback_sentence(c.deployment) for of in wanted.values() for c in of.values()
    }:
        if sentence:
            say(sentence)
    for sentence in _padding_sentences(wanted):
        warn(sentence)
    for weights, candidates in wanted.items():
        say(f"exporting {len(candidates)} with {weights.name}, where not done before")
        with ExportProcess(weights, suite.artifacts) as process:
            found |= {name: process.export(one) for name, one in candidates.items()}
    return Prepared(
        {spec.name: found[spec.name] for spec in specs},
        _sentinel(suite, found, say),
        frozenset(s.name for s in specs if s.artifact is None and s.weights is None),
    )


def _loaded(path: Path, *, lenient: bool) -> Export:
    try:
        return load_artifact(path)
    except RequestError as error:
        if lenient:
            return str(error)
        raise


def _padding_sentences(wanted: Mapping[Path, Mapping[str, Candidate]]) -> list[str]:
    """One for all models that have the size and the window in common."""
    names: dict[str, list[str]] = {}
    for candidates in wanted.values():
        for name, candidate in candidates.items():
            size = candidate.deployment.lr_height, candidate.deployment.lr_width
            sentence = padding_sentence(size, (candidate.config.window_size,), "lr_size")
            if sentence:
                names.setdefault(sentence, []).append(name)
    return [f"{', '.join(models)}: {sentence}" for sentence, models in names.items()]


def _candidate(suite: Suite, spec: ModelSpec) -> tuple[Path, Candidate]:
    """The candidate a spec means, and the file of its weights."""
    config: MobileSRConfig | None = None
    if spec.key is not None:
        config = MobileSRConfig.from_key(spec.key)
    elif spec.preset is not None:
        config = preset(spec.preset)
    if spec.weights is not None:
        from models.weights import load_weights

        config = config or load_weights(spec.weights).config
        path = spec.weights
    else:
        assert config is not None  # a spec without weights has a preset or a key
        path = _seeded_weights(config, suite.artifacts)
    if config is None:
        raise ConfigError(
            f"model {spec.name!r}: {path} does not say which architecture it is: add preset or key"
        )
    height, width = spec.lr_size
    return path, Candidate(
        config,
        Deployment.choose(
            lr_height=height,
            lr_width=width,
            graph=spec.graph,
            lowering=spec.lowering,
            precision=spec.precision,
        ),
    )


def _seeded_weights(config: MobileSRConfig, store: Path) -> Path:
    """Weights drawn from a fixed seed: the same on every machine and every night."""
    from models.weights import save_weights

    digest = hashlib.sha256(config.key.encode()).hexdigest()[:8]
    path = store / f"seeded-{config.key}-{digest}.pt"
    if not path.is_file():
        save_weights(_draw(config), path)
    return path


def _draw(config: MobileSRConfig) -> Weights:
    import torch

    from models.network import MobileSR
    from models.weights import Weights

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return Weights(dict(MobileSR(config).state_dict()), config, f"seed {SEED}")


def _sentinel(
    suite: Suite, found: dict[str, Export], say: Callable[[str], None]
) -> Artifact | None:
    """The built-in one, a model of the suite by its name, or the artifact at a path."""
    if suite.sentinel == "none":
        return None
    if suite.sentinel == "built-in":
        from models.sentinel import export_sentinel

        say("having the sentinel exported")
        deployment = Deployment.choose(lr_height=SENTINEL_SIDE, lr_width=SENTINEL_SIDE)
        return export_sentinel(deployment, suite.artifacts)
    for spec in suite.models:
        if spec.name == suite.sentinel:
            # Of a suite that is measured in part (`--only`), it may not be among the models.
            export = found.get(spec.name) or _alone(suite, spec)
            if isinstance(export, str):
                raise RequestError(f"the sentinel {spec.name!r} could not be exported: {export}")
            return export
    return load_artifact(Path(suite.sentinel))


def _alone(suite: Suite, spec: ModelSpec) -> Export:
    if spec.artifact is not None:
        return load_artifact(spec.artifact)
    weights, candidate = _candidate(suite, spec)
    with ExportProcess(weights, suite.artifacts) as process:
        return process.export(candidate)
