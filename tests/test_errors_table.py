"""Everything a user may get wrong: what was typed, and the one line that comes back.

Each refusal exits with 2, says one sentence on stderr and nothing on stdout, and changes nothing
on disk.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

MODEL = "--preset ntire2022 --weights published.pth"
OURS = "--weights ours.pt"
TINY = "--scale 2 --n-feats 8 --n-heads 2 --depths 1 --ratios 1 --window-sizes 4 --lr-size 16x16"

# (what is wrong, the command, a fragment of the sentence)
TABLE = [
    ("missing image folder", f"evaluate {MODEL} --hr nowhere",
     "the image folder .*nowhere does not exist"),
    ("missing LR folder", f"evaluate {MODEL} --hr photos --lr nowhere",
     "the image folder .*nowhere does not exist"),
    ("empty image folder", f"evaluate {MODEL} --hr empty", "empty holds no image"),
    ("file for a folder", f"evaluate {MODEL} --hr file", "file is a file, a folder of images"),
    ("image that is none", f"evaluate {MODEL} --hr texts",
     "a.png is not an image that can be read here"),
    ("image cut short", f"evaluate {MODEL} --hr torn", "torn/a.png is damaged or cut short"),
    ("search, missing folder", "search --hr nowhere", "folder .*nowhere does not exist"),
    ("search, empty folder", "search --train empty", "empty holds no image"),
    ("search, image that is none", "search --hr texts", "a.png is not an image"),
    ("search, training image that is none", "search --train texts", "a.png is not an image"),
    ("search, LR without HR", "search --lr photos", "--lr was given without --hr"),
    ("search, HR smaller than a tile", "search --hr photos --lr-size 64x64",
     r"smaller than a tile: with an LR size of 64 x 64 at scale 4 .*at least 256 x 256"),
    ("search, LR of another size", "search --hr photos --lr photos --lr-size 4x4",
     "does not belong to"),
    ("train, missing folder", "train --images nowhere -o out.pt", "nowhere does not exist"),
    ("train, images smaller than a crop", "train --images photos --crop 200 -o out.pt",
     "none of the 2 training images is as large as one training crop: 800x800"),
    ("upscale, no such photo", f"upscale nowhere.png -o out.png {OURS}", "nowhere.png does not"),
    ("upscale, photo that is none", f"upscale texts/a.png -o out.png {OURS}", "is not an image"),
    ("weights missing", "evaluate --weights no.pth --hr photos", "no weights at no.pth"),
    ("weights that are none", "evaluate --weights texts/a.png --hr photos",
     "a.png is no PyTorch checkpoint"),
    ("weights that run code", "evaluate --preset article --weights evil.pth --hr photos",
     "evil.pth is no PyTorch checkpoint"),
    ("weights of another architecture", "evaluate --preset article --weights published.pth "
     "--hr photos", r"published.pth does not fit n40_h40.*layers\.3\.0\.mlp\.fc\.0\.weight is"),
    ("weights of another width", f"export {MODEL} --set n_feats=32 -o out",
     r"does not fit n32_h8.*head.weight is \(40, 3, 3, 3\), needed \(32, 3, 3, 3\)"),
    ("search, weights too small for the space", f"search {OURS} --scale 2 --n-heads 2 --n-feats 64 "
     "--lr-size 16x16", r"does not fit n64_h2.*head.weight is \(8, 3, 3, 3\), needed \(64"),
    ("architecture not said", "evaluate --weights published.pth --hr photos",
     "does not say which architecture it is: add --preset"),
    ("both preset and key", f"evaluate {MODEL} --key n8_h2_r1_w4_x2_p1 --hr photos",
     "--preset and --key were both given"),
    ("unknown preset", "evaluate --preset ntire --weights published.pth --hr photos",
     "unknown preset 'ntire': choose from ntire2022, article"),
    ("a key that is none", f"export {OURS} --key n8 -o out", "'n8' is no config key"),
    ("export of nothing", "export -o out", "nothing says what to export: give --from RUN"),
    ("export, a trial of no run", f"export {OURS} --trial 3 -o out", "add --from RUN"),
    ("export, a run and weights", f"export --from run-failed {OURS} -o out",
     "--weights beside --from: the run says all of that"),
    ("export, chosen and a trial", "export --from run-failed --chosen --trial 0 -o out",
     "--chosen and --trial were both given"),
    ("export of an unknown trial", "export --from run-failed --trial 9 -o out",
     "run-failed has no finished trial 9: there are 0"),
    *(
        (f"{command} of a supernet", f"{command} --weights supernet.pt {rest}",
         "supernet.pt is a supernet, which contains many configs: say which with --key")
        for command, rest in (
            ("export", "-o out"), ("evaluate", "--hr photos"), ("upscale", "photos/a.png -o o.png")
        )
    ),
    ("deliver of nothing", "deliver nowhere -o out", "no run directory at nowhere"),
    ("deliver of a foreign folder", "deliver photos -o out", "photos is no run directory"),
    ("deliver to a foreign folder", "deliver run-failed -o photos", "photos exists and is no del"),
    ("deliver to a file", "deliver run-failed -o file", "file is a file: choose another --output"),
    ("deliver, chosen and a trial", "deliver run-failed --chosen --trial 0 -o out",
     "--chosen and --trial were both given"),
    ("deliver, a trial of an artifact", "deliver artifact --trial 0 -o out",
     "artifact is an artifact: --trial, --chosen, --storage are of runs"),
    ("deliver of an unknown trial", "deliver run-failed --trial 9 -o out",
     "run-failed has no finished trial 9: there are 0"),
    ("--set of nothing", f"export {OURS} --set colour=1 -o out", "--set colour=1: use NAME=VALUE"),
    ("--set no number", f"export {OURS} --set n_feats=x -o out", "must be whole numbers"),
    ("heads that do not divide", f"evaluate {MODEL} --set n_heads=7 --hr photos",
     "n_feats=40 is not divisible by n_heads=7: choose n_feats=35 or"),
    ("search, heads that do not divide", "search --n-feats 8,20",
     "n_feats=20 is not divisible by n_heads=8"),
    ("search, no numbers", "search --n-feats 8,x", "--n-feats 8,x: give whole numbers"),
    ("search, empty list", "search --depths ,", "--depths ,: give whole numbers"),
    ("train, heads that do not divide", "train --n-feats 20 -o out.pt", "n_feats=20 is not divis"),
    ("unknown TOML key", "search --config typo.toml",
     r"typo.toml: unknown key max_latncy_ms: did you mean max_latency_ms\?"),
    ("unknown TOML key of the space", "search --config space.toml",
     r"space.toml: unknown key space.n_feat: did you mean space.n_feats\?"),
    ("choices of the space outside their table", "search --config flat.toml",
     r"flat.toml: n_feats is a choice of the search space: write it below a line \[space\]"),
    ("search, run of another scale", f"search {TINY} {OURS} --hr photos --run-dir run-other-scale",
     "belongs to a search with scale=3, this one has scale=2: choose another"),
    ("TOML missing", "search --config no.toml", "no configuration file at no.toml"),
    ("TOML that is none", "search --config torn/a.png", "cannot be read as TOML"),
    ("unknown sampler", "search --sampler magic", "sampler: .*'tpe', 'nsga2', 'gp' or 'random'"),
    ("no trials", "search --trials 0", "trials: must be at least 1"),
    ("unknown device", "search --device pixel9", "no device is called 'pixel9'"),
    ("unreadable study", "report run-unreadable", r"study.db cannot be read \(file is not a data"),
    ("study without trials", "report run-empty", "run-empty holds no candidate yet"),
    ("study without finished trials", "report run-failed",
     r"no candidate of run-failed was timed: 1 candidate ran and failed; .*: crashed"),
    ("run without a study", "report run-young", "holds no study.db: the search did not get"),
    ("report of nothing", "report nowhere", "no run directory at nowhere"),
    ("report of a foreign folder", "report photos", "photos is no run directory"),
    ("LR size of 0", f"export {OURS} --lr-size 0x5 -o out", "LR size 0x5 is out of range"),
    ("LR size of a million", f"export {OURS} --lr-size 1000000x3 -o out",
     "LR size 1000000x3 is out of range: both sides must be 1 to 4096"),
    ("LR size that is none", f"export {OURS} --lr-size big -o out", "'big' is not HEIGHTxWIDTH"),
    ("search, LR size of 0", "search --lr-size 0x0", "LR size 0x0 is out of range"),
    ("search, LR size of a million", "search --lr-size 3x1000000", "3x1000000 is out of range"),
    ("upscale, tile of 0", f"upscale photos/a.png -o out.png {OURS} --tile 0x8",
     "LR size 0x8 is out of range"),
    ("unknown graph", f"export {OURS} --graph fast -o out", "graph: .*'deploy' or 'reference'"),
    ("unknown lowering", f"export {OURS} --lowering fast -o out",
     "lowering: .*'standard' or 'direct'"),
    ("network as written, directly", f"export {OURS} --graph reference --lowering direct -o out",
     "lowering direct writes the deploy graph: the reference graph needs standard"),
    ("strips of the standard lowering", f"export {OURS} --lowering standard --strip-kb 9 -o out",
     "strip_kb is for lowering direct"),
    ("search, folder that cannot be made", f"search {TINY} {OURS} --hr photos --run-dir file/run",
     "cannot write .*a file stands where a folder is needed"),
    ("search, folder nobody may write", f"search {TINY} {OURS} --hr photos --run-dir /proc/run",
     "cannot write /proc/"),
    ("search, folder of something else", f"search {TINY} {OURS} --hr photos --run-dir photos",
     "photos is not empty and holds no run"),
    ("search, run of another search", f"search {TINY} {OURS} --hr photos --run-dir run-empty",
     "run-empty belongs to a search with .*choose another --run-dir"),
    ("export, folder that cannot be made", f"export {OURS} --lr-size 16x16 -o file/out",
     "a file stands where a folder is needed"),
    ("export, folder nobody may write", f"export {OURS} --lr-size 16x16 -o /proc/out",
     "cannot write /proc/out"),
    ("export, onto something else", f"export {OURS} --lr-size 16x16 -o photos",
     "photos exists and is no artifact"),
    ("upscale, folder that cannot be made", "upscale photos/a.png -o file/out.png "
     "--artifact artifact", "a file stands where a folder is needed"),
    ("upscale, folder nobody may write", "upscale photos/a.png -o /proc/out.png "
     "--artifact artifact", "cannot write /proc/out.png"),
    ("upscale, format nobody knows", "upscale photos/a.png -o out.xyz --artifact artifact",
     "unknown image suffix"),
    ("upscale, with nothing", "upscale photos/a.png -o out.png",
     "give either --artifact or --weights"),
    ("upscale, with both", f"upscale photos/a.png -o out.png {OURS} --artifact artifact",
     "give either --artifact or --weights"),
    ("train, folder that cannot be made", "train --images photos --crop 8 --steps 10 "
     "-o file/out.pt", "a file stands where a folder is needed"),
    ("train, folder nobody may write", "train --images photos --crop 8 --steps 10 -o /proc/out.pt",
     "cannot write /proc/"),
    ("bench, no artifact", "bench nowhere", "no artifact at nowhere"),
    ("bench, no manifest", "bench photos", "photos holds no manifest.json"),
    ("bench, changed file", "bench changed", "model.pte is not the file its manifest describes"),
    ("bench, output nobody may write", "bench artifact --sessions 1 --iterations 1 --min-time-s 0 "
     "--output /proc/m.json", "cannot write /proc/m.json"),
]  # fmt: skip


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path("was-run"),)


@pytest.fixture(scope="module")
def world(tmp_path_factory, random_weights, small_artifact, picture) -> Path:
    """A folder with one of everything that the table names."""
    import torch

    from models.config import PRESETS, MobileSRConfig
    from models.images import save_rgb
    from models.weights import save_weights

    root = tmp_path_factory.mktemp("world")
    save_rgb(root / "photos/a.png", picture(48, 56, 1))
    save_rgb(root / "photos/b.png", picture(40, 64, 2))
    for name in ("empty", "texts", "torn"):
        (root / name).mkdir()
    (root / "texts/a.png").write_text("no image")
    (root / "torn/a.png").write_bytes((root / "photos/a.png").read_bytes()[:2000])
    (root / "file").write_text("a file")
    (root / "typo.toml").write_text("max_latncy_ms = 40")
    (root / "flat.toml").write_text("n_feats = [8]")
    (root / "space.toml").write_text("[space]\nn_feat = [8]")
    published = random_weights(PRESETS["ntire2022"]).state
    torch.save({"net": published, "epoch": 1}, root / "published.pth")
    torch.save({"net": Bomb()}, root / "evil.pth")
    ours = random_weights(MobileSRConfig.build(**small_artifact.manifest.config))
    save_weights(ours, root / "ours.pt")
    save_weights(replace(ours, training={"random_configs": 1}), root / "supernet.pt")
    shutil.copytree(small_artifact.folder, root / "artifact")
    shutil.copytree(small_artifact.folder, root / "changed")
    content = bytearray((root / "changed/model.pte").read_bytes())
    content[100] ^= 1
    (root / "changed/model.pte").write_bytes(content)
    _make_runs(root)
    return root


def _make_runs(root: Path) -> None:
    from models.config import MobileSRConfig
    from models.deployment import Deployment
    from search.request import SearchRequest
    from search.study.records import CandidateResult
    from search.study.run_directory import RunDirectory
    from search.study.study import open_study, record

    request = SearchRequest()
    for name in ("run-young", "run-empty", "run-failed"):
        run = RunDirectory.create(root / name, request, {})
        if name == "run-young":
            continue
        study = open_study(run, request)
        if name == "run-failed":
            trial = study.ask()
            record(
                trial,
                CandidateResult(
                    number=0, config=MobileSRConfig(), status="failed",
                    deployment=Deployment(lr_height=8, lr_width=8), reason="crashed",
                    device_serial="host", profile_key="host",
                ),
            )  # fmt: skip
    tiny = {
        "scale": 2, "n_feats": (8,), "n_heads": 2, "depths": (1,), "ratios": (1,),
        "window_sizes": (4,), "lr_size": "16x16", "weights": root / "ours.pt",
        "hr": root / "photos",
    }  # fmt: skip
    other = SearchRequest.resolve({**tiny, "scale": 3})
    RunDirectory.create(root / "run-other-scale", other, {})
    run = RunDirectory.create(root / "run-unreadable", SearchRequest.resolve(tiny), {})
    run.study_path.write_bytes(b"this is no database" * 100)


def contents(root: Path) -> dict[str, str]:
    """Every file of a tree by its hash."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in root.rglob("*")
    }


