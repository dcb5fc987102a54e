"""What the frontend costs: instructions on a Cortex-M55 beside CMSIS-DSP's, and throughput on this host beside librosa
and SciPy. Instructions are counted in QEMU as the virtual board counts them (firmware/boards/virtual/nj_cost.c)."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from host.contract import Contract, TensorContract
from host.errors import HostFailure
from host.frontend_contract import FrontendContract
from host.installed import own_folder, setup_command
from host.reference.frontend_library import SOURCES
from host.reference.frontend_tables import make_tables

RUNNER = Path(__file__).with_name("runner")
CACHE = own_folder() / "bench"
LENGTHS = (256, 512, 1024, 2048)
COMPRESSIONS = ("log", "log1p", "pcen")  # that are counted a value
MEL_BANDS = 40  # of which they are
PEER = "CMSIS-DSP 1.10.3"
PACKAGE = "cmsisdsp-1.10.3"
PACKAGE_SHA256 = "307d32298faa7c58db912851027fce35f886fec7eb1a27c4b309ce1a97f47519"
FLAGS = (
    *("-O3", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-ffp-contract=off"),
    *("-fno-fast-math", "-nostartfiles", "-ffunction-sections", "-fdata-sections"),
    *("-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", f"-T{RUNNER / 'count.ld'}"),
)
PEER_SOURCES = (
    *(f"TransformFunctions/arm_{name}.c" for name in (
        "rfft_fast_f32", "rfft_fast_init_f32", "cfft_f32", "cfft_init_f32", "cfft_radix8_f32",
        "bitreversal2", "bitreversal",
    )),
    *(f"CommonTables/arm_{name}.c" for name in ("common_tables", "const_structs", "mve_tables")),
    "BasicMathFunctions/arm_mult_f32.c",
    "ComplexMathFunctions/arm_cmplx_mag_f32.c",
)  # fmt: skip


@dataclass(frozen=True)
class Counts:
    """Instructions a frame, and bytes. The bins are all of them, with the Nyquist bin, for us and for the peer."""

    fft_length: int
    spectrum: int  # window, FFT, magnitude
    features: int  # the same with both roots, column store, min-max, int8
    peer: int  # CMSIS-DSP: window, real FFT, magnitude
    code: int
    tables: int
    scratch: int


@dataclass(frozen=True)
class Throughput:
    """Frames a second on one core, int16 to magnitudes."""

    fft_length: int
    ours: float
    librosa: float
    scipy: float


def count(fft_length: int) -> Counts:
    """Build both for the target and count.

    Raises:
        HostFailure: a tool or the peer's source is missing.
    """
    source = peer_source()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = count_ours(folder, fft_length, "none", fft_length // 2 + 1)
        root = count_ours(folder, fft_length, "sqrt", fft_length // 2)
        peer = _peer(folder, fft_length, source)
        code = _code_size(folder)
    contract = FrontendContract(fft_length=fft_length, bins=fft_length // 2 + 1)
    tables = make_tables(contract)
    return Counts(
        fft_length,
        spectrum=round(plain["frames"] / 8),
        features=round(root["whole"] / contract.frames),
        peer=peer["peer"],
        code=code,
        tables=sum(
            array.nbytes for array in (tables.window, tables.order, tables.twiddle, tables.split)
        ),
        scratch=4 * (4 * fft_length + 8 * (fft_length // 2 + 1) + 2 * fft_length + 16),
    )


def measure_host(fft_length: int, seconds: float = 1.0) -> Throughput:
    """One core, in one run, the three in turn, the best of all turns each.

    Raises:
        HostFailure: librosa or SciPy is missing.
    """
    try:
        import librosa
        import scipy.signal
    except ImportError as error:
        raise HostFailure(
            "librosa and SciPy are needed to compare with",
            evidence=str(error),
            next_step=setup_command("dev"),
        ) from error
    from host.reference.frontend import magnitudes

    contract = FrontendContract(fft_length=fft_length, bins=fft_length // 2 + 1, compression="none")
    noise = np.random.default_rng(0).normal(0, 3000, (4, contract.chunk_samples))
    chunks = noise.astype(np.int16)
    hop = contract.hop

    def ours() -> None:
        magnitudes(chunks, contract, threads=1)

    def with_librosa() -> None:
        for chunk in chunks:
            given = chunk.astype(np.float32) / 32768
            np.abs(librosa.stft(given, n_fft=fft_length, hop_length=hop, pad_mode="constant"))

    def with_scipy() -> None:
        for chunk in chunks:
            given = chunk.astype(np.float32) / 32768
            overlap = fft_length - hop
            if overlap < 0:
                raise ValueError(hop)
            np.abs(
                scipy.signal.stft(
                    given, nperseg=fft_length, noverlap=overlap, boundary="zeros", padded=False
                )[2]
            )

    times = _best((ours, with_librosa, with_scipy), seconds)
    frames = len(chunks) * contract.frames
    return Throughput(fft_length, *(frames / value for value in times))


def _best(bodies: tuple[Callable[[], None], ...], seconds: float) -> list[float]:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        best = [float("inf")] * len(bodies)
        end = time.monotonic() + seconds
        turns = 0
        while turns < 4 or time.monotonic() < end:
            for index, body in enumerate(bodies):
                start = time.perf_counter()
                body()
                best[index] = min(best[index], time.perf_counter() - start)
            turns += 1
        return best
    finally:
        os.sched_setaffinity(0, cores)


def peer_source(cache: Path = CACHE) -> Path:
    """The unpacked source of CMSIS-DSP, downloaded once and held against its SHA-256.

    Raises:
        HostFailure: it cannot be downloaded, or is another file.
    """
    folder = cache / PACKAGE
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"),
                *("--no-build-isolation", "-q", "-d", name, PACKAGE.replace("-", "==")),
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        archive = Path(name) / f"{PACKAGE}.tar.gz"
        if done.returncode != 0 or not archive.is_file():
            raise HostFailure(
                f"{PACKAGE}.tar.gz could not be downloaded, so there is nothing to compare with",
                evidence=done.stderr.strip()[-500:],
                next_step="check the network, then run it again",
            )
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if digest != PACKAGE_SHA256:
            raise HostFailure(
                f"{PACKAGE}.tar.gz is not the file that is pinned",
                evidence=f"expected SHA-256 {PACKAGE_SHA256}, received {digest}",
            )
        with tarfile.open(archive) as packed:
            packed.extractall(name, filter="data")
        if not folder.is_dir():
            (Path(name) / PACKAGE).rename(folder)
    return folder


@dataclass(frozen=True)
class PercentileCounts:
    """Instructions a value that percentiles add to min-max, of 256 rows and frames, roots of magnitudes."""

    noise: float
    click: float  # in silence: most values are the lowest
    worst: float  # of the selection alone: nearly all values are one, which is neither end


def count_percentile() -> PercentileCounts:
    """Build for the target and count.

    Raises:
        HostFailure: a tool is missing.
    """
    added, values = [], 256 * 256
    with tempfile.TemporaryDirectory() as name:
        for click in (False, True):
            plain, clamped = (
                count_ours(Path(name), 512, "sqrt", 256, normalization=kind, click=click)
                for kind in ("minmax", "percentile")
            )
            added.append((clamped["run"] - plain["run"]) / values)
    return PercentileCounts(added[0], added[1], clamped["selection"] / values)


@dataclass(frozen=True)
class InputCounts:
    """Instructions that parts of the contract's input add to a spectrogram of 512 points with roots and min-max."""

    window_dc: float  # a frame that loses its mean
    norm_low: float  # a value, where min-max looks at the rows from 150 Hz on and clamps all


