"""The messages' C is whole, the same every time, and free of paths and dates."""

import shutil
import subprocess
import sys
from pathlib import Path

import cbor2
import pytest

from host.errors import HostFailure
from model_gen.codegen.project import messages

_PROGRAM = r"""
#include <stdio.h>
#include "nj_messages_decode.h"
#include "nj_messages_encode.h"
int main(void) {
    uint8_t bytes[1024];
    struct request_r request;
    size_t length = fread(bytes, 1, sizeof bytes, stdin);
    if (cbor_decode_request(bytes, length, &request, NULL) != 0) return 1;
    if (request.request_choice != run_request_m_c) return 2;
    struct response_r response = {.response_choice = digests_response_m_c};
    struct digests_response *d = &response.digests_response_m;
    d->digests_response_features = request.run_request_m.run_request_stages;
    d->digests_response_first = request.run_request_m.run_request_stop_after;
    d->digests_response_taps_u32_m_count = request.run_request_m.run_request_times;
    for (size_t i = 0; i < d->digests_response_taps_u32_m_count; ++i)
        d->digests_response_taps_u32_m[i] = (uint32_t)(i * 0x01010101u);
    if (cbor_encode_response(bytes, sizeof bytes, &response, &length) != 0) return 3;
    fwrite(bytes, 1, length, stdout);
    return 0;
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("messages") / "messages"
    messages.write_messages(out)
    return out


def test_the_same_bytes_in_any_folder(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "elsewhere" / "deep"
    messages.write_messages(again)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    for name in names:
        assert (folder / name).read_bytes() == (again / name).read_bytes(), name


def test_they_are_made_once_and_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    want = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert messages.messages() == (want, False)
    monkeypatch.setattr(messages, "write_messages", None)
    assert messages.messages() == (want, True)


def test_another_schema_or_generator_is_not_recalled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    messages.messages()
    changed = tmp_path / "nightjar.cddl"
    changed.write_bytes(messages.CDDL.read_bytes() + b"; a remark\n")
    monkeypatch.setattr(messages, "CDDL", changed)
    assert not messages.messages()[1]
    package = shutil.copytree(messages._package(), tmp_path / "zcbor")
    (package / "zcbor.py").touch()
    monkeypatch.setattr(messages, "_package", lambda: package)
    assert not messages.messages()[1]


def test_a_missing_generator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zcbor", None)
    messages._package.cache_clear()
    with pytest.raises(HostFailure, match="zcbor"):
        messages.messages()


def test_no_path_of_this_machine(folder: Path) -> None:
    for path in folder.iterdir():
        text = path.read_text()
        assert str(messages.CDDL.parent) not in text, path.name
        assert str(folder) not in text, path.name


def test_every_entry_has_both_directions(folder: Path) -> None:
    for entry in messages.ENTRY_TYPES:
        assert f"cbor_encode_{entry}(" in (folder / "nj_messages_encode.h").read_text()
        assert f"cbor_decode_{entry}(" in (folder / "nj_messages_decode.h").read_text()


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_c_and_cbor2_agree(folder: Path, tmp_path: Path) -> None:
    source, program = tmp_path / "main.c", tmp_path / "main"
    source.write_text(_PROGRAM)
    command = ["gcc", "-w", "-DZCBOR_CANONICAL", f"-I{folder}", str(source)]
    command += [*map(str, sorted(folder.glob("*.c"))), "-o", str(program)]
    subprocess.run(command, check=True)
    for count in (0, 3, 128):
        request = cbor2.dumps([2, 9, 3, count, 1, 0xFFFFFFFF])
        done = subprocess.run([program], input=request, capture_output=True, check=True)
        taps = [i * 0x01010101 for i in range(count)]
        assert cbor2.loads(done.stdout) == [3, 3, 0, 0, 0xFFFFFFFF, taps]
    short = cbor2.dumps([2, 9, 3, 1, 1])
    assert subprocess.run([program], input=short, capture_output=True, check=False).returncode == 1
