"""Firmware around generated networks on the virtual STM32N6: every tensor of every dialect, and what is forgotten."""

import re
import shutil
from pathlib import Path

import pytest

from firmware.tests.testing_npu_firmware import board_of, built, loaded, soon, wrong_taps
from host.boards.virtual_n6.build import find
from host.errors import NightjarError
from host.link.messages import Mode, Stages, What
from model_gen.codegen.neural_art.firmware.testing_networks import network

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
    pytest.mark.skipif(shutil.which("gdb-multiarch") is None, reason="gdb-multiarch"),
]


SHORT = {"npu/nj_npu_runtime.h": ("PATIENCE_MS 10000u", "PATIENCE_MS 100u")}


@pytest.mark.parametrize(
    ("dialect", "blobs"), [("2.1", False), ("2.2", True), ("3.0", True), ("4.0", False)]
)
def test_every_tensor_of_each_dialect_from_ram_and_from_flash(
    tmp_path: Path, dialect: str, blobs: bool
) -> None:
    written = network(tmp_path / "net", dialect=dialect, blobs=blobs)
    project = built(tmp_path / "project", tmp_path / "net")
    with board_of(project) as board:
        client = loaded(board, project, written)
        assert wrong_taps(client, project, written) == []
        again = client.run(Stages.MODEL, times=3, mode=Mode.PLAIN, deadline=soon())
        assert again.differing == 0
        # The first one again, when the last has long been written: the network runs up to it once more.
        for tap in (project.description.taps[-1], project.description.taps[0]):
            assert tap.slot is not None
            read = client.read(What.TAP, tap.slot, 0, tap.bytes, soon())
            assert read == written.expected[tap.name]
        client.run(Stages.MODEL, mode=Mode.STEPS, deadline=soon())
        cost = client.cost(soon())
        assert len(cost.steps) == project.description.steps
        assert all(cost.steps)
        assert client.logs == []
    with board_of(project, "flash") as board:
        assert wrong_taps(loaded(board, project, written), project, written) == []


@pytest.mark.parametrize(
    ("edits", "said", "blobs"),
    [
        # The core sleeps, and takes the NPU's clock away.
        (
            SHORT | {"board/nj_npu.c": ("RCC_AHB5LPENSR = RCC_AHB5_NPU | ", "RCC_AHB5LPENSR = ")},
            r"has not ended epoch block 0 after 100 ms: CLKCTRL 0x00000001, BGATES 0xffffffff, "
            r"INTREG 0x0000\w+, STRENG \d CTRL .*; by now it has: .* \(RCC_AHB5LPENR\)",
            False,
        ),
        (
            SHORT | {"board/nj_npu.c": ("RCC_AHB5LPENSR = RCC_AHB5_NPU | ", "RCC_AHB5LPENSR = ")},
            r"has not ended epoch block 0 after 100 ms: .* INTREG 0x1.* EPOCHCTRL .* \(RCC_AHB5LPENR\)",
            True,
        ),
    ],
)
def test_an_epoch_that_does_not_end_is_a_fault_that_names_it(
    tmp_path: Path, edits: dict[str, tuple[str, str]], said: str, blobs: bool
) -> None:
    written = network(tmp_path / "net", ("add",), blobs=blobs)
    project = built(tmp_path / "project", tmp_path / "net", edits)
    with board_of(project) as board:
        client = loaded(board, project, written)
        with pytest.raises(NightjarError) as caught:
            client.run(Stages.MODEL, mode=Mode.PLAIN, deadline=soon())
        told = "".join(client.logs) + str(caught.value.evidence)
        assert re.search(said, told), told


def test_what_no_epoch_has_written_is_told(tmp_path: Path) -> None:
    """The NPU's masters are nobody to the chip's memory: what they write is lost."""
    written = network(tmp_path / "net", ("add",))
    edit = ("    RIFSC_RIMC_ATTR_NPU = RIFSC_RIMC_AS_THE_CORE;\n", "")
    project = built(tmp_path / "project", tmp_path / "net", {"board/nj_npu.c": edit})
    with board_of(project) as board:
        client = loaded(board, project, written)
        wrong = wrong_taps(client, project, written)
        assert wrong == [tap.name for tap in project.description.taps]
        canary = [line for line in client.logs if "no epoch has written the tensor of slot" in line]
        assert len(canary) == len(wrong)


def test_constants_in_the_npus_ram_need_no_nor(tmp_path: Path) -> None:
    """They lie among the firmware's own, and are copied when that RAM has power."""
    written = network(tmp_path / "net", ("pointwise", "software"))
    text = written.source.read_text().replace("0x71000000", "0x34340000")
    written.source.write_text(text.replace("size=66060288", "size=65536"))
    project = built(tmp_path / "project", tmp_path / "net")
    assert "NJ_WEIGHTS_IN_NOR" not in (project.path / "CMakeLists.txt").read_text()
    with board_of(project) as board:
        client = loaded(board, project, written)
        assert wrong_taps(client, project, written) == []
        # Painting what is to be written has left them alone.
        assert wrong_taps(client, project, written) == []