@pytest.mark.parametrize(
    ("command", "sentence"),
    [pytest.param(command, sentence, id=what) for what, command, sentence in TABLE],
)
def test_wrong_requests_are_one_sentence_and_change_nothing(
    world, run_command, monkeypatch, command, sentence
):
    monkeypatch.chdir(world)
    before = contents(world)
    code, out, err = run_command(command.split())
    assert code == 2, err
    assert out == ""
    lines = err.splitlines()
    # What was chosen may stand before it; of errors there is one, the last line.
    assert [line for line in lines if line.startswith("error: ")] == lines[-1:], err
    known = "Device: |Threads: |Run directory: |LR size |error: "
    assert all(re.match(known, line) for line in lines), err
    assert re.search(sentence, lines[-1]), lines[-1]
    assert "Traceback" not in err
    assert contents(world) == before


def test_a_search_does_not_touch_a_study_it_cannot_read(world, run_command, monkeypatch, tmp_path):
    monkeypatch.chdir(world)
    shutil.copytree("run-unreadable", tmp_path / "run")
    command = f"search {TINY} {OURS} --hr photos --run-dir {tmp_path}/run"
    code, out, err = run_command(command.split())
    assert (code, out) == (2, "")
    assert "study.db cannot be read (file is not a database): restore it" in err.splitlines()[-1]
    assert (tmp_path / "run/study.db").read_bytes() == Path("run-unreadable/study.db").read_bytes()


