"""Memory of a network that its firmware cannot give it is refused by what it is."""

from pathlib import Path

import pytest

from host.errors import BadInput
from host.npu.generated import Pool
from host.npu.memory import Image
from host.npu.network import Network
from host.npu.testing.code import Code, Listed
from model_gen.codegen.neural_art.firmware.places import placed

KEPT = b"constants"
BEFORE = "uint8_t *nj_npu_window(void *, uint32_t, uint32_t, bool);\n"


def test_outputs_that_the_application_would_place_are_named_and_how_to_have_them_placed(
    tmp_path: Path,
) -> None:
    """As in ST's own ReID networks, whose compiler was told so."""
    move = "memcpy(nj_npu_window(NULL, (uint32_t)(uintptr_t)user_Output[0], 16, true), given, 16);"
    before = BEFORE + "static const uint8_t given[16] = {1};\n"
    outputs = [Listed("made", 0, 16, 1, user=True)]
    code = Code(blocks=[("", move)], outputs=outputs, before=before)
    with Network.open(code.write(tmp_path)) as network, pytest.raises(BadInput) as refused:
        placed(network.images, (), (*network.inputs, *network.outputs))
    assert "user-allocated" in refused.value.evidence
    assert "made of 16 bytes" in refused.value.evidence
    assert "--no-outputs-allocation" in refused.value.next_step


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (0x34064000, "0x34064000 (AXISRAM1, the firmware's)"),
        (0x34100000, "0x34100000 (AXISRAM2, the firmware's)"),
        (0x90000000, "0x90000000 (PSRAM, which this firmware does not map)"),
        (0x60000000, "0x60000000"),
    ],
)
def test_memory_that_is_not_the_npus_is_named(address: int, told: str) -> None:
    pool = Pool(0, "other", "otherRAM", address, 4096, True, True)
    for pools, images, what in (
        ([pool], [], "pool otherRAM"),
        ([], [Image(address, KEPT, Path("net.other.raw"))], "image net.other.raw"),
    ):
        with pytest.raises(BadInput, match="must be the NPU's own") as refused:
            placed(images, pools, ())
        assert refused.value.evidence == f"Received: {what} at {told}"
        assert "nightjar generate --backend neural_art" in refused.value.next_step


def test_memory_of_the_npu_is_taken() -> None:
    ram, nor = Image(0x34200000, KEPT, Path("ram")), Image(0x71000000, KEPT, Path("nor"))
    pool = Pool(0, "npu", "npuRAM3", 0x34200000, 4096, True, True)
    unused = Pool(1, "psram", "hyperRAM", 0x90000000, 4096, True, False)
    found = placed([ram, nor], [pool, unused], ())
    assert (found.in_ram, found.in_nor) == ((ram,), nor)
