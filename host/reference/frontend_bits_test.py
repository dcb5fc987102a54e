"""The same bits at every optimization, on x86 and on a Cortex-M55, with denormals flushed or not."""

import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from host.contract import Contract, FrontendContract, TensorContract
from host.reference.frontend import features, quantize
from host.reference.frontend_cases import hard_chunks
from host.reference.frontend_library import ROOT, SOURCES
from model_gen.codegen.frontend import render_frontend

RUNNER = Path(__file__).with_name("crc_runner")
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-ffp-contract=off")
CORTEX_M55 = ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard")
SCALE, ZERO_POINT = 0.0038910505827516317, -127

CONTRACTS = {
    "hybrid": FrontendContract(chunk_samples=6000, hop=234, frames=26),
    "plain": FrontendContract(
        chunk_samples=4000, fft_length=128, hop=50, frames=40, bins=65, compression="none"
    ),
    "longest": FrontendContract(
        chunk_samples=6000, fft_length=2048, hop=1500, frames=5, bins=1025, compression="none"
    ),
    "odd": FrontendContract(chunk_samples=3001, fft_length=1024, hop=333, frames=10, bins=512),
    "short": FrontendContract(
        chunk_samples=3000, fft_length=256, hop=1000, frames=4, bins=128, compression="none"
    ),
}
X86 = {
    "O0": ("-O0",),
    "O2": ("-O2",),
    "O3": ("-O3",),
    "native": ("-O3", "-march=native"),
    "flush": ("-O3", "-march=native", "-DNJ_FLUSH=1"),
}
ARM = {"O0": ("-O0",), "O3": ("-O3",), "flush": ("-O3", "-DNJ_FLUSH=1")}


@pytest.fixture(scope="module", params=CONTRACTS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Case":
    return Case(CONTRACTS[request.param], tmp_path_factory.mktemp(request.param))


class Case:
    """The rendered frontend of a contract, its chunks, and what the host library says of them."""

    def __init__(self, contract: FrontendContract, folder: Path) -> None:
        self.contract, self.folder = contract, folder
        chunks = np.stack(list(hard_chunks(contract.chunk_samples).values()))
        self.count = len(chunks)
        (folder / "chunks.bin").write_bytes(chunks.tobytes())
        shape = (1, contract.bins, contract.frames, 1)
        whole = Contract(
            frontend=contract,
            labels=("a",),
            output_activation="none",
            input=TensorContract(shape, "int8", SCALE, ZERO_POINT),
            output=TensorContract((1, 1), "int8", 1.0, 0),
            rounding={},
            files={},
            tools={},
        )
        for name, text in render_frontend(whole).items():
            (folder / name).write_text(text)
        spectrograms = features(chunks, contract)
        self.want = "".join(
            f"{zlib.crc32(spectrogram.tobytes()):08x} "
            f"{zlib.crc32(quantize(spectrogram, SCALE, ZERO_POINT).tobytes()):08x} "
            for spectrogram in spectrograms
        )

    def compile(self, compiler: str, name: str, flags: tuple[str, ...], *more: Path | str) -> Path:
        program = self.folder / name
        flush = () if "-DNJ_FLUSH=1" in flags else ("-DNJ_FLUSH=0",)
        command = [
            *(compiler, *STRICT, *flags, *flush, "-o", program),
            *(f"-I{ROOT / 'firmware/core'}", f"-I{SOURCES}", f"-Wa,-I{self.folder}"),
            f"-DNJ_CHUNKS={self.count}",
            f"-DNJ_SAMPLES={self.contract.chunk_samples}",
            f"-DNJ_STEPS={self.contract.bins * self.contract.frames}",
            *(RUNNER / "runner.c", *sorted(SOURCES.glob("*.c")), *self.folder.glob("*.c")),
            *more,
        ]
        subprocess.run(command, check=True, timeout=120)
        return program


@pytest.mark.parametrize("build", X86)
def test_x86(case: Case, build: str) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is missing: apt-get install gcc libc6-dev")
    program = case.compile("gcc", build, X86[build])
    done = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == case.want + "done\n"


@pytest.mark.parametrize("build", ARM)
def test_cortex_m55(case: Case, build: str) -> None:
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing: apt-get install gcc-arm-none-eabi qemu-system-arm")
    flags = (*CORTEX_M55, *ARM[build], "-nostartfiles", f"-T{RUNNER / 'mps3.ld'}")
    flags += ("-Wl,--no-warn-rwx-segments",)
    program = case.compile("arm-none-eabi-gcc", f"arm-{build}.elf", flags, RUNNER / "mps3.c")
    done = subprocess.run(
        [
            *("qemu-system-arm", "-M", "mps3-an547", "-nographic", "-monitor", "none"),
            *("-serial", "none", "-semihosting-config", "enable=on,target=native"),
            *("-kernel", program),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.stdout + done.stderr) == case.want + "done\n"