def test_what_is_wrong_is_told_before_anything_else(world, run_command, monkeypatch):
    """All but what only shows once a device is open is a line alone."""
    monkeypatch.chdir(world)
    for what, command, _ in TABLE:
        if command.split()[0] in ("deliver", "evaluate", "export", "report", "train"):
            _, _, err = run_command(command.split())
            assert err.count("\n") == 1, what


def test_the_real_command_says_the_same(world):
    """One through the installed entry point's own module, in its own process."""
    done = subprocess.run(
        [sys.executable, "-m", "mobilesr_tune", "search", "--config", "typo.toml"],
        cwd=world, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: typo.toml: unknown key max_latncy_ms: did you mean max_latency_ms?\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "--no-such-option"],
        ["search", "--trials", "many"],
        ["no-such-command"],
        ["bench"],
        ["export", "--weights", "x"],
        ["bench", "artifact", "--sessions", "0"],
    ],
)
def test_usage_errors_exit_with_2_too(run_command, arguments):
    code, out, err = run_command(arguments)
    assert code == 2
    assert out == ""
    assert "Usage: mobilesr-tune" in err
    assert "Traceback" not in err


ON_A_SMALL_DISK = """
{limit}
shift
"$@"
code=$?
ls -AR {disk} >{disk}.left
exit $code
"""


