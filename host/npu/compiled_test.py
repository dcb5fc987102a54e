"""Networks as libraries: what compiles, what is refused, what is kept."""

from pathlib import Path

import pytest

from host.errors import BadInput, HostFailure
from host.npu import compiled
from host.npu.generated import read_generated
from host.npu.network import Network
from host.npu.testing.code import Code, copy


def refusal(folder: Path, code: Code) -> BadInput:
    with pytest.raises(BadInput) as caught:
        compiled.network(read_generated(code.write(folder)))
    return caught.value


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("LL_Teleport_Init(3);", "LL_Teleport_Init"),
        ("ll_sw_forward_quaternion(0);", "ll_sw_forward_quaternion"),
        ("Quaternion_sw_info info; (void)info;", "Quaternion_sw_info"),
        ("Activ_sw_info info = {.general.type = LL_SW_GELU}; (void)info;", "LL_SW_GELU"),
        ("LL_Streng_TensorInitTypeDef s = {.warp = 1}; (void)s;", "warp"),
    ],
)
def test_what_it_does_not_have_is_named(tmp_path: Path, start: str, name: str) -> None:
    error = refusal(tmp_path, Code(blocks=[(start, "")]))
    assert error.what == f"network.c uses what the virtual NPU does not have: {name}"


def test_a_declared_function_that_is_not_there_is_named(tmp_path: Path) -> None:
    code = Code(blocks=[("LL_Teleport_Init(3);", "")], before="void LL_Teleport_Init(int);\n")
    with pytest.raises(BadInput, match="does not have: LL_Teleport_Init"):
        Network.open(code.write(tmp_path)).close()


def test_what_does_not_compile_is_shown(tmp_path: Path) -> None:
    error = refusal(tmp_path, Code(blocks=[("this is no C;", "")]))
    assert error.what == "network.c does not compile"
    assert "network.c:" in error.evidence


def test_a_file_that_is_included_must_be_there(tmp_path: Path) -> None:
    error = refusal(tmp_path, Code(before='#include "network_ecblobs.h"\n'))
    assert "network_ecblobs.h" in error.what


def test_a_network_is_compiled_once(tmp_path: Path) -> None:
    code = Code(blocks=[(copy("1", "2"), "")], before='#include "part.h"\n')
    (tmp_path / "part.h").write_text('#include "deeper.h"\n')
    (tmp_path / "deeper.h").write_text("enum { PART = 1 };\n")
    path = code.write(tmp_path)
    first = compiled.network(read_generated(path))
    assert compiled.network(read_generated(path)) == first
    (tmp_path / "deeper.h").write_text("enum { PART = 2 };\n")
    assert compiled.network(read_generated(path)) != first


def test_headers_beside_a_network_do_not_stand_for_ours(tmp_path: Path) -> None:
    for name in ("ll_aton.h", "ll_aton_NN_interface.h", "ll_sw.h", "string.h"):
        (tmp_path / name).write_text("#error not this one\n")
    compiled.network(read_generated(Code().write(tmp_path)))


def test_without_gcc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = read_generated(Code(before="enum { NEVER_SEEN_BEFORE };\n").write(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    with pytest.raises(HostFailure, match="gcc is needed") as caught:
        compiled.network(code)
    assert caught.value.next_step == "apt-get install gcc libc6-dev"
