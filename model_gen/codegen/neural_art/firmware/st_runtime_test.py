"""ST's runtime in a project: what is copied, in which order it is found, and what does not fit."""

from pathlib import Path

import pytest

from host.errors import BadInput
from model_gen.codegen.neural_art.firmware.generate import generate
from model_gen.codegen.neural_art.firmware.st_runtime import chosen
from model_gen.codegen.neural_art.firmware.testing_networks import given, network
from model_gen.codegen.neural_art.install import VARIABLE

SOURCES = (
    *("ll_aton.c", "ll_aton_lib.c", "ll_aton_lib_sw_operators.c", "ll_aton_runtime.c"),
    *("ll_aton_util.c", "ll_sw_float.c", "ll_sw_integer.c", "ecloader.c"),
)


def installation(folder: Path, micro: int = 1, library: str = "1020") -> Path:
    """The names of an installation's files, and the version in one of them."""
    home = folder / "Npu/ll_aton"
    for path in (home, folder / "Inc", folder / "Lib", folder / "Npu/Devices/STM32N6XX"):
        path.mkdir(parents=True)
    for name in (*SOURCES, "ll_sw.h", "ll_aton_config.h", "ll_aton_osal.h"):
        (home / name).write_text(f"/* {name} */\n")
    numbers = {"MAJOR": 1, "MINOR": 1, "MICRO": micro, "DEV": 14}
    lines = [f"#define LL_ATON_VERSION_{name} {number}" for name, number in numbers.items()]
    (home / "ll_aton_version.h").write_text("\n".join(lines))
    (folder / "Inc/ai_math_helpers.h").write_text("\n")
    for name in ("ATON.h", "ATON-idxs.h"):
        (folder / "Npu/Devices/STM32N6XX" / name).write_text("\n")
    (folder / "Npu/Devices/STM32N6XX/mcu_cache.h").write_text("#error ours stands for it\n")
    (folder / f"Lib/NetworkRuntime{library}_CM55_GCC.a").write_bytes(b"!<arch>\n")
    return folder


def test_a_project_holds_what_it_needs_of_it_and_not_our_own_calls(tmp_path: Path) -> None:
    network(tmp_path / "net")
    st = installation(tmp_path / "st")
    out = generate(given(tmp_path / "net"), "nucleo-n657x0-q", tmp_path / "out", st=st).path
    held = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {f"st/ll_aton/{name}" for name in SOURCES} <= held
    assert {"st/device/ATON.h", "st/device/ATON-idxs.h"} <= held
    assert {"st/inc/ai_math_helpers.h", "npu/st/mcu_cache.h"} <= held
    assert not [name for name in held if name.startswith(("npu/runtime", "npu/interface"))]
    assert "st/device/mcu_cache.h" not in held
    lists = (out / "CMakeLists.txt").read_text()
    assert "${CMAKE_SOURCE_DIR}/st/NetworkRuntime1020_CM55_GCC.a" in lists
    text = (out / "model/nj_npu_network.c").read_text()
    assert "LL_ATON_DECLARE_NAMED_NN_INSTANCE_AND_INTERFACE(net)" in text


def test_another_version_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    network(tmp_path / "net")
    with pytest.raises(BadInput, match="of different versions"):
        generate(
            given(tmp_path / "net"),
            "stm32n6570-dk",
            tmp_path / "out",
            st=installation(tmp_path / "a", micro=0),
        )
    with pytest.raises(BadInput, match=r"not the library of networks of 2\.2"):
        generate(
            given(tmp_path / "net"),
            "stm32n6570-dk",
            tmp_path / "out",
            st=installation(tmp_path / "b", library="1200"),
        )
    whole = installation(tmp_path / "c")
    (whole / "Npu/ll_aton/ll_aton_runtime.c").unlink()
    with pytest.raises(BadInput, match="sources beside its headers") as caught:
        generate(given(tmp_path / "net"), "stm32n6570-dk", tmp_path / "out", st=whole)
    assert "ll_aton_runtime.c" in caught.value.evidence
    assert not (tmp_path / "out").exists()


def test_which_runtime_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing said: the installed one where it fits, else ours."""
    network(tmp_path / "net")
    core = installation(tmp_path / "core")
    (core / "Utilities/linux").mkdir(parents=True)
    (core / "Utilities/linux/stedgeai").write_text("#!/bin/sh\n")
    (core / "Utilities/linux/stedgeai").chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(core))
    assert chosen("nightjar", tmp_path / "net") is None
    assert chosen(None, tmp_path / "net") == core
    assert chosen("st", tmp_path / "net") == core
    assert chosen(str(tmp_path), tmp_path / "net") == tmp_path
    (core / "Npu/ll_aton/ll_aton_version.h").write_text("")
    assert chosen(None, tmp_path / "net") is None
    with pytest.raises(BadInput, match="a folder of ST's"):
        chosen(str(tmp_path / "none"), tmp_path / "net")