def count_input() -> InputCounts:
    """Build for the target and count.

    Raises:
        HostFailure: a tool is missing.
    """
    with tempfile.TemporaryDirectory() as name:
        plain, without, high = (
            count_ours(Path(name), 512, "sqrt", 256, **more)
            for more in ({}, {"window_dc": "remove"}, {"norm_low": 150.0})
        )
    return InputCounts(
        window_dc=(without["frames"] - plain["frames"]) / 8,
        norm_low=(high["run"] - plain["run"]) / (256 * 256),
    )


def count_compression(compression: str) -> float:
    """Instructions a value of a compression of mel bands, square root excepted.

    Raises:
        HostFailure: a tool is missing.
    """
    with tempfile.TemporaryDirectory() as name:
        found = count_ours(Path(name), 512, compression, 257, mel_bands=MEL_BANDS)
    return found["compression"] / (MEL_BANDS * FrontendContract.frames)


def count_ours(
    folder: Path,
    fft_length: int,
    compression: str,
    bins: int,
    click: bool = False,
    **more: Any,
) -> dict[str, int]:
    """Instructions by what is counted (runner/ours.c), of noise, or of one click in silence.

    `more` are other fields of the frontend's contract.
    """
    from model_gen.codegen.project.frontend import render_frontend

    frontend = FrontendContract(fft_length=fft_length, bins=bins, compression=compression, **more)
    shape = (1, frontend.rows, frontend.frames, 1)
    contract = Contract(
        frontend=frontend,
        labels=("any",),
        output_activation="none",
        input=TensorContract(shape, "int8", 1 / 255, -128),
        output=TensorContract((1, 1), "int8", 1.0, 0),
        rounding={},
        files={},
        tools={},
    )
    for name, text in render_frontend(contract).items():
        (folder / name).write_text(text)
    return _run(
        folder,
        "-std=c11",
        f"-I{folder}",
        f"-I{SOURCES.parent}",
        f"-DNJ_FFT={fft_length}",
        f"-DNJ_SAMPLES={frontend.chunk_samples}",
        f"-DNJ_STEPS={frontend.rows * frontend.frames}",
        f"-DNJ_CLICK={int(click)}",
        RUNNER / "ours.c",
        folder / "nj_frontend_tables.c",
        *sorted(SOURCES.glob("*.c")),
    )


