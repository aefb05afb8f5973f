"""From `sim:pixel?ambient_c=40` to a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from device_runner.devices.simulated.clock import SimulatedClock
from device_runner.devices.simulated.device import SimulatedDevice
from device_runner.devices.simulated.foreign import SlowSpells
from device_runner.devices.simulated.presets import PRESETS
from device_runner.devices.simulated.spec import PhoneSpec
from device_runner.errors import DeviceUnknownError

PREFIX = "sim:"
_MAX_OPTIONS = 20


def _ambient(spec: PhoneSpec, value: float) -> PhoneSpec:
    warmer = value - spec.heat.ambient_c
    start_c = spec.heat.start_c + warmer
    return replace(spec, heat=replace(spec.heat, ambient_c=value, start_c=start_c))


def _battery(spec: PhoneSpec, value: float) -> PhoneSpec:
    return replace(spec, battery=replace(spec.battery, percent=value))


def _charging(spec: PhoneSpec, value: float) -> PhoneSpec:
    return replace(spec, battery=replace(spec.battery, charging=bool(value)))


def _screen(spec: PhoneSpec, value: float) -> PhoneSpec:
    return replace(spec, screen_off_after_s=value)


def _loss(spec: PhoneSpec, value: float) -> PhoneSpec:
    return replace(spec, loss_rate=value)


def _slow(spec: PhoneSpec, value: float) -> PhoneSpec:
    return replace(spec, noise=replace(spec.noise, spells=SlowSpells(factor=value)))


# Name -> lowest value, highest value, what it changes.
_OPTIONS: dict[str, tuple[float, float, Callable[[PhoneSpec, float], PhoneSpec]]] = {
    "ambient_c": (-20.0, 60.0, _ambient),
    "battery_percent": (1.0, 100.0, _battery),
    "charging": (0.0, 1.0, _charging),
    "screen_off_after_s": (0.0, 1e6, _screen),
    "loss_rate": (0.0, 1.0, _loss),
    # Slow spells, as on a shared virtual machine, in which it takes so many times as long.
    "slow_factor": (1.0, 10.0, _slow),
}
_MAX_SEED = 2**32


def open_simulated(name: str) -> SimulatedDevice:
    """The simulated phone that a name of the form `sim:PRESET[?option=value&...]` means.

    Its clock starts at the present date. Options beside those of `_OPTIONS`: `seed`.

    Raises:
        DeviceUnknownError: no such preset or option, or a value out of bounds.
    """
    preset, _, query = name.removeprefix(PREFIX).partition("?")
    if preset not in PRESETS:
        raise DeviceUnknownError(
            f"no simulated device is called {preset[:100]!r}: choose one of "
            + ", ".join(f"{PREFIX}{known}" for known in PRESETS)
        )
    spec, seed = PRESETS[preset], 0
    changes = []
    for key, text in _parsed(query):
        if key == "seed":
            seed = int(_number(key, text, 0, _MAX_SEED))
            continue
        if key not in _OPTIONS:
            known = ", ".join(["seed", *_OPTIONS])
            raise DeviceUnknownError(f"{PREFIX}{preset} knows no {key[:100]!r}, but: {known}")
        low, high, change = _OPTIONS[key]
        value = _number(key, text, low, high)
        spec = change(spec, value)
        changes.append(f"{key}={value:g}")
    if changes:
        # Another phone: its results are not mixed with the preset's.
        spec = replace(spec, name="&".join([preset, *sorted(changes)]))
    return SimulatedDevice(
        spec, seed=seed, serial=name[:200], clock=SimulatedClock(datetime.now(UTC))
    )


def _parsed(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=_MAX_OPTIONS
        )
    except ValueError:
        raise DeviceUnknownError(
            f"{query[:100]!r} is no list of options: write them as 'sim:pixel?ambient_c=35&seed=3'"
        ) from None


def _number(key: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise DeviceUnknownError(
            f"the option {key} of a simulated device is a number from {low:g} to {high:g}, not "
            f"{text[:100]!r}"
        )
    return value
