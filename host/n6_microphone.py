"""At which rates the STM32N6570-DK's microphone is sampled, as firmware/boards/stm32n6/nj_mdf_rates.h says."""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from host.errors import BadInput
from host.installed import BOARDS

HEADER = BOARDS / "stm32n6/nj_mdf_rates.h"
_ROW = re.compile(r"^NJ_RATE\((\d+), (\d+), (\d+), (\d+), (\d+), (\d+)\)$", re.MULTILINE)
_REFERENCE = 64_000_000 // 8  # Hz: the HSI by PLL3's DIVM
_AFTER = 7 * 4 * 2  # PDIV1, IC8, PROCDIV
_RESHAPED = 4  # what the filter behind the CIC decimates by


@dataclass(frozen=True)
class MicrophoneRate:
    """A rate and how it is made.

    Attributes:
        hz: what a contract asks for.
        n: PLL3's whole factor.
        fraction: and its fraction, in 2^-24.
        clock: what divides the filter's clock into the microphone's.
        cic: what the first filter decimates by.
        gain: in steps of 3 dB.
    """

    hz: int
    n: int
    fraction: int
    clock: int
    cic: int
    gain: int

    @property
    def made(self) -> Fraction:
        """The rate that comes of it, in Hz, from an HSI of exactly 64 MHz."""
        filter_hz = _REFERENCE * (self.n + Fraction(self.fraction, 1 << 24)) / _AFTER
        return filter_hz / (self.clock * self.cic * _RESHAPED)

    @property
    def ppm(self) -> float:
        """How far that is off, in millionths."""
        return float((self.made / self.hz - 1) * 1_000_000)

    @property
    def microphone_hz(self) -> float:
        """The microphone's clock."""
        return float(self.made * self.cic * _RESHAPED)


@cache
def rates() -> tuple[MicrophoneRate, ...]:
    """Every rate of the header, rising."""
    return tuple(MicrophoneRate(*map(int, row)) for row in _ROW.findall(HEADER.read_text()))


def require_rate(hz: int) -> MicrophoneRate:
    """How a rate is made.

    Raises:
        BadInput: it is none of the header's; naming those that are, and the nearest.
    """
    found = next((one for one in rates() if one.hz == hz), None)
    if found is None:
        nearest = min(rates(), key=lambda one: abs(one.hz - hz)).hz
        known = ", ".join(str(one.hz) for one in rates())
        raise BadInput(
            "the STM32N6570-DK's microphone cannot be sampled at the contract's rate",
            evidence=f"Received: {hz} Hz; it can at {known}; the nearest is {nearest}",
            next_step=f"train with --sample-rate {nearest}, or build without --application",
        )
    return found
