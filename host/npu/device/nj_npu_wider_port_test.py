"""A stream engine whose elements are narrower than the port that takes them."""

import numpy as np
import pytest

from host.npu.testing.units import ARITH, STREAM, Device, Refused, output

CODES = np.arange(256, dtype=np.uint8)


def _through(aligned: bool = False, signs: bool = False) -> list[int]:
    """The 256 codes of a byte as a 16-bit port of ARITH takes them."""
    device = Device()
    source, target = device.put(CODES), device.room(512)
    device.raw(0, source, 256, aligned_right=aligned, sign_extends=signs)
    device.raw(1, target, 256, 16, writes=True)
    device.unit(ARITH, 0, x__bytes=2, operation=1, a=1, **output(2))
    device.link((ARITH, 0, 0), (STREAM, 0, 0))
    device.link((STREAM, 1, 0), (ARITH, 0, 0))
    device.run()
    return [int(value) for value in device.read(target, "i2", 256)]


@pytest.mark.parametrize("aligned", [False, True])
def test_bits_above_an_element_are_zero_where_nothing_extends_its_sign(aligned: bool) -> None:
    """So a first layer of 8-bit images becomes int8: x - 128 in 16 bits."""
    assert _through(aligned=aligned) == CODES.tolist()


def test_they_are_its_sign_where_it_is_extended() -> None:
    assert _through(aligned=True, signs=True) == CODES.view(np.int8).tolist()


@pytest.mark.parametrize("bits", [8, 16])
def test_elsewhere_what_lies_above_an_element_is_not_known(bits: int) -> None:
    device = Device()
    device.raw(0, device.put(CODES), 64, bits)
    device.raw(1, device.room(768), 64, 24, writes=True)
    device.link((STREAM, 1, 0), (STREAM, 0, 0))
    with pytest.raises(Refused) as refused:
        device.run()
    assert (refused.value.status, refused.value.value) == ("UNDEFINED", bits)
