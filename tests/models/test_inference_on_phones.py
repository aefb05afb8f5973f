"""A picture through a phone of the lab has the quality that it has through the host."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from lab_fixtures import MakeDevice
from lab_server import LabServer

from device_runner import HostDevice, infer, verify
from device_runner.bundles import Bundle
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.adb.native import NativeBundle
from foundation import Artifact
from models.inference import upscale_images
from models.quality import score


@pytest.mark.parametrize("abi", ["x86_64", "arm64-v8a"])
def test_same_psnr_as_the_host(
    abi: str,
    lab_server: LabServer,
    make_device: MakeDevice,
    runner_bundle: Callable[[str], Bundle],
    small_artifact: Artifact,
    pixel_artifact: Artifact,
    picture: Callable[..., np.ndarray],
) -> None:
    bundle = NativeBundle(runner_bundle(abi))
    # Several tiles, and a size that is no multiple of one.
    photo, truth = picture(23, 37, 1), picture(46, 74, 1)
    psnr_db = {}
    with (
        AdbDevice(make_device(abi=abi).serial, bundles=lambda wanted: bundle) as phone,
        HostDevice() as host,
    ):
        for device in (host, phone):
            with device.lease():
                verification = verify(device, small_artifact, threads=1, timeout_s=120)
                assert verification.max_abs_error <= 1e-4
                run = partial(infer, device, small_artifact, threads=1, timeout_s=120)
                (result,) = upscale_images(run, small_artifact, [photo])
            psnr_db[device.serial] = score(result, truth, 2).psnr_y_db
        assert psnr_db[phone.serial] == pytest.approx(psnr_db[host.serial], abs=0.01)
        with phone.lease():
            # To the phone, planes and pixels are the same picture.
            assert verify(phone, pixel_artifact, threads=1, timeout_s=120).passed
            run = partial(infer, phone, pixel_artifact, threads=1, timeout_s=120)
            (pixels,) = upscale_images(run, pixel_artifact, [photo])
        np.testing.assert_array_equal(pixels, result)
