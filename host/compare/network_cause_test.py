"""What a chip does wrong in an epoch is recognised where it was made, and constants that are others are named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.compare.cause import UNKNOWN, likely_cause
from host.compare.network_cause import (
    CANARY,
    NETWORK_RECOGNISERS,
    check_constants,
    explain_network,
    other_constants,
)
from host.compare.observation import LAYERS, Findings, Observation
from host.compare.tensors import Array, compare
from host.errors import IdentityFailure
from host.npu.memory import Image

WANT = np.random.default_rng(5).integers(-90, 80, (1, 12, 10, 16), dtype=np.int8)


def cause(got: Array, want: Array = WANT, op: str = "EPOCH") -> str:
    difference = compare(got, want)
    assert difference is not None
    return likely_cause(difference, op, NETWORK_RECOGNISERS)


def test_a_tensor_that_no_epoch_wrote() -> None:
    assert cause(np.full_like(WANT, CANARY)).startswith("no epoch has written it")
    words = np.random.default_rng(1).random((1, 40), np.float32)
    assert cause(
        np.full(words.shape, 0x55555555).astype(np.uint32).view(np.float32), words
    ).startswith("no epoch has written it")


def test_a_tensor_that_was_written_in_part() -> None:
    got = WANT.copy()
    got.reshape(-1)[320:384] = CANARY
    told = cause(got)
    assert told.startswith("written in part: 64 bytes hold 0x55")
    assert "cache" in told


def test_one_right_value_of_the_canary_is_no_sign_of_it() -> None:
    got = WANT.copy()
    got.reshape(-1)[7] = CANARY
    assert "0x55" not in cause(got)


def test_memory_without_power() -> None:
    assert "shut down" in cause(np.zeros_like(WANT))


def test_denormals_that_were_flushed_are_told_before_memory_without_power() -> None:
    want = (WANT * 2.0**-140).astype(np.float32)
    assert "FPSCR that flushes them (FZ)" in cause(np.zeros_like(want), want, "Dequantize")
    assert "shut down" in cause(np.zeros_like(want), want + np.float32(1), "Dequantize")


def test_a_constant_of_a_channel() -> None:
    got = WANT.copy()
    got[..., 3] += 2
    assert "only output channel 3 differs: a" in cause(got)


def test_another_tie_rule() -> None:
    got = WANT + (np.random.default_rng(2).random(WANT.shape) < 0.1).astype(np.int8)
    assert "half away from zero" in cause(got)


def test_nothing_is_recognised_in_noise() -> None:
    assert cause(np.random.default_rng(9).integers(-90, 80, WANT.shape, dtype=np.int8)) == UNKNOWN


@pytest.fixture
def image(tmp_path: Path) -> Image:
    content = np.random.default_rng(3).integers(0, 256, 5000, dtype=np.uint8).tobytes()
    return Image(0x71000000, content, tmp_path / "network_atonbuf.xSPI2.raw")


def elf_with(content: bytes) -> bytes:
    return b"\x7fELF" + bytes(777) + content + bytes(300)


def test_other_constants_in_the_elf_are_named_by_their_first_byte(image: Image) -> None:
    assert other_constants(elf_with(image.content), [image]) == ""
    flipped = bytearray(image.content)
    flipped[1234] ^= 4
    told = other_constants(elf_with(bytes(flipped)), [image])
    assert (
        f"byte 1234 of {image.path.name} is {flipped[1234]:#04x} there and {image.content[1234]:#04x}"
        in told
    )
    assert told.endswith("1 bytes differ")
    assert other_constants(elf_with(b"nothing of it"), [image]) == ""


def test_an_observation_is_laid_to_the_constants_where_an_epoch_differs(
    image: Image, tmp_path: Path
) -> None:
    found = Findings(NETWORK_RECOGNISERS)
    found.add(LAYERS + 1, 1, "a", "EPOCH", WANT + 1, WANT)
    found.add(LAYERS + 2, 2, "b", "EPOCH", WANT + 1, WANT)
    seen = Observation(0, tuple(found.findings), frozenset(), 1, 1, 1, 0, 0, 0, (), None)
    elf = tmp_path / "nightjar.elf"
    elf.write_bytes(elf_with(image.content))
    assert explain_network(seen, elf, [image]) is seen
    elf.write_bytes(elf_with(image.content[:-1] + bytes([image.content[-1] ^ 1])))
    told = explain_network(seen, elf, [image])
    assert "byte 4999" in told.findings[0].cause
    assert told.findings[1].cause == seen.findings[1].cause
    none = replace(seen, findings=())
    assert explain_network(none, elf, [image]) is none


def test_constants_that_no_vector_shows_are_held_against_the_network(
    image: Image, tmp_path: Path
) -> None:
    elf = tmp_path / "nightjar.elf"
    elf.write_bytes(elf_with(image.content))
    check_constants(elf, [image])
    elf.write_bytes(elf_with(image.content[:-1] + bytes([image.content[-1] ^ 1])))
    with pytest.raises(IdentityFailure, match="no vector shows it") as caught:
        check_constants(elf, [image])
    assert "byte 4999 of" in caught.value.evidence
    elf.write_bytes(elf_with(b"nothing of it"))
    with pytest.raises(IdentityFailure) as caught:
        check_constants(elf, [image])
    assert f"without the 5,000 bytes of {image.path.name}" in caught.value.evidence
