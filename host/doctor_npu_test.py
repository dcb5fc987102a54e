"""The doctor says which stedgeai there is, and what in it does not fit."""

from pathlib import Path

import pytest

from host.doctor_npu import check_stedgeai
from model_gen.codegen.neural_art import install
from model_gen.codegen.neural_art.runtime import HEADER, LIBRARIES
from model_gen.codegen.neural_art.testing.output import stand_in
from model_gen.codegen.neural_art.testing.written import Small


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv(install.VARIABLE, raising=False)
    monkeypatch.setattr(install, "_PLACES", ("~/ST/STEdgeAI/*",))


def fill(core: Path, version: str, runtime: str) -> None:
    """Headers of a version, and a runtime library."""
    parts = zip(("MAJOR", "MINOR", "MICRO", "DEV"), version.split("."), strict=True)
    (core / HEADER).parent.mkdir(parents=True)
    (core / HEADER).write_text("".join(f"#define LL_ATON_VERSION_{k} ({v})\n" for k, v in parts))
    (core / LIBRARIES).mkdir(parents=True)
    (core / LIBRARIES / f"NetworkRuntime{runtime}_CM55_GCC.a").touch()


def test_none_is_a_note_that_says_how_one_gets_it() -> None:
    (found,) = check_stedgeai()
    assert (found.name, found.status, found.tiers) == ("stedgeai", "NOTE", ())
    assert "STEDGEAI_CORE_DIR" in found.remedy
    assert "--from" in found.remedy


def test_what_fits_is_ok_and_what_does_not_is_named(tmp_path: Path) -> None:
    new, old = (tmp_path / "home/ST/STEdgeAI" / name for name in ("4.0", "2.2"))
    stand_in(new, Small("4.0", b""))
    fill(new, "1.1.3.275", "1201")
    stand_in(old, Small("2.2", b""))
    fill(old, "1.1.3.8", "1100")
    first, second = check_stedgeai()
    assert (first.name, first.status, first.remedy) == ("stedgeai", "OK", "")
    assert "4.0.1-20581" in first.detail
    assert "headers 1.1.3-275, NetworkRuntime1201_CM55_GCC.a: fit each other" in first.detail
    assert (second.name, second.status) == (f"stedgeai at {old}", "NOTE")
    assert "headers 1.1.3-8, where 2.2.0-20266 writes for 1.1.1" in second.detail
    assert "needs NetworkRuntime1020_CM55_GCC.a" in second.detail


def test_one_that_is_named_and_absent_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(install.VARIABLE, str(tmp_path))
    (found,) = check_stedgeai()
    assert (found.status, found.tiers) == ("NOTE", ())
    assert "names a folder without stedgeai" in found.detail


def test_one_that_tells_no_version_is_a_note(tmp_path: Path) -> None:
    core = tmp_path / "home/ST/STEdgeAI/9.9"
    stand_in(core, Small("4.0", b""))
    program = core / "Utilities/linux/stedgeai"
    program.write_text("#!/bin/sh\necho ST Edge AI Core v9.9.0\n")
    (found,) = check_stedgeai()
    assert found.status == "NOTE"
    assert "2.0, 2.1, 2.2, 3.0, 4.0, 4.1" in found.detail
