"""The search on real adbd devices with our own runner: what is lost, shared and said."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from lab_device import LabDevice
from lab_fixtures import MakeDevice
from lab_server import LabServer

from device_runner import MeasurePlan, TimingPlan
from device_runner.bundles import Bundle
from device_runner.devices.adb import launch
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.adb.native import NativeBundle
from models.deployment import Candidate, Deployment
from models.images import make_pair
from models.weights import save_weights
from reports.compile import write_report
from reports.facts import gather
from reports.report import report_of
from search.candidates.evaluation import Evaluator
from search.constraints import Constraints
from search.life import SearchEvents, run_search
from search.request import SearchRequest
from search.scheduling.lane import Lane
from search.scheduling.loop import LoopEvents, SearchLoop
from search.scheduling.station import Patience, Station
from search.space import SearchSpace
from search.study.run_directory import RunDirectory
from search.study.study import results_of

# Exports and a runner bundle may have to be made first.
pytestmark = pytest.mark.timeout(900)
REPOSITORY = Path(__file__).resolve().parents[2]
SPACE = SearchSpace(
    n_feats=(4, 6, 8), depths=(1,), ratios=(1,), window_sizes=(4,), n_heads=2, scale=2
)
DEPLOYMENT = Deployment.choose(lr_height=16, lr_width=16)
PLAN = MeasurePlan(sessions=1, timing=TimingPlan(max_warmup=3, min_iterations=2, min_time_s=0))
CALM = Patience()


class StoreExporter:
    """Artifacts from the store that the tests share."""

    def __init__(self, export_once):
        self._export = export_once

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Nothing is open."""

    def stop(self):
        """Nothing can be stopped."""

    def export(self, candidate: Candidate):
        return self._export(candidate.config, candidate.deployment)


@pytest.fixture
def native(runner_bundle: Callable[[str], Bundle]) -> NativeBundle:
    return NativeBundle(runner_bundle("x86_64"))


@pytest.fixture
def search(own_server: LabServer, native, export_once, picture, tmp_path):
    """A search over `SPACE` on given phones; returns its loop, its notes and its troubles."""
    pairs = [make_pair("p", picture(32, 32, 1), 2)]

    def make(*phones: LabDevice, patience=CALM, note=lambda text: None):
        notes, troubles, stations = [], [], []
        for phone in phones:
            device = AdbDevice(phone.serial, bundles=lambda abi: native, patience_s=2.0)
            device.profile()
            evaluator = Evaluator(
                device=device, plan=PLAN, pairs=pairs, constraints=Constraints(),
                measurements=tmp_path / "measurements", best_psnr_db=99.0, overlap=None,
            )  # fmt: skip
            stations.append(
                Station(
                    device, evaluator, patience, record=troubles.append,
                    note=lambda text: (notes.append(text), note(text)),
                )
            )  # fmt: skip
        lane = Lane(
            study=optuna.create_study(
                directions=["minimize", "maximize"], sampler=optuna.samplers.RandomSampler(seed=0)
            ),
            space=SPACE, deployment=DEPLOYMENT, stations=stations, trials=3,
        )  # fmt: skip
        events = LoopEvents(note=notes.append)
        return SearchLoop([lane], StoreExporter(export_once), None, events), lane, notes, troubles

    return make


@pytest.fixture
def in_the_middle(monkeypatch):
    """Have something happen, once, while the runner of the second candidate or a later one runs."""

    def arrange(happen: Callable[[], None], lane_of: Callable[[], Lane]):
        pending = [happen]
        listen = launch._Watch._listen

        def watched(self, seconds):
            if pending and lane_of().known:
                pending.pop()()
            listen(self, seconds)

        monkeypatch.setattr(launch._Watch, "_listen", watched)

    return arrange


def test_a_phone_that_is_unplugged_and_returns_loses_and_repeats_nothing(
    search, in_the_middle, phone: LabDevice
):
    plugged = []

    def plug_in_again(text):
        if "was lost" in text and not plugged:
            plugged.append(text)
            phone.start()

    loop, lane, notes, troubles = search(phone, note=plug_in_again)
    in_the_middle(phone.kill, lambda: lane)
    loop.run()
    results = results_of(lane.study)
    assert [result.status for result in results] == ["ok"] * 3
    assert sorted(r.config.key for r in results) == sorted(config.key for config in SPACE.configs())
    assert Counter(bool("device_lost" in result.flags) for result in results) == {
        True: 1, False: 2,
    }  # fmt: skip
    (trouble,) = troubles
    assert (trouble.ended, trouble.error) == ("back", "DeviceLost")
    assert any("is ready again after" in note for note in notes)
    # The same numbers as without any trouble: the quality is exact, the candidates are the same.
    calm, calm_lane, _, no_troubles = search(phone)
    calm.run()
    assert no_troubles == []
    by_key = {result.key: result for result in results_of(calm_lane.study)}
    for result in results:
        assert result.psnr_y_db == by_key[result.key].psnr_y_db
        assert result.artifact == by_key[result.key].artifact
    assert phone.runs() == []


def test_two_phones_of_one_profile_share_a_study_and_one_can_be_lost(
    search, in_the_middle, make_device: MakeDevice
):
    first, second = make_device(), make_device()
    loop, lane, notes, troubles = search(first, second, patience=Patience(wait_s=2))
    assert len({station.device.profile().key for station in lane.stations}) == 1
    in_the_middle(first.kill, lambda: lane)
    loop.run()
    results = results_of(lane.study)
    assert [result.status for result in results] == ["ok"] * 3
    assert len({result.key for result in results}) == 3
    assert second.serial in {result.device_serial for result in results}
    assert all(trouble.serial == first.serial for trouble in troubles)
    if any(station.gone for station in lane.stations):
        assert any(f"goes on with {second.serial}" in note for note in notes)
    assert second.runs() == []