def _peer(folder: Path, fft_length: int, source: Path) -> dict[str, int]:
    return _run(
        folder,
        "-std=gnu11",
        "-w",
        "-DARM_MATH_MVEF",
        f"-DNJ_FFT={fft_length}",
        f"-DNJ_INIT=arm_rfft_fast_init_{fft_length}_f32",
        *(f"-I{path}" for path in (RUNNER, source / "Include", source / "PrivateInclude")),
        RUNNER / "peer.c",
        *(source / "Source" / name for name in PEER_SOURCES),
        "-lm",
    )


def _run(folder: Path, *arguments: str | Path) -> dict[str, int]:
    program = folder / "count.elf"
    call("arm-none-eabi-gcc", *FLAGS, RUNNER / "count.c", *arguments, "-o", program)
    printed = call(
        *("qemu-system-arm", "-M", "mps3-an547", "-nographic", "-monitor", "none"),
        *("-serial", "none", "-semihosting-config", "enable=on,target=native"),
        *("-icount", "shift=6", "-kernel", program),
    )
    return {name: int(value) for name, value in (line.split() for line in printed.splitlines())}


def _code_size(folder: Path) -> int:
    total = 0
    flags = [flag for flag in FLAGS if not flag.startswith(("-Wl", "-T", "-nostart"))]
    for source in sorted(SOURCES.glob("*.c")):
        built = folder / f"{source.stem}.o"
        call("arm-none-eabi-gcc", "-std=c11", *flags, "-c", source, "-o", built)
        total += int(call("arm-none-eabi-size", built).splitlines()[1].split()[0])
    return total


def call(tool: str, *arguments: str | Path) -> str:
    """What a tool prints.

    Raises:
        HostFailure: it is missing, or fails.
    """
    if shutil.which(tool) is None:
        raise HostFailure(
            f"{tool} is needed to count instructions",
            evidence=f"no {tool} in PATH",
            next_step="apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm",
        )
    done = subprocess.run(
        [tool, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0 or "fault" in done.stderr:
        raise HostFailure(f"{tool} failed", evidence=(done.stdout + done.stderr).strip()[-800:])
    return done.stdout + done.stderr if tool.startswith("qemu") else done.stdout
