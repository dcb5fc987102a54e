"""Software epochs of an installation: here one of our own text, in the places and forms of ST's."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from host.errors import BadInput, NightjarError
from host.npu.board.compare import compare, main
from host.npu.board.firmware import GCC
from host.npu.board.runtime import Runtime
from host.npu.board.virtual import VirtualBoard
from host.npu.child import Place, this_computer
from host.npu.generated import read_generated
from host.npu.network import Network
from host.npu.network_test import FAR, GIVEN
from host.npu.testing.code import RAM, Code

VERSION = (1, 1, 1, 14)
# Another layout than ours: what a network and the operators take must be of one kind.
INTERFACE = """
#ifndef LL_SW_OF_THE_TEST
#define LL_SW_OF_THE_TEST
typedef struct { int more[9]; unsigned char *from, *to; int count; } Cumsum_sw_info;
typedef struct { int less; } Softmax_sw_info;
void ll_sw_forward_cumsum(void *sw_info_struct);
void ll_sw_forward_softmax(void *sw_info_struct);
#endif
"""
FLOAT = """
#include "ll_aton_config.h"
#include "ai_math_helpers.h"
#include "ll_sw.h"
void ll_sw_forward_cumsum(void *sw_info_struct)
{
    Cumsum_sw_info *info = sw_info_struct;
    forward_cumsum(info->from, info->to, info->count);
}
"""
INTEGER = '#include "ll_sw.h"\nvoid ll_sw_forward_softmax(void *sw_info_struct) {}\n'
HELPERS = "void forward_cumsum(const unsigned char *from, unsigned char *to, int count);\n"
LIBRARY = """
void forward_cumsum(const unsigned char *from, unsigned char *to, int count)
{
    for (int i = 0, sum = 0; i < count; i++) to[i] = (unsigned char)(sum += from[i]);
}
"""
AT = "(unsigned char *)ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR({:#x}UL)"
CUMSUM = f"""
  static Cumsum_sw_info info = {{.from = {AT.format(RAM)}, .to = {AT.format(FAR)}, .count = 16}};
  ll_sw_forward_cumsum(&info);"""


@dataclass(frozen=True)
class Installation:
    """Files as an installation has them."""

    number: str = "1020"
    version: tuple[int, int, int, int] = VERSION
    library: str = LIBRARY
    files: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        parts = zip(("MAJOR", "MINOR", "MICRO", "DEV"), self.version, strict=True)
        texts = {
            "Npu/ll_aton/ll_aton_version.h": "".join(
                f"#define LL_ATON_VERSION_{name} ({value})\n" for name, value in parts
            ),
            "Npu/ll_aton/ll_aton_config.h": "#ifndef LL_ATON_PLATFORM\n#error no platform\n#endif\n",
            "Npu/ll_aton/ll_sw.h": INTERFACE,
            "Npu/ll_aton/ll_sw_float.c": FLOAT,
            "Npu/ll_aton/ll_sw_integer.c": INTEGER,
            "Inc/ai_math_helpers.h": HELPERS,
            **self.files,
        }
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        source, built = folder / "Lib/library.c", folder / "Lib/library.o"
        source.parent.mkdir()
        source.write_text(self.library)
        target = ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard")
        subprocess.run([GCC, *target, "-c", source, "-o", built], check=True)
        archive = source.parent / f"NetworkRuntime{self.number}_CM55_GCC.a"
        subprocess.run(["arm-none-eabi-ar", "rcs", archive, built], check=True)
        return folder


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """With a software epoch that ours lack."""
    return Code(blocks=[("", CUMSUM)]).write(tmp_path / "network")


def refused(network: Path, folder: Path) -> NightjarError:
    with pytest.raises(BadInput) as caught:
        Runtime(folder).fitting(read_generated(network))
    return caught.value


def test_what_ours_lack_runs_with_an_installation(tmp_path: Path, network: Path) -> None:
    board = VirtualBoard(Runtime(Installation().write(tmp_path / "st")))
    with Network.open(network, on=board) as executable:
        made = executable.run([GIVEN]).outputs[0].array.ravel()
    assert np.array_equal(made, np.cumsum(GIVEN, dtype=np.int8))


@pytest.mark.parametrize("on", [this_computer, VirtualBoard()], ids=["here", "board"])
@pytest.mark.parametrize(
    ("block", "what"),
    [
        (CUMSUM, "Cumsum_sw_info"),
        ("ll_sw_forward_cumsum(0);", "ll_sw_forward_cumsum"),
        ("General general = {.type = LL_SW_ERF};", "LL_SW_ERF"),
    ],
    ids=["structure", "function", "kind"],
)
def test_without_one_the_next_step_names_it(
    tmp_path: Path, block: str, what: str, on: Place
) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        Network.open(Code(blocks=[("", block)]).write(tmp_path), on=on)
    assert "ST's library" in caught.value.next_step


def test_ours_are_not_mixed_in(tmp_path: Path) -> None:
    """Softmax is one of ours, too; the installation's does nothing."""
    call = "static Softmax_sw_info info; ll_sw_forward_softmax(&info);"
    path = Code(blocks=[("", call)]).write(tmp_path / "network")
    board = VirtualBoard(Runtime(Installation().write(tmp_path / "st")))
    with Network.open(path, on=board) as executable:
        assert not executable.run([GIVEN]).outputs[0].array.any()


