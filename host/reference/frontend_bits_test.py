"""The same bits in every stage, at every optimization, on x86, AArch64 and a Cortex-M55, denormals flushed or not."""

import platform
from pathlib import Path

import numpy as np
import pytest

from host.bench import frontend_runner as runner
from host.reference.frontend_cases import hard_chunks, real_chunks
from host.reference.frontend_members import MEMBERS, PATHS, SAMPLES
from host.reference.frontend_stages import recorded_signal

pytestmark = pytest.mark.slow

CHUNKS = np.stack([recorded_signal(), *hard_chunks(SAMPLES).values(), *real_chunks(SAMPLES)])
HOST = platform.machine()
# Vectors wider than the processor's are passed in memory, of which gcc warns: another compiler may do it otherwise.
# Here all functions that take them are static.
WIDE = ("-DNJ_LANES=16", "-Wno-psabi")
AVX512 = ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl")
BUILDS = {
    f"{HOST}-O0": ("native", ("-O0", "-DNJ_LANES=4")),
    f"{HOST}-O1-16-lanes": ("native", ("-O1", *WIDE)),
    f"{HOST}-O2-flush": ("native", ("-O2", "-DNJ_FLUSH=1")),
    f"{HOST}-O3": ("native", ("-O3",)),
    "x86_64-O3-avx2": ("native", ("-O3", "-mavx2", "-mfma")),
    "x86_64-O1-avx512": ("native", ("-O1", *AVX512, "-DNJ_LANES=16")),
    "aarch64-O3": ("aarch64", ("-O3",)),
    "aarch64-O0-flush": ("aarch64", ("-O0", "-DNJ_FLUSH=1")),
    "m55-O3": ("virtual", ("-O3",)),
    "m55-O0-flush": ("virtual", ("-O0", "-DNJ_FLUSH=1")),
    "m55-scalar": ("virtual", ("-O2", "-mcpu=cortex-m55+nomve")),
}
# All members are heard by one build of each machine, and by the Cortex-M55 in whole firmware (hil_tests/family).
FEW = {
    f"{HOST}-O0": PATHS,
    f"{HOST}-O1-16-lanes": PATHS,
    f"{HOST}-O2-flush": PATHS,
    "x86_64-O3-avx2": PATHS,
    "x86_64-O1-avx512": PATHS,
    "aarch64-O0-flush": ("default", "mfcc", "n2048-power-root", "pcen", "dc-percentile-mel-root"),
    "m55-O3": PATHS,
    "m55-O0-flush": (
        *("default", "mfcc", "n128-nyquist", "n128-pcen"),
        *("dc-n128", "percentile-power"),
    ),
    "m55-scalar": (
        *("default", "mfcc", "n2048-power-root", "fixed-power", "log1p", "pcen"),
        *("percentile-mel-log", "dc-n1024-no-window"),
    ),
}
EXPECTED: dict[str, list[runner.Crcs]] = {}


@pytest.fixture(scope="module", params=BUILDS)
def build(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[Path]]:
    tier, flags = BUILDS[request.param]
    tool = runner.missing(tier, *flags)
    if tool is not None:
        pytest.skip(f"{tool} is missing")
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, runner.compile_core(tier, folder, *flags)


@pytest.mark.parametrize("member", MEMBERS)
def test_every_stage(build: tuple[str, list[Path]], member: str, tmp_path: Path) -> None:
    name, objects = build
    if member not in FEW.get(name, MEMBERS):
        pytest.skip("the other builds of this machine cover it")
    tier, flags = BUILDS[name]
    contract = MEMBERS[member]
    runner.render(contract, tmp_path)
    got = runner.run(tier, contract, CHUNKS, tmp_path, objects, *flags)
    if member not in EXPECTED:
        EXPECTED[member] = [runner.expected(chunk, contract) for chunk in CHUNKS]
    for index, (want, found) in enumerate(zip(EXPECTED[member], got, strict=True)):
        assert found == want, f"chunk {index}, stage {runner.first_stage(want, found)}"
