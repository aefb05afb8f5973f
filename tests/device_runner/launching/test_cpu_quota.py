"""What control groups grant, as containers, services and clusters lay them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from device_runner.launching import kernel_facts

V1 = "9:name=systemd:/x\n4:memory:/a\n3:cpuset:/\n2:cpu,cpuacct:{0}\n"


def lay(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    ("own", "files", "granted"),
    [
        # A container of version 2 sees its own group at the root.
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        # A service with CPUQuota=, and one in a slice that has less.
        ("0::/system.slice/n.service\n", {"system.slice/n.service/cpu.max": "200000 100000"}, 2.0),
        (
            "0::/s.slice/n.service\n",
            {"s.slice/n.service/cpu.max": "max 100000", "s.slice/cpu.max": "50000 100000"},
            0.5,
        ),
        # Version 1, at the root of a container and below.
        (
            V1.format("/docker/ab"),
            {"cpu,cpuacct/cpu.cfs_quota_us": "100000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            1.0,
        ),
        (
            V1.format("/job"),
            {"cpu/job/cpu.cfs_quota_us": "400000", "cpu/job/cpu.cfs_period_us": "100000"},
            4.0,
        ),
        (
            V1.format("/"),
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            None,
        ),
        # What makes no sense, or is not there, is no limit.
        ("0::/\n", {"cpu.max": "lots"}, None),
        ("0::/\n", {"cpu.max": "100000 0"}, None),
        ("nonsense\n", {}, None),
        ("0::/../..\n", {}, None),
    ],
)
def test_the_strictest_group_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: dict[str, str],
    granted: float | None,
) -> None:  # fmt: skip
    lay(tmp_path / "cgroup", files)
    (tmp_path / "own").write_text(own)
    monkeypatch.setattr(kernel_facts, "_GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(kernel_facts, "_OWN_GROUPS", tmp_path / "own")
    assert kernel_facts.cpu_quota() == granted


def test_without_control_groups_there_is_no_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_facts, "_GROUPS", tmp_path / "none")
    monkeypatch.setattr(kernel_facts, "_OWN_GROUPS", tmp_path / "neither")
    assert kernel_facts.cpu_quota() is None