def on_a_full_disk(
    world: Path, disk: Path, size_kb: int, arguments: list[str]
) -> tuple[subprocess.CompletedProcess[str], bool]:
    """Run the command with a file system of that size at `disk`; whether it was a real one.

    Where user namespaces are not to be had, no file may grow beyond that size instead.
    """
    disk.mkdir()
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    probe = [*unshare, "mount", "-t", "tmpfs", "none", str(disk)]
    real = (
        shutil.which("unshare") is not None
        and not subprocess.run(probe, capture_output=True, check=False).returncode
    )
    limit = f"mount -t tmpfs -o size={size_kb}k none {disk}" if real else f"ulimit -f {size_kb * 2}"
    script = ON_A_SMALL_DISK.format(limit=limit, disk=disk)
    command = [sys.executable, "-m", "mobilesr_tune", *arguments]
    done = subprocess.run(
        [*(unshare if real else []), "sh", "-c", script, "sh", "-", *command],
        cwd=world, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    return done, real


@pytest.mark.parametrize(
    ("arguments", "size_kb"),
    [
        (f"export {OURS} --lr-size 16x16 -o DISK/out", 8),
        ("train --images photos --crop 8 --steps 10 --scale 2 --n-heads 8 --n-feats 32 "
         "-o DISK/out.pt", 8),
        ("upscale photos/a.png -o DISK/out.png --artifact artifact", 8),
        (f"search {TINY} {OURS} --hr photos --run-dir DISK/run --trials 1", 8),
        (f"search {TINY} {OURS} --hr photos --run-dir DISK/run --trials 1", 24),
        (f"search {TINY} {OURS} --hr photos --run-dir DISK/run --trials 1", 64),
    ],
    ids=["export", "train", "upscale", "search", "search, at the weights", "search, at the study"],
)  # fmt: skip
def test_a_full_disk_is_one_sentence_and_nothing_half_written(world, tmp_path, arguments, size_kb):
    disk = tmp_path / "disk"
    words = arguments.replace("DISK", str(disk)).split()
    done, real = on_a_full_disk(world, disk, size_kb, words)
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    assert done.stderr.endswith(lines[0] + "\n")
    assert not real or "no space left on the disk" in lines[0]
    assert "Traceback" not in done.stderr
    left = Path(f"{disk}.left").read_text().split()
    assert not set(left) & {"out", "out.pt", "out.png", "model.pte"}, left
    # Nor a temporary file of any of them.
    assert not [name for name in left if name.startswith(".") and not name.startswith("./")], left
