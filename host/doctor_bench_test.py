"""The doctor finds what reaches boards, and lacks of it fail no tier without hardware."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from host import doctor, doctor_bench
from host.boards import openocd, probes
from host.boards.flashers.testing_tools import SAID
from host.boards.kinds import DK, NOT_SEEN, NUCLEO
from host.cli.board_bench_test import KIND, ONE, st_link
from host.doctor_test import fake_tool
from host.findings import Finding


@pytest.fixture(autouse=True)
def usb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is plugged in: nothing yet. No bench file counts but one that a test writes."""
    monkeypatch.setattr(probes, "USB", tmp_path / "usb")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NIGHTJAR_BENCH", raising=False)
    return tmp_path / "usb"


def by_name() -> dict[str, Finding]:
    return {finding.name: finding for finding in doctor.examine()[0]}


def test_missing_hardware_and_tools_keep_no_other_tier_from_use() -> None:
    findings, tiers = doctor.examine()
    of_bench = {check().name for check in doctor_bench.bench_checks()}
    assert {tool.name for tool in doctor_bench.TOOLS} < of_bench
    for finding in findings:
        if finding.name in of_bench:
            assert finding.status != "FAIL"  # which `doctor --strict` would end with
            assert not {"native", "virtual"} & set(finding.tiers), finding
            assert finding.status == "OK" or finding.remedy
    problems = {tier.name: tier.problems for tier in tiers}
    assert list(problems) == ["native", "virtual", "n6-virtual", DK.name, NUCLEO.name]
    assert f"a way to {KIND}" in problems[KIND]


@pytest.mark.parametrize("tool", doctor_bench.TOOLS, ids=lambda tool: tool.name)
def test_a_tool_says_its_version_and_an_old_one_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: doctor_bench.ProbeTool
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    said = f"{tool.name} v99.1.0+dev"
    fake_tool(folder, tool.name, said + f"\n/usr/share/{openocd.TARGET}" * bool(tool.knows))
    finding = doctor_bench.check_tool(tool)
    assert (finding.status, finding.detail) == ("OK", f"99.1.0+dev, {NOT_SEEN}")
    finding = doctor_bench.check_tool(replace(tool, least=(99, 2)))
    assert finding.status == "NOTE"
    assert finding.remedy == tool.remedy
    fake_tool(folder, tool.name, "?")
    assert doctor_bench.check_tool(tool).status == "NOTE"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not found" in doctor_bench.check_tool(tool).detail


def test_external_loaders_lie_beside_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "come with STM32CubeProgrammer" in doctor_bench.check_loaders().detail
    fake_tool(tmp_path, "STM32_Programmer_CLI", "")
    (tmp_path / "ExternalLoader").mkdir()
    (tmp_path / "ExternalLoader" / DK.loader).touch()
    finding = doctor_bench.check_loaders()
    assert finding.status == "NOTE"
    assert finding.detail.endswith(f"lacks {NUCLEO.loader}")
    (tmp_path / "ExternalLoader" / NUCLEO.loader).touch()
    assert doctor_bench.check_loaders().status == "OK"


def test_openocd_is_asked_for_its_target_and_not_for_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 0.12 there are builds with and without it."""
    tool = next(tool for tool in doctor_bench.TOOLS if tool.name == openocd.PROGRAM)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    fake_tool(tmp_path, tool.name, (SAID / "openocd_012.txt").read_text())
    finding = doctor_bench.check_tool(tool)
    assert (finding.status, finding.remedy) == ("NOTE", tool.remedy)
    assert finding.detail.startswith("0.12.0: it has no target")
    fake_tool(tmp_path, tool.name, (SAID / "openocd_found.txt").read_text())
    assert doctor_bench.check_tool(tool).status == "OK"


def test_probes_and_rights(usb: Path, tmp_path: Path) -> None:
    assert doctor_bench.check_probes().status == "NOTE"
    st_link(usb, "1-1", ONE)
    assert ONE in doctor_bench.check_probes().detail
    (usb / "1-1" / "busnum").write_text("999\n")
    rights = doctor_bench.check_rights()  # the node of the probe above is not there
    assert rights.status == "NOTE"
    assert "udevadm" in rights.remedy
    assert not doctor_bench.has_rule([tmp_path])
    (tmp_path / "70-x.rules").write_text('ATTRS{idVendor}=="0483", MODE="666"\n')
    assert doctor_bench.has_rule([tmp_path / "absent", tmp_path])


def test_switches_are_told_for_both_boards_and_marked() -> None:
    findings = by_name()
    dk, nucleo = (findings[f"switches of {kind.name}"].detail for kind in (DK, NUCLEO))
    assert dk.startswith("development boot: both boot switches right; boot from flash: both boot")
    assert nucleo.startswith("development boot: JP2 in position 2, JP1 in position 1; boot from")
    assert NOT_SEEN in dk
    assert NOT_SEEN in nucleo


def test_a_board_is_reached_by_its_probe_or_a_server(
    usb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = tmp_path / "bench.toml"
    monkeypatch.setenv("NIGHTJAR_BENCH", str(bench))
    bench.write_text(f'[board.left]\nkind = "{KIND}"\nprobe = "{ONE}"\n')
    assert "not plugged in: left" in doctor_bench.check_reach(KIND).detail
    st_link(usb, "1-1", ONE)
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = doctor_bench.check_reach(KIND)
    assert (finding.status, "without openocd" in finding.detail) == ("NOTE", True)
    assert "git" in finding.remedy
    fake_tool(tmp_path, "openocd", "")
    assert doctor_bench.check_reach(KIND).status == "OK"
    bench.write_text(bench.read_text() + 'flasher = "probe-rs"\n')
    assert "without probe-rs and STM32_SigningTool_CLI" in doctor_bench.check_reach(KIND).detail
    assert doctor_bench.check_reach(NUCLEO.name).status == "NOTE"
    bench.write_text(f'[board.left]\nkind = "{KIND}"\ngdb = "host:3333"\n')
    assert "left by host:3333" in doctor_bench.check_reach(KIND).detail
    bench.write_text("[board")
    finding = doctor_bench.check_reach(KIND)
    assert finding.status == "FAIL"
    assert str(bench) in finding.detail


def test_the_virtual_chip_is_built_by_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_bench, "find", lambda: None)
    assert doctor_bench.check_virtual().remedy == "make n6-virtual"
    monkeypatch.setattr(doctor_bench, "find", lambda: tmp_path)
    assert doctor_bench.check_virtual().status == "OK"
