"""For tests: the generated C of a model, compiled for this computer and run without any board."""

import atexit
import ctypes
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from host.installed import FIRMWARE
from model_gen.codegen.cm55.compile import Generated, compile_model
from model_gen.codegen.cm55.emit import observed
from model_gen.codegen.tflite.graph import Array

STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Werror")


def _gcc(*arguments: str, folder: Path | None = None) -> None:
    command = ["gcc", "-std=gnu11", "-O1", "-fPIC", "-fsanitize=undefined", *STRICT]
    command += ["-fno-sanitize-recover=all"]
    command += [f"-I{FIRMWARE / 'kernels'}", f"-I{FIRMWARE / 'core'}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr


@cache
def _kernels() -> list[str]:
    """Object files of the kernels and of what keeps state, compiled once a process."""
    folder = Path(tempfile.mkdtemp(prefix="nightjar-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sources = [*sorted((FIRMWARE / "kernels").glob("*.c")), FIRMWARE / "core" / "nj_state.c"]
    _gcc("-c", *map(str, sources), folder=folder)
    return sorted(str(path) for path in folder.glob("*.o"))


class _Place(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("bytes", ctypes.c_uint32))


class _Tap(ctypes.Structure):
    _fields_ = (("place", _Place), ("step", ctypes.c_uint16), ("last_step", ctypes.c_uint16))


_STEP = ctypes.CFUNCTYPE(None)


class _Model(ctypes.Structure):
    _fields_ = (
        ("input", ctypes.POINTER(_Place)),
        ("output", ctypes.POINTER(_Place)),
        ("tap", ctypes.POINTER(_Tap)),
        ("step", ctypes.POINTER(_STEP)),
        ("inputs", ctypes.c_uint16),
        ("outputs", ctypes.c_uint16),
        ("taps", ctypes.c_uint16),
        ("steps", ctypes.c_uint16),
    )


@dataclass(frozen=True)
class HostRun:
    """`taps[tensor]` right after its step; `late[tensor]` the same place after its last step; `outputs` at the end."""

    taps: dict[int, Array]
    late: dict[int, Array]
    outputs: list[Array]


class HostModel:
    """A generated model as a shared library of this computer."""

    def __init__(
        self, model: bytes, folder: Path, *, rounding: str = "tflite", optimize: str = "speed"
    ) -> None:
        self.generated: Generated = compile_model(model, rounding=rounding, optimize=optimize)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.generated.sources.items():
            (folder / name).write_text(text)
        library = folder / "model.so"
        sources = [str(folder / "nj_model.c"), str(folder / "nj_weights.c")]
        _gcc("-shared", f"-I{folder}", *sources, *_kernels(), "-o", str(library))
        self._library = ctypes.CDLL(str(library))
        self.model = _Model.in_dll(self._library, "nj_model")
        self.clear()

    def clear(self) -> None:
        """Begin a sequence: the first values of what the model keeps."""
        self._library.nj_state_clear()

    def run(self, inputs: list[Array]) -> HostRun:
        """One run, behind those before where the model has state; `inputs` in its order, of its shapes and types."""
        program = self.generated.program
        tensors = [program.tensors[index] for index in observed(program)]
        assert self.model.taps == len(tensors)
        for i, value in enumerate(inputs):
            place = self.model.input[i]
            assert place.bytes == value.nbytes
            ctypes.memmove(place.data, np.ascontiguousarray(value).tobytes(), value.nbytes)
        taps: dict[int, Array] = {}
        late: dict[int, Array] = {}
        for step in range(self.model.steps):
            self.model.step[step]()
            for slot, tensor in enumerate(tensors):
                tap = self.model.tap[slot]
                assert tap.step <= tap.last_step < self.model.steps
                if step in (tap.step, tap.last_step):
                    value = _read(tap.place, tensor.shape, tensor.dtype)
                    if step == tap.step:
                        taps[tensor.index] = value
                    if step == tap.last_step:
                        late[tensor.index] = value
        outputs = [
            _read(self.model.output[i], program.tensors[index].shape, program.tensors[index].dtype)
            for i, index in enumerate(program.resolved.graph.outputs)
        ]
        return HostRun(taps, late, outputs)


def _read(place: _Place, shape: tuple[int, ...], dtype: str) -> Array:
    raw = ctypes.string_at(place.data, place.bytes)
    return np.frombuffer(raw, dtype).reshape(shape)
