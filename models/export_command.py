"""The command `export`: from weights and a config, or from what a search has found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foundation.artifact import MANIFEST_NAME, Artifact
from foundation.console import err, out, print_json
from foundation.errors import RequestError
from foundation.folders import copy_files
from foundation.memory import no_garbage_collection
from foundation.wording import shell_line
from models.artifact_copy import copy_artifact
from models.cli import (
    ConfigOption,
    IoOption,
    JsonOption,
    KeyOption,
    PrecisionOption,
    PresetOption,
    choose_config,
)

if TYPE_CHECKING:
    from models.deployment import Candidate
    from models.measured import Measured
    from models.origin import WeightsOrigin
    from models.weights import Weights


@dataclass(frozen=True)
class FoundBySearch:
    """A candidate of a run, and what it can be exported from.

    Attributes:
        artifact: what the search exported and measured, None where it was deleted.
        weights: the checkpoint from which it can be made anew: the run's or, of a finetuned
            candidate, its own.
        note: whose weights these are, where there could be a doubt; else empty.
        origin: that of the weights; None where the record does not say.
        measured: what the search measured of it; None where it was not timed.
    """

    candidate: Candidate
    artifact: Artifact | None
    weights: Path
    note: str = ""
    origin: WeightsOrigin | None = None
    measured: Measured | None = None

    def put_into(self, store: Path) -> Artifact:
        """The artifact with all that is known of it, below `store`.

        What was measured itself, where it is still there: that file, and no other, has numbers.
        Else it is exported anew. Raises as `models.export.export`.
        """
        from models.artifact_readme import write_artifact_readme
        from models.export import export
        from models.weights import load_weights

        if self.artifact is None:
            weights = load_weights(self.weights)
            weights = replace(weights, origin=weights.origin or self.origin)
            artifact = export(self.candidate, weights, store)
        else:
            artifact = self._copied(self.artifact, store)
        write_artifact_readme(artifact, self.measured)
        return artifact

    def _copied(self, artifact: Artifact, store: Path) -> Artifact:
        """A copy whose manifest says the weights' origin, where this or the run does."""
        folder = copy_files(artifact.folder, store / artifact.folder.name)
        manifest = artifact.manifest
        if manifest.weights_origin is None and self.origin is not None:
            manifest = manifest.model_copy(update={"weights_origin": self.origin.value})
            manifest.save(folder / MANIFEST_NAME)
        return Artifact(folder, manifest)


# Run directory, trial (None: the recommended one), address of the run's study where it is not its
# own -> what to export.
FindInRun = Callable[[Path, int | None, str | None], FoundBySearch]


