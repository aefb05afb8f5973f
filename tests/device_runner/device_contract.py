"""What every device must do. A device's test inherits this class and gives the fixture `device`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device_runner import (
    ArtifactChangedError,
    Device,
    DeviceBusy,
    DeviceNotLeasedError,
    InputRefusedError,
    Outcome,
    RunRequest,
    TimingPlan,
)
from foundation import Artifact

QUICK = TimingPlan(min_warmup=2, max_warmup=5, min_iterations=4, min_time_s=0.0)
# The wall-clock bound that a launch of a slow device may need before its first word.
LAUNCH_S = 120.0


class DeviceContract:
    """Tests of `device_runner.Device`; `second` opens the same device once more."""

    def request(self, artifact: Artifact, **changes: object) -> RunRequest:
        request = RunRequest(
            artifact=artifact,
            inputs=(artifact.check_input_path,),
            timing=None,
            timeout_s=LAUNCH_S,
        )
        return dataclasses.replace(request, **changes)  # type: ignore[arg-type]

    def test_profile_is_stable_and_says_whether_it_stands_in(self, device: Device) -> None:
        assert device.profile().key == device.profile().key
        assert (device.profile().kind == "phone") == (device.profile().stand_in_note == "")

    def test_suggests_threads_with_a_reason(self, device: Device) -> None:
        choice = device.suggest_threads()
        assert 1 <= choice.threads <= device.profile().cores
        assert choice.why

    def test_uptime_is_told_or_unknown_and_passes(self, device: Device) -> None:
        first, second = device.uptime_s(), device.uptime_s()
        if first is None:
            assert second is None
        else:
            assert second is not None
            assert 0 < first <= second

    def test_timed_run_reports_a_whole_session(self, device: Device, artifact: Artifact) -> None:
        with device.lease():
            report = device.run(self.request(artifact, timing=QUICK))
        assert report.outcome is Outcome.OK, report.message
        session = report.session
        assert session is not None
        assert len(session.iteration_ns) == len(session.iteration_start_ns) == 4
        assert list(session.iteration_start_ns) == sorted(session.iteration_start_ns)
        assert 2 <= len(session.warmup_ms) <= 5
        assert session.load_ms > 0
        assert session.first_run_ms > 0
        assert session.median_ms > 0
        assert session.peak_rss_mb >= session.rss_after_load_mb > 0
        assert session.runtime_version
        assert report.outputs == ()

    def test_both_count_and_time_are_met(self, device: Device, artifact: Artifact) -> None:
        timing = TimingPlan(min_warmup=1, max_warmup=1, min_iterations=2, min_time_s=0.3)
        with device.lease():
            report = device.run(self.request(artifact, timing=timing))
        assert report.session is not None
        session = report.session
        last = session.iteration_start_ns[-1] + session.iteration_ns[-1]
        assert last - session.iteration_start_ns[0] >= 0.3e9

    def test_outputs_of_several_inputs(
        self, device: Device, artifact: Artifact, tmp_path: Path
    ) -> None:
        given = np.fromfile(artifact.check_input_path, "<f4")
        inputs = []
        for index, factor in enumerate((1.0, 0.5, 1.0)):
            inputs.append(tmp_path / f"in {index}.bin")
            (given * np.float32(factor)).tofile(inputs[-1])
        with device.lease():
            report = device.run(
                self.request(artifact, inputs=tuple(inputs), output_dir=tmp_path / "out")
            )
        assert report.outcome is Outcome.OK, report.message
        found = [np.fromfile(path, "<f4") for path in report.outputs]
        expected = np.fromfile(artifact.check_output_path, "<f4")
        np.testing.assert_allclose(found[0], expected, atol=1e-4)
        np.testing.assert_array_equal(found[0], found[2])
        assert np.abs(found[1] - found[0]).max() > 0.01
        assert report.session is not None
        assert report.session.iteration_ns == ()

    def test_uint8_is_clamped_and_rounded_to_even(
        self, device: Device, artifact: Artifact, tmp_path: Path
    ) -> None:
        # Scaled up, so that the outputs leave [0, 1] on both sides.
        given = tmp_path / "in.bin"
        (np.fromfile(artifact.check_input_path, "<f4") * np.float32(8)).tofile(given)
        answers = {}
        with device.lease():
            for dtype in ("float32", "uint8"):
                report = device.run(
                    self.request(
                        artifact,
                        inputs=(given,),
                        output_dir=tmp_path / dtype,
                        output_dtype=dtype,
                    )
                )
                answers[dtype] = np.fromfile(report.outputs[0], np.dtype(dtype))
        floats = answers["float32"]
        assert floats.min() < 0
        assert floats.max() > 1
        expected = np.rint(np.clip(floats, 0, 1) * np.float32(255)).astype(np.uint8)
        np.testing.assert_array_equal(answers["uint8"], expected)

    @pytest.mark.parametrize("threads", [1, 2])
    def test_threads_are_really_used(
        self, device: Device, artifact: Artifact, threads: int
    ) -> None:
        with device.lease():
            report = device.run(self.request(artifact, threads=threads))
        assert report.session is not None
        assert report.session.threads == threads

    @pytest.mark.parametrize("content", [b"", b"no program at all", None])
    def test_file_that_does_not_load(
        self,
        device: Device,
        artifact: Artifact,
        altered: Callable[[str, bytes], Artifact],
        content: bytes | None,
    ) -> None:
        whole = artifact.model_path.read_bytes()
        broken = altered("model.pte", whole[: len(whole) // 2] if content is None else content)
        with device.lease():
            report = device.run(self.request(broken, timing=QUICK))
        assert report.outcome is Outcome.BAD_FILE
        assert report.session is None
        assert device.serial in report.message
        assert "tiny-x2" in report.message

    def test_damaged_program_is_an_outcome(
        self, device: Device, artifact: Artifact, altered: Callable[[str, bytes], Artifact]
    ) -> None:
        content = bytearray(artifact.model_path.read_bytes())
        for at in range(200, len(content), 97):
            content[at] ^= 0xFF
        with device.lease():
            report = device.run(self.request(altered("model.pte", bytes(content)), timing=QUICK))
        assert report.outcome in (Outcome.BAD_FILE, Outcome.CRASHED)

    def test_hang_is_stopped(self, device: Device, artifact: Artifact) -> None:
        endless = TimingPlan(min_time_s=1e6)
        with device.lease():
            report = device.run(self.request(artifact, timing=endless, timeout_s=6.0))
            assert report.outcome is Outcome.TIMED_OUT
            assert "6 s" in report.message
            # The device is fit for the next one.
            assert device.run(self.request(artifact)).outcome is Outcome.OK

    def test_out_of_memory(
        self, device: Device, artifact: Artifact, altered: Callable[[str, bytes], Artifact]
    ) -> None:
        # Its file alone, which is mapped, lies beyond the limit.
        heavy = altered("model.pte", artifact.model_path.read_bytes() + bytes(8 << 20))
        with device.lease():
            report = device.run(self.request(heavy, memory_limit_mb=1))
            roomy = device.run(self.request(heavy, memory_limit_mb=4000))
        assert report.outcome is Outcome.OUT_OF_MEMORY
        assert "1 MB" in report.message
        assert roomy.outcome is Outcome.OK, roomy.message

    def test_input_of_wrong_size_is_refused(
        self, device: Device, artifact: Artifact, tmp_path: Path
    ) -> None:
        short = tmp_path / "short.bin"
        short.write_bytes(artifact.check_input_path.read_bytes()[:-4])
        with device.lease():
            for inputs in ((short,), (tmp_path / "absent.bin",), ()):
                with pytest.raises(InputRefusedError):
                    device.run(self.request(artifact, inputs=inputs))

    def test_push_is_idempotent_and_checked(
        self, device: Device, artifact: Artifact, altered: Callable[[str, bytes], Artifact]
    ) -> None:
        with device.lease():
            device.push(artifact)
            again = device.push(artifact)
            assert again.already_there
            assert again.bytes_pushed == 0
            swapped = altered("check_input.bin", artifact.check_input_path.read_bytes())
            swapped.model_path.write_bytes(b"something else")
            with pytest.raises(ArtifactChangedError):
                device.push(swapped)

    def test_nothing_happens_without_the_lease(self, device: Device, artifact: Artifact) -> None:
        with pytest.raises(DeviceNotLeasedError):
            device.run(self.request(artifact))
        with pytest.raises(DeviceNotLeasedError):
            device.push(artifact)

    def test_lease_is_exclusive_and_reentrant(self, device: Device, second: Device) -> None:
        with device.lease():
            with device.lease():
                pass
            with pytest.raises(DeviceBusy, match=device.serial), second.lease():
                pass
        with second.lease():
            pass
