"""An AArch64 host needs no emulator for its own programs, and no build asks for what the processor lacks."""

import platform
from pathlib import Path

import pytest

from host.reference import frontend_runner as runner


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH; it holds gcc alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "gcc").write_text("#!/bin/sh\n")
    (folder / "gcc").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize(
    ("machine", "needed"), [("x86_64", "aarch64-linux-gnu-gcc"), ("aarch64", None)]
)
def test_an_aarch64_host_runs_its_own_programs(
    machine: str, needed: str | None, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert runner.missing("native") is None
    assert runner.missing("aarch64") == needed
    assert runner.emulator("aarch64") == (needed and "qemu-aarch64")
    assert runner.missing("virtual") == "arm-none-eabi-gcc"


@pytest.mark.parametrize(
    ("cpuinfo", "lacked"),
    [
        ("processor\t: 0\nflags\t\t: fpu sse2 avx avx2 fma\nbugs\t: none\n", None),
        ("processor\t: 0\nflags\t\t: fpu sse2 avx fma\n", "avx2"),
        ("processor\t: 0\nFeatures\t: fp asimd\n", "avx2"),  # AArch64
        (None, "avx2"),
    ],
)
def test_a_build_says_what_the_processor_lacks(
    cpuinfo: str | None,
    lacked: str | None,
    tools: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "PROCESSOR", tools / "cpuinfo")
    if cpuinfo is not None:
        (tools / "cpuinfo").write_text(cpuinfo)
    assert runner.missing("native", "-O3") is None
    assert runner.missing("native", "-O3", "-mavx2", "-mfma") == lacked
