"""Other engines' kernels beside ours: recorded in peers.json, and counted anew where their sources lie.

Instructions are counted in QEMU as the virtual board counts them (runner/count.c), all at -O3 with Helium.
"""

import json
import tempfile
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from host.bench.engine import PEERS
from host.bench.frontend import RUNNER, call
from host.bench.kernel_cases import CASES, models
from host.errors import BadInput, HostFailure
from host.files import write_atomically

FOLDERS = ("CMSIS-NN", "tflite-micro", "gemmlowp")
_CORE = ("-O3", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-ffunction-sections", "-w")
_CXX = ("-std=c++17", "-fno-exceptions", "-fno-rtti", "-DNDEBUG")
_LINK = ("-nostartfiles", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", "--specs=nosys.specs")
_PARTS = ("Convolution", "FullyConnected", "SVD", "LSTM", "NNSupport", "Transpose")
# What an LSTM of int8 computes in int16.
_INSIDE = (
    "NNSupportFunctions/arm_nntables.c",
    "ActivationFunctions/arm_nn_activation_s16.c",
    "BasicMathFunctions/arm_elementwise_mul_s16.c",
    "BasicMathFunctions/arm_elementwise_mul_acc_s16.c",
    "BasicMathFunctions/arm_elementwise_mul_s16_s8.c",
)
# What tflite-micro's headers include of a profiler that is not linked.
_PROFILER = """#pragma once
namespace ruy { namespace profiler {
struct ScopeLabel { template <typename... T> explicit ScopeLabel(T...) {} };
} }
"""


@dataclass(frozen=True)
class KernelRow:
    """Instructions of one layer: ours, counted now, and the peer's; `ratio` is ours in parts of its."""

    name: str
    op: str
    instructions: int
    peer: str
    peer_instructions: int
    ratio: float


def recorded() -> tuple[dict[str, int], str]:
    """The peers' instructions by case, and where they are from."""
    data = json.loads(PEERS.read_text())["kernels"]
    return data["instructions"], f"recorded, {data['source']}, {data['date']}"


def kernel_rows() -> list[KernelRow]:
    """Every case, ours proved against the reference and counted on the virtual board.

    Raises:
        FirmwareFailure: the board does not compute what the host computes.
    """
    from host.bench.cost_table import counted

    peers, _ = recorded()
    ours = [n for model in models() for _, n in counted(model)]
    return [
        KernelRow(case.name, case.op, n, case.peer, peers[case.name], n / peers[case.name])
        for case, n in zip(CASES, ours, strict=True)
    ]


def kernel_lines(rows: list[KernelRow]) -> list[str]:
    """The table as text."""
    head = f"{'kernel':32} {'ours':>9} {'peer':>9} {'ratio':>6}"
    return [
        head,
        *(
            f"{row.name:32} {row.instructions:9,} {row.peer_instructions:9,} {row.ratio:6.2f}  {row.peer}"
            for row in rows
        ),
        f"peers of kernels: {recorded()[1]}",
    ]


def kernels_json(rows: list[KernelRow]) -> dict[str, Any]:
    """What `nightjar/bench/1` says of them."""
    return {"kernels": [asdict(row) for row in rows], "kernels_source": recorded()[1]}


def record(sources: Path) -> None:
    """Count the peers' kernels, and write them into peers.json.

    Args:
        sources: holds checkouts of FOLDERS.

    Raises:
        BadInput: one is missing.
        HostFailure: a tool is missing, or they do not compile.
    """
    missing = [name for name in FOLDERS if not (sources / name).is_dir()]
    if missing:
        raise BadInput(
            f"the peers are compiled from checkouts of {', '.join(FOLDERS)}",
            evidence=f"Received: {sources}, without {', '.join(missing)}",
            next_step="git clone those of ARM-software, tensorflow and google into it",
        )
    _require_cxx_library()
    with tempfile.TemporaryDirectory(prefix="nightjar-") as folder:
        found = _count(sources, Path(folder))
    commits = ", ".join(f"{name} {_commit(sources / name)}" for name in FOLDERS)
    compiler = call("arm-none-eabi-g++", "-dumpfullversion").strip()
    data = json.loads(PEERS.read_text())
    data["kernels"] = {
        "source": f"{commits}, gcc {compiler}, -O3 with Helium, QEMU's mps3-an547",
        "date": date.today().isoformat(),
        "instructions": found,
    }
    write_atomically(PEERS, (json.dumps(data, indent=2) + "\n").encode())


def _require_cxx_library() -> None:
    """Debian's cross compiler comes without it; gcc prints the bare name of a file that it does not have."""
    name = "libstdc++.a"
    found = call("arm-none-eabi-g++", *_CORE, f"-print-file-name={name}").strip()
    if found == name:
        raise HostFailure(
            "tflite-micro's reference kernels need the C++ library of arm-none-eabi-g++",
            evidence=f"arm-none-eabi-g++ has no {name} for the Cortex-M55",
            next_step="apt-get install libstdc++-arm-none-eabi-newlib",
        )


def _commit(checkout: Path) -> str:
    if not (checkout / ".git").exists():
        return "of unknown commit"
    return call("git", "-C", checkout, "rev-parse", "--short=8", "HEAD").strip()


def _count(sources: Path, folder: Path) -> dict[str, int]:
    cmsis, micro, fixed = (sources / name for name in FOLDERS)
    profiler = folder / "ruy" / "profiler" / "instrumentation.h"
    profiler.parent.mkdir(parents=True)
    profiler.write_text(_PROFILER)
    c = [
        *(
            f
            for part in _PARTS
            for f in sorted((cmsis / "Source" / f"{part}Functions").glob("*s8*.c"))
        ),
        *(cmsis / "Source" / file for file in _INSIDE),
    ]
    internal = micro / "tensorflow" / "lite" / "kernels" / "internal"
    cxx = [RUNNER / "peer_kernels.cc", internal / "common.cc", internal / "quantization_util.cc"]
    includes = [f"-I{path}" for path in (cmsis / "Include", micro, fixed, folder)]
    objects = []
    for tool, more, files in (
        ("arm-none-eabi-gcc", (), [RUNNER / "count.c", *c]),
        ("arm-none-eabi-g++", _CXX, cxx),
    ):
        for file in files:
            objects.append(folder / f"{file.stem}.o")
            call(tool, *_CORE, *more, *includes, "-c", file, "-o", objects[-1])
    program = folder / "peers.elf"
    script = f"-T{RUNNER / 'count.ld'}"
    call("arm-none-eabi-g++", *_CORE, *_LINK, script, *objects, "-lm", "-o", program)
    printed = call(
        *("qemu-system-arm", "-M", "mps3-an547", "-nographic", "-monitor", "none"),
        *("-serial", "none", "-semihosting-config", "enable=on,target=native"),
        *("-icount", "shift=6", "-kernel", program),
    )
    return {name: int(value) for name, value in (line.split() for line in printed.splitlines())}