def export_command(find_in_run: FindInRun) -> Callable[..., None]:
    """The command; `find_in_run` answers `--from`."""

    def export(
        output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the artifact.")],
        run: Annotated[
            Path | None,
            typer.Option("--from", metavar="RUN", help="Run directory that a search left behind."),
        ] = None,
        trial: Annotated[
            int | None, typer.Option(help="With --from: this trial [the recommended one].")
        ] = None,
        chosen: Annotated[
            bool, typer.Option("--chosen", help="With --from: the recommended one.")
        ] = False,
        storage: Annotated[
            str | None,
            typer.Option(
                metavar="URL", help="With --from: where the study lies, if not in the run."
            ),
        ] = None,
        weights: Annotated[
            Path | None, typer.Option(help="Checkpoint: published .pth or ours.")
        ] = None,
        preset: PresetOption = None,
        key: KeyOption = None,
        changes: ConfigOption = None,
        lr_size: Annotated[
            str | None, typer.Option(help=r"HEIGHTxWIDTH of the LR input \[180x320].")
        ] = None,
        graph: Annotated[
            str | None,
            typer.Option(
                help="deploy: one XNNPACK delegate. reference: the network as written. "
                r"\[deploy]"
            ),
        ] = None,
        lowering: Annotated[
            str | None,
            typer.Option(
                help="direct: our own XNNPACK graph. standard: ExecuTorch's partitioner. "
                r"\[direct where the graph is deploy]"
            ),
        ] = None,
        strip_kb: Annotated[
            int | None,
            typer.Option(help=r"Cache in kB that a direct graph is cut for; 0: uncut. \[3072]"),
        ] = None,
        precision: PrecisionOption = None,
        io: IoOption = None,
        json: JsonOption = False,
    ) -> None:
        """Export a model to an ExecuTorch .pte with its manifest and its check tensors.

        Either from a checkpoint, or what a search has found, just as it was measured.

        Example: mobilesr-tune export --from runs/pixel8 --chosen --output best

        Example: mobilesr-tune export --preset ntire2022 --weights mobilesr_x4.pth
        --lr-size 180x320 --output published
        """
        with no_garbage_collection():
            from models.deployment import Candidate, Deployment, fallback_sentence, parse_lr_size
            from models.weights import how_read, load_given_weights
            from models.window_padding import padding_sentence

        own = {
            "--weights": weights, "--preset": preset, "--key": key, "--set": changes,
            "--lr-size": lr_size, "--graph": graph, "--lowering": lowering,
            "--strip-kb": strip_kb, "--precision": precision, "--io": io,
        }  # fmt: skip
        if run is not None:
            _refuse_beside_from([name for name, value in own.items() if value is not None])
            if chosen and trial is not None:
                raise RequestError("--chosen and --trial were both given: choose one")
            _export_found(find_in_run(run, trial, storage), output, json)
            return
        if trial is not None or chosen:
            raise RequestError("--trial and --chosen choose from a run: add --from RUN")
        if weights is None:
            raise RequestError(
                "nothing says what to export: give --from RUN, what a search left behind, or "
                "--weights, a checkpoint"
            )
        height, width = parse_lr_size(lr_size or "180x320")
        loaded = load_given_weights(weights)
        if sentence := how_read(loaded, weights):
            err.say(sentence)
        config = choose_config(preset, key, changes, loaded)
        deployment = Deployment.choose(
            lr_height=height, lr_width=width, graph=graph or "deploy", lowering=lowering,
            strip_kb=strip_kb, precision=precision or "fp32", io=io or "float",
        )  # fmt: skip
        if sentence := fallback_sentence(deployment):
            err.say(sentence)
        export_to(Candidate(config, deployment), loaded, output, json)
        if sentence := padding_sentence((height, width), (config.window_size,)):
            err.say(sentence, style="yellow")

    return export


def _refuse_beside_from(given: list[str]) -> None:
    if given:
        raise RequestError(
            f"{', '.join(given)} beside --from: the run says all of that; leave one of them out"
        )


def _export_found(found: FoundBySearch, output: Path, json: bool) -> None:
    if found.note:
        err.say(found.note)
    with err.status(f"exporting {found.candidate.key}"):
        artifact = copy_artifact(found.put_into, output)
    _tell(artifact, output, json)


def export_to(candidate: Candidate, weights: Weights, output: Path, json: bool) -> None:
    """Export with a spinner, copy the artifact to `output`, and say what it is."""
    from models.export import export as run

    with err.status(f"lowering {candidate.key}"):
        artifact = copy_artifact(lambda store: run(candidate, weights, store), output)
    _tell(artifact, output, json)


def _tell(artifact: Artifact, output: Path, json: bool) -> None:
    manifest = artifact.manifest
    if json:
        print_json({"path": str(artifact.model_path), "manifest": manifest.to_dict()})
        return
    out.say(f"{artifact.model_path}  {manifest.size_bytes / 1024:.0f} kB", style="bold")
    out.say(
        f"{manifest.candidate_key}: {manifest.parameters:,} parameters, "
        f"{manifest.macs / 1e9:.2f} GMAC, {manifest.delegates} XNNPACK delegate(s) with "
        f"{manifest.delegated_op_count} operators, {manifest.undelegated_op_count} left to "
        f"portable kernels, {manifest.export_s:.0f} s"
    )
    out.say(f"Measure it: {shell_line(['mobilesr-tune', 'bench', str(output)])}")
