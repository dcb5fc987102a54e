"""The numbers to beat, exact counts; the peer's are those that `nightjar bench frontend` counts, which downloads it."""

import shutil
from pathlib import Path

import pytest

from host.bench import frontend as bench

# CMSIS-DSP 1.10.3, float, Helium: window, real FFT and magnitudes of a frame, measured with the same program.
PEERS = {256: 4602, 512: 8857, 1024: 18954, 2048: 37864}
FEATURES_512 = 7500
SPECTRUM_512 = 6000
A_VALUE = {"log": 15, "log1p": 16.5, "pcen": 40}  # of a compression


def need_tools() -> None:
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing")


@pytest.mark.parametrize("length", bench.LENGTHS)
def test_instructions_a_frame(length: int, tmp_path: Path) -> None:
    need_tools()
    spectrum = bench.count_ours(tmp_path, length, "none", length // 2 + 1)["frames"] / 8
    assert spectrum < 0.75 * PEERS[length]
    if length == 512:
        assert spectrum <= SPECTRUM_512
        whole = bench.count_ours(tmp_path, length, "sqrt", length // 2)["whole"]
        assert whole / 256 <= FEATURES_512


@pytest.mark.parametrize("compression", bench.COMPRESSIONS)
def test_instructions_a_value(compression: str) -> None:
    need_tools()
    assert 5 < bench.count_compression(compression) <= A_VALUE[compression]


def test_percentiles_add_few_instructions_a_value() -> None:
    need_tools()
    added = bench.count_percentile()
    assert added.noise <= 12
    assert added.click <= 15
    assert added.worst <= 55


def test_the_other_parts_of_the_input_cost_little() -> None:
    need_tools()
    added = bench.count_input()
    assert 0 < added.window_dc <= 3500
    assert 0 < added.norm_low <= 3
