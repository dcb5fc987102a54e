"""Kernels run on a Cortex-M55 with Helium: Debian's QEMU, machine mps3-an547, no firmware.

All cases are laid out in the machine's memory before it starts (structures as the target sees them: 4-byte words),
run in one go, and the results come back through a file.

SPDX-License-Identifier: MIT
"""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import testing_kernels as k
from numpy.typing import NDArray
from testing_ops import Int8

CASES, RESULTS = 0x70000000, 0x78000000
COMPILER, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
GAP = 0x5A  # as in the runner
TARGET = ["-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"]
KERNELS = [
    "conv_2d", "depthwise_conv_2d", "fully_connected", "add", "sub", "mul", "average_pool_2d",
    "max_pool_2d", "mean", "softmax", "lookup", "conv_2d_packed", "depthwise_conv_2d_packed",
    "linear_sum", "linear_channels", "transpose", "fully_connected_packed",
    "maximum", "minimum", "gather", "quantize_f32", "dequantize_f32",
    "unpack", "prelu", "reduce_max", "reduce_min", "resize_bilinear", "transpose_conv", "batch_matmul",
    "squared_difference", "svdf", "select", "unidirectional_sequence_lstm",
    "quantize_f32_u8", "dequantize_u8_f32", "div", "transpose_conv_packed", "squash",
]  # fmt: skip
"""In the order of the runner's switch."""


def missing() -> str | None:
    """The tool that is not there, if any."""
    return next((tool for tool in (COMPILER, EMULATOR) if shutil.which(tool) is None), None)


def compile_runner(folder: Path, *flags: str) -> Path:
    """Compiles the kernels and the runner for the target."""
    target = folder / "runner.elf"
    own = (k.HERE / "testing" / f"nj_{name}.c" for name in ("runner", "squash"))
    sources = [*sorted(k.HERE.glob("*.c")), *own]
    command = [COMPILER, *k.WARNINGS, *TARGET, *flags, "-nostartfiles", "-o", str(target)]
    command += [f"-T{k.HERE / 'testing' / 'nj_runner.ld'}", *map(str, sources)]
    subprocess.run(command, check=True, timeout=600)
    return target


class Machine:
    """Collects cases (a Runner of testing_ops), then runs them all."""

    def __init__(self) -> None:
        self._items: list[tuple[int, ...]] = []
        self._image = bytearray()
        self._outputs: list[tuple[int, Int8]] = []
        self._pointers: list[int] = []
        self._results = 0

    def run(
        self,
        name: str,
        op: Any,
        constants: dict[str, NDArray[Any]],
        inputs: list[Int8],
        output: Int8,
    ) -> None:
        """Adds a case; `output` is filled by `execute`."""
        kernel = KERNELS.index(name.removeprefix("nj_").replace("_s8", ""))
        places = {field: self._place(value.tobytes()) for field, value in constants.items()}
        address = 0
        if op is not None:
            words = _words(op, places)
            address = self._place(struct.pack(f"<{len(words)}I", *(value for value, _ in words)))
            # Pointers are offsets until the image's base is known.
            self._pointers += [address + 4 * i for i, (_, points) in enumerate(words) if points]
        places_in = [self._place(x.tobytes(), aligned=x.itemsize > 1) for x in inputs]
        first, second, third = [*places_in, 0, 0, 0][:3]
        self._results += -self._results % output.itemsize
        self._items.append((kernel, address, first, second, third, self._results, output.nbytes))
        self._outputs.append((self._results, output))
        # A gap before the next one, which must stay as it is, and every alignment in turn.
        self._results += output.nbytes + 17

    def _place(self, data: bytes, aligned: bool = True) -> int:
        """An offset into the image, aligned for doubles; what follows is not zero, so that reading on shows."""
        if aligned:
            self._image += b"\0" * (-len(self._image) % 8)
        offset = len(self._image)
        self._image += data + b"\x55" * 16
        return offset

    def execute(self, runner: Path, folder: Path) -> None:
        """Runs all cases and fills their outputs.

        Raises:
            AssertionError: a kernel wrote outside its output.
            subprocess.CalledProcessError: a kernel faulted.
        """
        base = CASES + 12 + 28 * len(self._items)
        base += -base % 8
        head = struct.pack("<III", len(self._items), RESULTS, self._results)
        for kernel, op, *inputs, output, count in self._items:
            head += struct.pack(
                "<7I", kernel, base + op, *(base + i for i in inputs), RESULTS + output, count
            )
        head += b"\0" * (base - CASES - len(head))
        for offset in self._pointers:
            place = struct.unpack_from("<I", self._image, offset)[0]
            struct.pack_into("<I", self._image, offset, base + place)
        (folder / "cases.bin").write_bytes(head + self._image)
        loader = f"loader,file=cases.bin,addr={CASES:#x},force-raw=on"
        subprocess.run(
            [EMULATOR, "-M", "mps3-an547", "-display", "none", "-monitor", "none", "-serial", "none",
             "-semihosting-config", "enable=on,target=native", "-device", loader,
             "-kernel", str(runner)],
            cwd=folder, check=True, timeout=600,
        )  # fmt: skip
        results = np.fromfile(folder / "output.bin", np.int8)
        assert len(results) == self._results
        for offset, output in self._outputs:
            own = results[offset : offset + output.nbytes]
            output[...] = own.view(output.dtype).reshape(output.shape)
            own[...] = GAP
        assert (results == GAP).all(), "a kernel wrote outside its output"


def _words(value: Any, places: dict[str, int]) -> list[tuple[int, bool]]:
    """A structure's 4-byte words as the target has them, and which of them are pointers."""
    words: list[tuple[int, bool]] = []
    for field, kind in value._fields_:
        member = getattr(value, field)
        if kind is ctypes.c_void_p:
            words.append((places.get(field, 0), field in places))
        elif isinstance(member, ctypes.Structure):
            words += _words(member, places)
        elif isinstance(member, ctypes.Array):
            words += [(item & 0xFFFFFFFF, False) for item in member]
        elif isinstance(member, float):
            words.append((struct.unpack("<I", struct.pack("<f", member))[0], False))
        else:
            words.append((member & 0xFFFFFFFF, False))
    return words


class Both:
    """Calls a kernel here and keeps the same call for the machine."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library
        self.machine = Machine()
        self.pairs: list[tuple[str, Int8, Int8]] = []

    def __call__(self, label: str, function: Callable[..., Int8], *args: Any) -> None:
        want = function(self.library, *args)
        self.pairs.append((label, function(self.machine, *args), want))

    def check(self, runner: Path, folder: Path) -> None:
        self.machine.execute(runner, folder)
        for label, got, want in self.pairs:
            np.testing.assert_array_equal(got, want, err_msg=label)
