"""`device_runner.measuring.precision`: fp16 where it is emulated, and where it does not load."""

import pytest
from scripted_device import ScriptedDevice

from device_runner import MeasurementFailed, Outcome, RunReport, measure, verify
from device_runner.flags import Flag
from device_runner.measuring.precision import precision_flags, precision_of
from device_runner.records import DeviceProfile, MeasurePlan
from foundation import Artifact


def as_if(artifact, precision):
    """The artifact, as if it were of another precision."""
    deployment = {**artifact.manifest.deployment, "precision": precision}
    return Artifact(
        artifact.folder, artifact.manifest.model_copy(update={"deployment": deployment})
    )


def test_an_artifact_that_does_not_tell_is_fp32(small_artifact):
    manifest = small_artifact.manifest.model_copy(update={"deployment": {}})
    assert precision_of(Artifact(small_artifact.folder, manifest)) == "fp32"
    assert precision_of(as_if(small_artifact, "int8")) == "int8"


@pytest.mark.parametrize(
    ("precision", "abi", "flags"),
    [
        ("fp16", "x86_64", (Flag.FP16_EMULATED,)),
        ("fp16", "arm64-v8a", ()),
        ("int8", "x86_64", ()),
        ("fp32", "x86_64", ()),
    ],
)
def test_times_of_fp16_on_x86_say_that_they_mean_nothing(small_artifact, precision, abi, flags):
    profile = DeviceProfile.model_construct(abi=abi)
    assert precision_flags(as_if(small_artifact, precision), profile) == flags


class Laptop(ScriptedDevice):
    """An x86-64 one."""

    def profile(self):
        return super().profile().model_copy(update={"abi": "x86_64"})


class OldPhone(ScriptedDevice):
    """Without the arithmetic that a file asks for."""

    def run(self, request):
        return RunReport(Outcome.BAD_FILE, "could not be loaded: load_method failed with 32", 0.1)


def test_the_flag_is_in_the_measurement(small_artifact):
    device = Laptop(lambda artifact, clock: 10.0)
    plan = MeasurePlan(sessions=3, threads=1)
    assert Flag.FP16_EMULATED in measure(device, as_if(small_artifact, "fp16"), plan).flags
    assert Flag.FP16_EMULATED not in measure(device, small_artifact, plan).flags


class OldRunner(ScriptedDevice):
    """Whose runner was built before there was any other input."""

    def run(self, request):
        told = "bad_file: method 'forward' does not take one float32 tensor"
        return RunReport(Outcome.BAD_FILE, told, 0.1)


def test_a_runner_that_knows_no_pixels_is_told_as_such(small_artifact, pixel_artifact):
    device = OldRunner(lambda artifact, clock: 10.0)
    advice = "this runner is older than models that take uint8: make its bundle anew"
    for artifact in (small_artifact, pixel_artifact):
        with pytest.raises(MeasurementFailed, match="does not take one float32") as failed:
            verify(device, artifact, threads=1, timeout_s=9)
        assert (advice in str(failed.value)) == (artifact is pixel_artifact)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_processor_without_float16_is_told_as_such(small_artifact, precision):
    device = OldPhone(lambda artifact, clock: 10.0)
    with pytest.raises(MeasurementFailed, match="could not be loaded") as failed:
        verify(device, as_if(small_artifact, precision), threads=1, timeout_s=9)
    advice = "needs a processor with float16 arithmetic (ARMv8.2 on, x86-64 with AVX2): export it"
    assert (advice in str(failed.value)) == (precision == "fp16")
