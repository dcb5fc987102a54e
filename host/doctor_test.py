"""The doctor finds what is missing and names the command that mends it."""

import os
from pathlib import Path

import pytest

from host import doctor


def fake_tool(folder: Path, name: str, output: str) -> None:
    tool = folder / name
    tool.write_text(f"#!/bin/sh\necho '{output}'\n")
    tool.chmod(0o755)


def test_everything_is_found_where_the_project_is_set_up() -> None:
    findings, tiers = doctor.examine()
    assert {f.name for f in findings} >= {
        "gcc",
        "arm-none-eabi-gcc",
        "qemu-system-arm",
        "gdb-multiarch",
    }
    for finding in findings:
        assert (finding.status == "OK") != bool(finding.remedy), finding
    assert [t.name for t in tiers][:2] == ["native", "virtual"]


def test_an_absent_tool_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    findings, tiers = doctor.examine()
    by_name = {finding.name: finding for finding in findings}
    assert by_name["qemu-system-arm"].status == "FAIL"
    assert by_name["qemu-system-arm"].remedy.endswith(
        "install --no-install-recommends qemu-system-arm"
    )
    assert by_name["gdb-multiarch"].remedy.endswith("gdb-multiarch")
    ready = {tier.name: tier.ready for tier in tiers}
    assert not ready["virtual"]
    assert not ready["native"]


def test_an_old_qemu_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, "qemu-system-arm", "QEMU emulator version 6.2.0 mps3-an547")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    finding = doctor.check_qemu()
    assert finding.status == "FAIL"
    assert "received QEMU emulator version 6.2.0" in finding.detail


def test_every_pin_is_checked() -> None:
    pins = doctor.pinned_versions()
    assert pins["cbor2"].startswith("5.")
    assert len([name for name in pins if name.startswith("tensorflow")]) == 1