@pytest.fixture
def request_for(tmp_path, picture, random_weights, native):
    from models.images import save_rgb

    config = SPACE.smallest()
    save_weights(random_weights(config), tmp_path / "ours.pt")
    save_rgb(tmp_path / "photos/a.png", picture(32, 32, 1))

    def make(device: str) -> SearchRequest:
        return SearchRequest(
            space=SearchSpace(
                n_feats=(4,), depths=(1,), ratios=(1,), window_sizes=(4,), n_heads=2, scale=2
            ),
            device=device, runner=str(native.folder), lr_size=(16, 16), hr=tmp_path / "photos",
            weights=tmp_path / "ours.pt", trials=1, sessions=1, min_iterations=2, min_time_s=0.01,
            threads=1, run_dir=tmp_path / "run",
        )  # fmt: skip

    return make


def test_phones_of_two_profiles_have_a_study_each_and_share_exports(
    own_server: LabServer, make_device: MakeDevice, request_for
):
    one, other = make_device(), make_device()
    other.set_props(**{"ro.product.model": "Other Phone"})
    for phone in (one, other):
        own_server_connect(own_server, phone)
    opened = []
    request = request_for("all")
    outcome = run_search(
        request, ["search"], SearchEvents(opened=lambda *told: opened.append(told))
    )
    assert "all that are ready" in opened[0][1]
    run = RunDirectory.open(request.run_dir)
    assert len(run.parts) == 2
    assert not run.study_path.exists()
    results = run.results()
    assert {result.device_serial for result in results} == {one.serial, other.serial}
    assert len({result.profile_key for result in results}) == 2
    assert [len(part.results()) for part in run.parts] == [1, 1]
    for result in results:
        assert (run.path / result.timing.measurement_file).is_file()
    # One candidate and the sentinel, exported once for both.
    assert len(list(run.artifacts.iterdir())) == 2
    assert all(len(list(part.artifacts.iterdir())) == 2 for part in run.parts)
    assert all(part.weights.is_file() for part in run.parts)
    assert len(outcome.devices) == 2
    assert all(sentence.startswith("Pushed ") for sentence in outcome.devices)
    assert {use["serial"] for use in run.devices()} == {one.serial, other.serial}
    assert all(use["pushed"]["models_bytes"] > 0 for use in run.devices())
    page = write_report(report_of([gather(run)]), run.report_folder).html.read_text()
    assert "Other Phone" in page or run.parts[1].path.name in page

    # Forgotten here, still there: the second run measures anew and pushes nothing.
    again = request.model_copy(update={"run_dir": request.run_dir.with_name("again")})
    run_search(again, ["search"], SearchEvents())
    for use in RunDirectory.open(again.run_dir).devices():
        assert use["pushed"]["total_bytes"] == 0
        assert use["pushed"]["artifacts_there_already"] == 2


def own_server_connect(server: LabServer, phone: LabDevice) -> None:
    from adbutils import AdbClient

    AdbClient(port=server.port, socket_timeout=60).connect(phone.serial)


def test_a_run_takes_no_results_of_another_phone(
    own_server: LabServer, phone: LabDevice, request_for, tmp_path
):
    request = request_for("auto")
    facts = {"profile_key": "phone-lab-0", "inputs": {}}
    RunDirectory.create(request.run_dir, request, facts)
    own_server_connect(own_server, phone)
    with pytest.raises(Exception, match="holds results of phone-lab-0, this device is phone-lab"):
        run_search(request, ["search"], SearchEvents())


def test_a_second_command_hears_who_has_the_phone_and_a_killed_one_frees_it(
    own_server: LabServer, phone: LabDevice, native, export_once, tmp_path
):
    artifact = export_once(SPACE.smallest(), DEPLOYMENT)
    bench = [
        sys.executable, "-m", "mobilesr_tune", "bench", str(artifact.folder), "--device",
        phone.serial, "--runner", str(native.folder), "--threads", "1", "--iterations", "2",
        "--json",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*bench, *more], capture_output=True, text=True, timeout=200, env=environment,
            check=False,
        )  # fmt: skip

    endless = subprocess.Popen(
        [*bench, "--min-time-s", "3600", "--timeout-s", "600"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    try:
        # From its first line on stderr to the claim is no time to speak of: look at the device.
        wait_until(lambda: any("--min-time-s 3600" in line for line in phone.runs()))
        busy = run("--min-time-s", "0")
        assert busy.returncode == 3
        assert re.search(
            rf"in use by process {endless.pid} \(\S+ bench\) since \d\d:\d\d:\d\d", busy.stderr
        )
        assert "--wait SECONDS" in busy.stderr
        waiting = subprocess.Popen(
            [*bench, "--min-time-s", "0", "--wait", "120"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        told = ""
        while "waiting for it, 120 s at most" not in told:
            line = waiting.stderr.readline()
            assert line, told
            told += line
        assert f"process {endless.pid}" in told
        endless.send_signal(signal.SIGKILL)
        out, _ = waiting.communicate(timeout=200)
        document = json.loads(out)
        assert document["pushed"]["artifacts_there_already"] == 1
        assert document["pushed"]["total_bytes"] == 0
        assert document["unknown"] == []
        assert waiting.returncode == 0
    finally:
        endless.kill()
        endless.communicate()
    assert phone.runs() == []


def wait_until(condition: Callable[[], bool]) -> None:
    import time

    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
