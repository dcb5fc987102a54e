"""Plugins are compiled once for their content, and only QEMUs of their API get any."""

import shutil
from pathlib import Path

import pytest

from host.boards import plugin
from host.cache import LIBRARIES
from host.errors import HostFailure

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
SOURCE = """
#include "nj_plugin.h"
int qemu_plugin_version = 1;
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)id, (void)info, (void)argc, (void)argv;
    return RESULT;
}
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "nj_none.c"
    path.write_text(SOURCE.replace("RESULT", "0"))
    return path


@needs_gcc
def test_a_plugin_is_compiled_once_for_its_content(source: Path) -> None:
    first = plugin.compiled(source)
    made = first.stat().st_ino
    assert plugin.compiled(source) == first
    assert first.stat().st_ino == made
    source.write_text(SOURCE.replace("RESULT", "1"))
    assert plugin.compiled(source) != first
    assert len(list(first.parent.glob("*.so"))) == 2


@needs_gcc
def test_a_source_that_does_not_compile_leaves_nothing(source: Path) -> None:
    source.write_text("this is no C")
    with pytest.raises(HostFailure, match="does not compile"):
        plugin.compiled(source)
    assert list(LIBRARIES.folder.path.glob("*.so")) == []


@needs_gcc
def test_commas_are_doubled(source: Path, tmp_path: Path) -> None:
    option, value = plugin.plugin_arguments(source, out=tmp_path / "a,b")
    assert option == "-plugin"
    assert value.endswith(f",out={tmp_path}/a,,b")


@needs_gcc
def test_without_gcc_only_what_is_compiled_loads(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "qemu_version", lambda: "QEMU emulator version 7.2.22")
    other = source.with_name("nj_other.c")
    other.write_text(SOURCE.replace("RESULT", "2"))
    plugin.compiled(source)
    monkeypatch.setenv("PATH", "/nowhere")
    assert plugin.why_not(source) == ""
    assert "gcc" in plugin.why_not(other)


@needs_gcc
@pytest.mark.parametrize(
    ("line", "loads"),
    [
        ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)", True),
        ("QEMU emulator version 8.2.2 (Debian 1:8.2.2+ds-0ubuntu1)", True),
        ("QEMU emulator version 9.0.0", False),
        ("QEMU emulator version 10.0.2", False),
    ],
)
def test_a_qemu_of_another_api_has_a_reason(
    line: str, loads: bool, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "qemu_version", lambda: line)
    reason = plugin.why_not(source)
    assert (reason == "") is loads
    assert loads or line in reason
