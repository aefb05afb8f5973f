"""The commands `runner build | list | verify | export | import | adopt`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_runner.bundles import BrokenBundle, Bundle

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
_Which = Annotated[
    str, typer.Argument(help="An ABI (arm64-v8a, x86_64), or a bundle's folder.", metavar="BUNDLE")
]


class _Abi(StrEnum):
    ARM64 = "arm64-v8a"
    X86_64 = "x86_64"


def register(app: typer.Typer) -> None:
    """Mount the sub-commands of `runner`."""
    runner = typer.Typer(
        help="The program that runs models on phones, with its libraries: make, check, carry.",
        no_args_is_help=True,
    )
    runner.command("build")(build_command)
    runner.command("list")(list_command)
    runner.command("verify")(verify_command)
    runner.command("export")(export_command)
    runner.command("import")(import_command)
    runner.command("adopt")(adopt_command)
    app.add_typer(runner, name="runner")


def build_command(
    abi: Annotated[_Abi, typer.Option(help="What the phone is: nearly all are arm64-v8a.")] = (
        _Abi.ARM64
    ),
    force: Annotated[bool, typer.Option("--force", help="Build even if it is here.")] = False,
    pinned: Annotated[
        bool,
        typer.Option("--pinned", help="Take no Debian package but the tested ones, or fail."),
    ] = False,
    json: _AsJson = False,
) -> None:
    """Make the runner for phones from public packages; done once, in about a minute.

    It needs a Debian-like system with apt, pip and a C++ compiler for the ABI. Mirrors are those
    that this system's apt and pip are set to. A Debian package that is newer than the tested one is
    taken, and named; whether it fits is checked, kernel by kernel where qemu-user-static is there.

    Example: mobilesr-tune runner build --abi arm64-v8a
    """
    from device_runner.bundles import build
    from device_runner.bundles.building import STEPS
    from foundation.console import progress_bar

    with progress_bar("steps") as bar:
        task = bar.add_task("starting", total=STEPS)
        done = -1

        def tell(step: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, completed=done, description=step)

        bundle = build(abi.value, force=force, pinned=pinned, tell=tell)
    _show([bundle], as_json=json)


def list_command(json: _AsJson = False) -> None:
    """List the runners on this computer, newest first.

    Example: mobilesr-tune runner list
    """
    from device_runner.bundles import stored
    from foundation.console import err

    here = stored()
    if not here.bundles and not json:
        err.say("no runner is here: make one with 'mobilesr-tune runner build'")
    if here.bundles or json:
        _show(here.bundles, here.broken, as_json=json)
    for broken in here.broken:
        err.say(f"{broken.folder} cannot be used: {broken.problem}")


def verify_command(
    which: Annotated[
        str | None,
        typer.Argument(help="An ABI, or a bundle's folder; default: all.", metavar="BUNDLE"),
    ] = None,
    json: _AsJson = False,
) -> None:
    """Check runners: their files, how they start, and each family of kernels.

    Kernels are run on each level of processors that this computer can be or emulate (arm64-v8a:
    install qemu-user-static).

    Example: mobilesr-tune runner verify arm64-v8a
    """
    from device_runner.bundles import BundleDamagedError, Stored, stored
    from device_runner.bundles.checking import check
    from foundation.console import err, out, print_json

    here = Stored((_open(which),), ()) if which else stored()
    checked = [check(bundle) for bundle in here.bundles]
    if json:
        print_json(
            [
                {
                    **_facts(found.bundle),
                    "starts": found.starts,
                    "kernels": found.trials and [one.model_dump() for one in found.trials],
                    "unaligned": found.unaligned,
                }
                for found in checked
            ]
            + [_broken_facts(broken) for broken in here.broken]
        )
    else:
        for found in checked:
            out.say(found.in_words())
    if not checked and not here.broken:
        err.say("no runner is here: make one with 'mobilesr-tune runner build'")
    if here.broken:
        raise BundleDamagedError(
            "; ".join(f"{one.folder} cannot be used: {one.problem}" for one in here.broken)
        )


def export_command(
    which: _Which,
    output: Annotated[
        Path | None, typer.Option(help="The archive, *.tar.gz; default: named by its content.")
    ] = None,
    json: _AsJson = False,
) -> None:
    """Write a runner to one file, for a machine that cannot build.

    Example: mobilesr-tune runner export arm64-v8a --output runner-arm64.tar.gz
    """
    from device_runner.bundles import export_bundle
    from foundation.console import out, print_json

    bundle = _open(which)
    target = output or Path(f"runner-{bundle.manifest.name}.tar.gz")
    export_bundle(bundle, target)
    size = target.stat().st_size
    if json:
        print_json({"path": str(target), "size_bytes": size, "digest": bundle.manifest.digest})
        return
    out.say(f"{target} ({size / 2**20:.1f} MB)")


def import_command(
    archive: Annotated[Path, typer.Argument(help="What 'runner export' wrote.")],
    json: _AsJson = False,
) -> None:
    """Take a runner from another machine. It is a program: import only what you trust.

    Example: mobilesr-tune runner import runner-arm64.tar.gz
    """
    from device_runner.bundles import import_bundle

    _show([import_bundle(archive)], as_json=json)


def adopt_command(
    folder: Annotated[Path, typer.Argument(help="Holds your runner and its libraries.")],
    abi: Annotated[_Abi, typer.Option(help="What it was built for.")],
    executorch: Annotated[str, typer.Option(help="The ExecuTorch version that it links.")],
    start: Annotated[
        str, typer.Option(help="How to start it from within the folder.")
    ] = "./runner",
    json: _AsJson = False,
) -> None:
    """Describe a runner of your own, built with an NDK say, so that '--runner FOLDER' takes it.

    Example: mobilesr-tune runner adopt my-runner --abi arm64-v8a --executorch 1.4.1
    """
    import shlex

    from device_runner.bundles import adopt

    command = tuple(shlex.split(start))
    bundle = adopt(folder, abi=abi.value, executorch_version=executorch, command=command)
    _show([bundle], as_json=json)


def _open(which: str) -> Bundle:
    from device_runner.bundles import PLATFORMS, find, open_bundle, recipe

    if which in PLATFORMS:
        return find(which, recipe=recipe(which))
    return open_bundle(Path(which))


def _facts(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "abi": manifest.abi,
        "executorch": manifest.executorch_version,
        "digest": manifest.digest,
        "size_bytes": manifest.size_bytes,
        "files": len(manifest.files),
        "pinned": all(source.pinned for source in manifest.sources),
        "sources": [f"{source.name} {source.version}" for source in manifest.sources],
        "newer_than_tested": [
            f"{source.name} {source.version} (tested: {source.tested})"
            for source in manifest.sources
            if source.tested is not None and not source.pinned
        ],
        "folder": str(bundle.folder),
    }


def _broken_facts(broken: BrokenBundle) -> dict[str, str]:
    return {"folder": str(broken.folder), "problem": broken.problem}


def _show(found: Sequence[Bundle], broken: Sequence[BrokenBundle] = (), *, as_json: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from foundation.console import err, out, print_json

    facts = [_facts(bundle) for bundle in found]
    if as_json:
        print_json([*facts, *map(_broken_facts, broken)])
        return
    table = Table("ABI", "ExecuTorch", "MB", "content", "as tested", "folder")
    for fact in facts:
        table.add_row(
            fact["abi"],
            Text(fact["executorch"]),
            f"{fact['size_bytes'] / 2**20:.1f}",
            fact["digest"][:12],
            "yes" if fact["pinned"] else "no",
            Text(fact["folder"]),
        )
    out.print(table)
    for fact in facts:
        for newer in fact["newer_than_tested"]:
            err.say(f"{fact['abi']}: newer than tested: {newer}")
    if any(bundle.manifest.abi == "arm64-v8a" for bundle in found):
        err.say(
            "The arm64-v8a runner was tried on Android userlands under emulation; whether a retail "
            "phone starts it is not known yet."
        )
