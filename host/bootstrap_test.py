"""Set-up without root says the exact command; with everything present it does nothing."""

import os
import platform
from pathlib import Path

import pytest

from host import bootstrap


def test_without_root_the_exact_command_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        bootstrap, "missing_packages", lambda wanted: ["gdb-multiarch", "libc6-dev"]
    )
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit) as caught:
        bootstrap.install_packages()
    assert caught.value.code == 10
    shown = capsys.readouterr().err
    assert (
        "sudo apt-get update && sudo apt-get install --no-install-recommends gdb-multiarch libc6-dev"
        in shown
    )


def test_a_missing_tool_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = bootstrap.missing_packages()
    assert {
        "gcc-arm-none-eabi",
        "libnewlib-arm-none-eabi",
        "qemu-system-arm",
        "gdb-multiarch",
    } <= set(missing)


def test_the_stamp_follows_the_pins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("one")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    first = bootstrap.fingerprint()
    (tmp_path / "pyproject.toml").write_text("two")
    assert bootstrap.fingerprint() != first


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("root", [False, True])
def test_what_only_tests_use_is_installed_where_it_can_be(
    monkeypatch: pytest.MonkeyPatch, root: bool, machine: str
) -> None:
    asked: list[set[str]] = []
    tests: list[set[str]] = []
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(bootstrap, "can_install", lambda: root)
    monkeypatch.setattr(
        bootstrap, "install_packages", lambda wanted=bootstrap.PACKAGES: asked.append({*wanted})
    )
    monkeypatch.setattr(bootstrap, "install_test_packages", lambda wanted: tests.append({*wanted}))
    monkeypatch.setattr(bootstrap, "make_venv", lambda: None)
    bootstrap.main(["--test"])
    every = {*bootstrap.PACKAGES}
    # Who cannot install is told of all at once; who can waits for no more than `.venv` needs.
    assert asked == [*([] if root else [every]), {*bootstrap.VENV_PACKAGES}, every]
    assert len(tests) == root
    if root:
        assert "chromium" in tests[0]
        assert ("qemu-user" in tests[0]) == (machine == "x86_64")


def test_what_only_tests_use_stops_nothing_where_it_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[str]] = []

    def install(packages: list[str]) -> str:
        asked.append(packages)
        return "no candidate" if "snap" in packages else ""

    monkeypatch.setattr(bootstrap, "apt_install", install)
    monkeypatch.setattr(bootstrap, "is_installed", lambda package: package != "meson")
    wanted = {
        "here": lambda: True,
        "snap": lambda: False,
        "shell": lambda: False,  # there is a package of that name, but nothing useful in it
        "good": lambda: ["good"] in asked,
    }
    bootstrap.install_test_packages(wanted)
    assert asked == [["snap", "shell", "good", "meson"], ["snap"], ["shell"], ["good"], ["meson"]]
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in said] == ["no snap", "no shell"]


def test_what_can_all_be_had_is_installed_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[str]] = []

    def install(packages: list[str]) -> str:
        asked.append(packages)
        return ""

    monkeypatch.setattr(bootstrap, "apt_install", install)
    monkeypatch.setattr(bootstrap, "is_installed", lambda package: package != "meson")
    wanted = {"shell": lambda: False, "good": lambda: bool(asked)}
    bootstrap.install_test_packages(wanted)
    assert asked == [["shell", "good", "meson"]]
    assert capsys.readouterr().err.startswith("no shell: ")
    asked.clear()
    monkeypatch.setattr(bootstrap, "is_installed", lambda package: True)
    bootstrap.install_test_packages({"here": lambda: True})
    assert asked == []
