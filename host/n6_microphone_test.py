"""The table of rates against the rule that makes it, and against what microphone, PLL and filters can do."""

import math

import pytest

from host.errors import BadInput
from host.n6_microphone import HEADER, MicrophoneRate, rates, require_rate

FAMILIES = (49_152_000, 45_158_400)  # Hz, of the kernel's clock


def computed(hz: int) -> MicrophoneRate:
    """By search: a family's clock, decimated by powers of two, and as fast a clock as the microphone takes."""
    for kernel in FAMILIES:
        for clock in range(8, 17):
            for power in range(4, 10):
                if 2 * 4 * clock * 2**power * hz == kernel:
                    n, part = divmod(kernel * 28, 8_000_000)
                    fraction = round(part * 2**24 / 8_000_000)
                    gain = 14 + round(8 * math.log2(32 / 2**power))
                    return MicrophoneRate(hz, n, fraction, clock, 2**power, gain)
    raise ValueError(hz)


def test_each_rate_is_as_computed() -> None:
    assert [computed(one.hz) for one in rates()] == list(rates())
    assert [one.hz for one in rates()] == sorted(one.hz for one in rates())


@pytest.mark.parametrize("rate", rates(), ids=lambda one: str(one.hz))
def test_each_rate_is_within_what_the_chip_can_do(rate: MicrophoneRate) -> None:
    assert abs(rate.ppm) < 0.001
    assert 1_000_000 <= rate.microphone_hz <= 3_250_000
    assert 800 <= 8 * (rate.n + rate.fraction / 2**24) <= 3200, "MHz, of PLL3's oscillator"
    assert 0 <= rate.gain <= 24
    assert 2 <= rate.clock <= 16
    assert 2 <= rate.cic <= 512


def test_another_rate_is_refused_with_those_that_can_be() -> None:
    assert require_rate(24000).cic == 32
    with pytest.raises(BadInput) as caught:
        require_rate(30000)
    assert "the nearest is 32000" in caught.value.evidence
    assert "8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000" in caught.value.evidence


def test_the_port_s_table_is_this_one() -> None:
    text = (HEADER.parent / "README.md").read_text()
    for one in rates():
        filter_mhz = one.microphone_hz * one.clock / 1e6
        row = f"| {one.hz} | {one.n} + {one.fraction}/2^24 | {filter_mhz:.4f} MHz | {one.microphone_hz / 1e6:.4f} MHz"
        row += f" | {one.cic} | {one.gain} | {one.ppm:+.4f} |\n"
        assert row in text, row
