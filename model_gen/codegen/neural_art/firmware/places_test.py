"""Memory of a network that its firmware cannot give it is refused by what it is."""

from pathlib import Path

import pytest

from host.errors import BadInput
from host.npu.network import Network
from host.npu.testing.code import Code, Listed
from model_gen.codegen.neural_art.firmware.places import placed

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
