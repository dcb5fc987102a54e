"""Every stage of the frontend on any machine: the C of the core with a contract's rendered tables, built and run on its
own, as a host program, or in QEMU as a program of AArch64 Linux and on a bare Cortex-M55. It says where a port, a
compiler or a damaged table leaves the way, which a board's features alone cannot say."""

import platform
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.contract import Contract, TensorContract
from host.errors import HostFailure
from host.frontend_contract import FrontendContract
from host.installed import FIRMWARE
from host.reference.frontend_library import SOURCES
from host.reference.frontend_stages import (
    INPUT_SCALE,
    INPUT_ZERO_POINT,
    STAGES,
    stages,
)

RUNNER = Path(__file__).with_name("crc_runner")
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-ffp-contract=off")
CORTEX_M55 = ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard")
PROCESSOR = Path("/proc/cpuinfo")
ORDER = STAGES[1:]  # what the runner prints

Crcs = dict[str, str]  # stage -> CRC-32


def expected(chunk: npt.NDArray[np.int16], contract: FrontendContract) -> Crcs:
    """By the host's library."""
    found = stages(chunk, contract)
    return {
        name: f"{zlib.crc32(np.ascontiguousarray(array).tobytes()):08x}"
        for name, array in found.items()
        if name != "samples"
    }


def first_stage(want: Crcs, got: Crcs) -> str | None:
    """The first stage that differs, in the order of computation."""
    return next((name for name in ORDER if want.get(name) != got.get(name)), None)


def compiler(tier: str) -> str:
    """The tier's compiler; of an AArch64 host, gcc itself is the one for AArch64."""
    if tier == "virtual":
        return "arm-none-eabi-gcc"
    return "gcc" if tier in ("native", platform.machine()) else f"{tier}-linux-gnu-gcc"


def emulator(tier: str) -> str | None:
    """What runs the tier's programs, where this host does not."""
    if tier == "virtual":
        return "qemu-system-arm"
    return None if tier in ("native", platform.machine()) else f"qemu-{tier}"


def missing(tier: str, *flags: str) -> str | None:
    """The tool that the tier needs and that is not there, or what `flags` (-mavx2, ...) ask of this host's processor
    and it does not have."""
    for tool in (compiler(tier), emulator(tier)):
        if tool is not None and shutil.which(tool) is None:
            return tool
    if tier != "native":
        return None
    asked = (flag[2:] for flag in flags if flag.startswith("-m"))
    has = _features()
    return next((feature for feature in asked if feature not in has), None)


def _features() -> frozenset[str]:
    """What this host's processor has, by the names that gcc gives them on x86."""
    try:
        lines = PROCESSOR.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(
        next((line.split(":")[1] for line in lines if line.startswith("flags")), "").split()
    )


def compile_core(tier: str, folder: Path, *flags: str) -> list[Path]:
    """The core's frontend as objects, for any contract."""
    folder.mkdir(parents=True, exist_ok=True)
    objects = []
    for source in sorted(SOURCES.glob("*.c")):
        objects.append(folder / f"{source.stem}.o")
        _call([compiler(tier), *_flags(tier, flags), "-c", source, "-o", objects[-1]])
    return objects


def render(contract: FrontendContract, folder: Path) -> None:
    """The contract's stage and tables as C."""
    from model_gen.codegen.project.frontend import render_frontend

    folder.mkdir(parents=True, exist_ok=True)
    shape = (1, contract.rows, contract.frames, 1)
    whole = Contract(
        frontend=contract,
        labels=("any",),
        output_activation="none",
        input=TensorContract(shape, "int8", INPUT_SCALE, INPUT_ZERO_POINT),
        output=TensorContract((1, 1), "int8", 1.0, 0),
        rounding={},
        files={},
        tools={},
    )
    for name, text in render_frontend(whole).items():
        (folder / name).write_text(text)


def run(
    tier: str,
    contract: FrontendContract,
    chunks: npt.NDArray[np.int16],
    folder: Path,
    objects: list[Path],
    *flags: str,
) -> list[Crcs]:
    """CRCs of each chunk [chunk_samples]; `folder` holds what `render` wrote.

    Raises:
        HostFailure: it cannot be compiled, faults, or meets a denormal.
    """
    (folder / "chunks.bin").write_bytes(np.ascontiguousarray(chunks).tobytes())
    program = folder / f"{tier}.elf"
    target = {
        "native": (),
        "aarch64": ("-static",),
        "virtual": ("-nostartfiles", f"-T{RUNNER / 'mps3.ld'}", "-Wl,--no-warn-rwx-segments"),
    }[tier]
    flush = () if "-DNJ_FLUSH=1" in flags else ("-DNJ_FLUSH=0",)
    numbers = {
        "NJ_CHUNKS": len(chunks),
        "NJ_SAMPLES": contract.chunk_samples,
        "NJ_STEPS": contract.rows * contract.frames,
        "NJ_SPECTRAL": int(contract.spectrum != "none"),
        "NJ_FFT": contract.fft_length,
        "NJ_BINS": contract.bins,
        "NJ_FRAMES": contract.frames,
    }
    _call(
        [
            *(compiler(tier), *_flags(tier, flags), *flush, *target, "-o", program),
            *(f"-I{FIRMWARE / 'core'}", f"-I{SOURCES}", f"-I{folder}", f"-Wa,-I{folder}"),
            *(f"-D{name}={value}" for name, value in numbers.items()),
            *(RUNNER / "runner.c", folder / "nj_frontend_tables.c", *objects),
            *((RUNNER / "mps3.c",) if tier == "virtual" else ()),
        ]
    )
    command: list[str | Path] = [*filter(None, [emulator(tier)]), program]
    if tier == "virtual":
        command[1:] = [
            *("-M", "mps3-an547", "-nographic", "-monitor", "none"),
            *("-serial", "none", "-semihosting-config", "enable=on,target=native"),
            *("-kernel", program),
        ]
    lines = _call(command).splitlines()
    if len(lines) != len(chunks) + 1 or lines[-1] != "done":
        raise HostFailure(f"the frontend's runner failed on {tier}", evidence="\n".join(lines[-3:]))
    return [
        {name: crc for name, crc in zip(ORDER, line.split(), strict=True) if crc != "-"}
        for line in lines[:-1]
    ]


def _flags(tier: str, flags: tuple[str, ...]) -> tuple[str, ...]:
    return (*STRICT, *(CORTEX_M55 if tier == "virtual" else ()), *flags)


def _call(command: list[str | Path]) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=600,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise HostFailure(
            f"{Path(command[0]).name} failed",
            evidence=(done.stderr + done.stdout).strip()[-1500:],
        )
    return done.stdout + done.stderr