def test_a_later_file_is_compiled_anew(tmp_path: Path, network: Path) -> None:
    folder = Installation().write(tmp_path / "st")
    source = folder / "Npu/ll_aton/ll_sw_float.c"
    for count in (16, 4):
        source.write_text(FLOAT.replace("info->count", f"{count}"))
        with Network.open(network, on=VirtualBoard(Runtime(folder))) as executable:
            made = executable.run([GIVEN]).outputs[0].array.ravel()
        wanted = np.cumsum(GIVEN, dtype=np.int8)
        wanted[count:] = 0
        assert np.array_equal(made, wanted)


def test_headers_must_be_of_the_networks_version(tmp_path: Path, network: Path) -> None:
    error = refused(network, Installation(version=(1, 1, 1, 15)).write(tmp_path / "st"))
    assert "different versions" in error.what
    assert "1.1.1.14 in network.c, 1.1.1.15 in" in error.evidence


def test_the_library_must_be_of_the_networks_version(tmp_path: Path, network: Path) -> None:
    error = refused(network, Installation(number="1010").write(tmp_path / "st"))
    assert "NetworkRuntime1010_CM55_GCC.a is not the library of networks of 2.2" in error.what


@pytest.mark.parametrize(
    "name",
    ["ll_aton_version.h", "ll_sw.h", "ll_sw_integer.c", "ai_math_helpers.h", "NetworkRuntime*.a"],
)
def test_a_missing_part_is_named(tmp_path: Path, network: Path, name: str) -> None:
    folder = Installation().write(tmp_path / "st")
    next(folder.rglob(name)).unlink()
    board = VirtualBoard(Runtime(folder))
    with pytest.raises(BadInput, match=name.partition("*")[0]) as caught:
        Network.open(network, on=board)
    assert "Received: none" in caught.value.evidence


def test_two_installations_are_one_too_many(tmp_path: Path, network: Path) -> None:
    folder = Installation().write(tmp_path / "st")
    shutil.copytree(folder, folder / "copy")
    Runtime(folder).fitting(read_generated(network))  # alike: it does not matter which
    (folder / "copy/Lib/NetworkRuntime1020_CM55_GCC.a").rename(
        folder / "copy/Lib/NetworkRuntime1010_CM55_GCC.a"
    )
    (folder / "copy/Lib/NetworkRuntime1010_CM55_GCC.a").write_bytes(b"!<arch>\n")
    assert "must hold one NetworkRuntime" in refused(network, folder).what


def test_a_version_that_is_not_said_is_refused(tmp_path: Path, network: Path) -> None:
    files = {"Npu/ll_aton/ll_aton_version.h": "#define LL_ATON_VERSION_MAJOR 1\n"}
    error = refused(network, Installation(files=files).write(tmp_path / "st"))
    assert "does not say its version" in error.what


def test_a_library_that_lacks_an_operator_is_named(tmp_path: Path, network: Path) -> None:
    folder = Installation(library="int nothing;\n").write(tmp_path / "st")
    with pytest.raises(BadInput, match="lacks what the sources beside it call: forward_cumsum"):
        Network.open(network, on=VirtualBoard(Runtime(folder)))


def test_sources_that_do_not_compile_are_named(tmp_path: Path, network: Path) -> None:
    files = {"Npu/ll_aton/ll_sw_integer.c": "#error not whole\n"}
    folder = Installation(files=files).write(tmp_path / "st")
    with pytest.raises(BadInput, match="do not compile") as caught:
        Network.open(network, on=VirtualBoard(Runtime(folder)))
    assert "not whole" in caught.value.evidence


def test_the_comparison_finds_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network of no software epoch is equal; one that asks where it runs is not."""
    plain = Code(blocks=[("", "")]).write(tmp_path / "plain")
    assert compare(plain, {"given": GIVEN}).equal
    assert main([str(plain)]) == 0
    before = "uint8_t *nj_npu_window(void *, uint32_t, uint32_t, bool);\n"
    ask = f"nj_npu_window(NULL, {FAR:#x}, 16, true)[3] = sizeof(void *);"
    asking = Code(blocks=[("", ask)], before=before).write(tmp_path / "asking")
    found = compare(asking)
    assert not found.equal
    assert [(d.name, d.elements, d.most) for d in found.differences] == [("made", 1, 4)]
    assert main([str(asking)]) == 1
    assert main([str(asking), "--runtime", str(tmp_path)]) == 2
    assert "must hold one" in capsys.readouterr().err
