"""Firmware around generated networks on the virtual STM32N6: every tensor of every dialect."""

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


def test_a_program_that_does_not_end_is_a_fault_that_names_it(tmp_path: Path) -> None:
    """The core sleeps, and takes the NPU's clock away; what an epoch says then is npu_traps_test.py's."""
    written = network(tmp_path / "net", ("add",), blobs=True)
    forgets = ("RCC_AHB5LPENSR = RCC_AHB5_NPU | ", "RCC_AHB5LPENSR = ")
    project = built(tmp_path / "project", tmp_path / "net", SHORT | {"board/nj_npu.c": forgets})
    with board_of(project) as board:
        client = loaded(board, project, written)
        with pytest.raises(NightjarError) as caught:
            client.run(Stages.MODEL, mode=Mode.PLAIN, deadline=soon())
        told = "".join(client.logs) + str(caught.value.evidence)
    said = (
        r"has not ended epoch block 0 after 100 ms: .* INTREG 0x1.* EPOCHCTRL .* \(RCC_AHB5LPENR\)"
    )
    assert re.search(said, told), told
