"""TFLite's interpreter of the pinned TensorFlow, without TensorFlow's import.

The interpreter is one extension module and one library of 15 MB, which need nothing else of the
package. To import TensorFlow for them costs seconds and half a gigabyte. The extension gets its own
name, under which TensorFlow itself finds it when it is imported later, or has put it already.
"""

import functools
import importlib
import importlib.machinery
import importlib.util
import re
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import HostFailure
from host.installed import setup_command

Array = npt.NDArray[Any]

INTERPRETER, TENSORFLOW = "interpreter", "tensorflow"
_FOLDER = ("lite", "python")
_EXTENSION = "tensorflow.lite.python._pywrap_tensorflow_interpreter_wrapper"
# Their native interface is the one called here; interpreter_test.py holds it to TensorFlow's.
_KNOWN = ("2.21.0",)
_INSTALLED = re.compile(r"tensorflow(?:_cpu)?-(?P<version>[^-]+)\.dist-info")
# Kernels by the name of their resolver -> its number; interpreter.py of TensorFlow, _get_op_resolver_id.
# BUILTIN applies the delegate XNNPACK, under which only inputs and outputs can be read.
RESOLVERS = {"BUILTIN": 1, "BUILTIN_REF": 2, "BUILTIN_WITHOUT_DEFAULT_DELEGATES": 3}
_lock = threading.Lock()


@dataclass(frozen=True)
class Package:
    """The installed TensorFlow: version, and its interpreter's files with size and change in ns."""

    version: str
    files: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class ReferenceTensor:
    """An input or output. scale 0.0: not quantized; else real = scale * (step - zero_point)."""

    tensor: int
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int


class Interpreter:
    """One model under the kernels of one of RESOLVERS in one thread, allocated, every tensor preserved.

    `loaded` says how: "interpreter" alone, or with the whole of "tensorflow".

    Raises:
        ValueError, RuntimeError: TFLite refuses the bytes, as `tf.lite.Interpreter` does.
        HostFailure: TensorFlow is not installed.
    """

    def __init__(self, content: bytes, kernels: str = "BUILTIN_REF") -> None:
        create, self.loaded = _creator()
        self._content = content  # TFLite reads the weights where they lie
        self._native = create(content, kernels)
        self._native.AllocateTensors()
        self.inputs = [self._port(index) for index in self._native.InputIndices()]
        self.outputs = [self._port(index) for index in self._native.OutputIndices()]

    def ops(self) -> list[tuple[int, str, tuple[int, ...], tuple[int, ...]]]:
        """(index, name, input tensors, output tensors) of each node; -1: an input left out."""
        ask = self._native
        return [
            (
                index,
                str(ask.NodeName(index)),
                tuple(int(i) for i in ask.NodeInputs(index)),
                tuple(int(i) for i in ask.NodeOutputs(index)),
            )
            for index in range(ask.NumNodes())
        ]

    def tensor_name(self, tensor: int) -> str:
        """The name of a tensor."""
        return str(self._native.TensorName(tensor, 0))

    def set_input(self, tensor: int, value: Array) -> None:
        """Copy `value` into a tensor."""
        self._native.SetTensor(tensor, value)

    def invoke(self) -> None:
        """One inference."""
        self._native.Invoke()

    def value(self, tensor: int) -> Array:
        """A copy of a tensor."""
        return np.asarray(self._native.GetTensor(tensor, 0))

    def _port(self, tensor: Any) -> ReferenceTensor:
        ask, index = self._native, int(tensor)
        dtype = ask.TensorType(index, 0)
        if not dtype:
            raise ValueError(f"tensor {index} has no type")
        scale, zero_point = ask.TensorQuantization(index, 0)
        return ReferenceTensor(
            tensor=index,
            name=str(ask.TensorName(index, 0)),
            shape=tuple(int(size) for size in ask.TensorSize(index, 0)),
            dtype=np.dtype(dtype),
            scale=float(scale),
            zero_point=int(zero_point),
        )


@functools.cache
def package() -> Package:
    """What is installed, found without importing it.

    Raises:
        HostFailure: TensorFlow is not installed.
    """
    root = _root()
    if root is None:
        raise HostFailure(
            "TensorFlow is not installed, whose reference kernels judge the model",
            next_step=setup_command(),
        )
    found = {
        match["version"]
        for entry in root.parent.iterdir()
        if (match := _INSTALLED.fullmatch(entry.name))
    }
    # With two versions side by side nobody knows whose files these are.
    version = found.pop() if len(found) == 1 else _tensorflow().__version__
    libraries = sorted(root.joinpath(*_FOLDER).glob("*.so*"))
    stats = [(path.name, path.stat()) for path in libraries]
    return Package(version, tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))


def _root() -> Path | None:
    try:
        spec = importlib.util.find_spec("tensorflow")
    except ValueError:  # somebody put a module without a spec there
        return None
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    return Path(places[0]) if places else None


@functools.cache
def _creator() -> tuple[Callable[[bytes, str], Any], str]:
    """What makes a native interpreter of a model's bytes and kernels, and how it was loaded."""
    native = _extension() if package().version in _KNOWN else None
    if native is None:
        return _through_tensorflow, TENSORFLOW
    return (
        lambda content, kernels: native.CreateWrapperFromBuffer(
            content, RESOLVERS[kernels], [], [], True, False, 1, False
        ),
        INTERPRETER,
    )


def _extension() -> Any | None:
    """The extension module alone; None when it cannot be loaded."""
    root = _root()
    with _lock:
        if _EXTENSION in sys.modules:
            return sys.modules[_EXTENSION]
        if root is None:
            return None
        folder = [str(root.joinpath(*_FOLDER))]
        spec = importlib.machinery.PathFinder.find_spec(_EXTENSION, folder)
        if spec is None or spec.loader is None:
            return None
        try:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        except (ImportError, OSError):
            return None
        # For TensorFlow's own import. CPython does so for this kind of extension, unpromised.
        return sys.modules.setdefault(_EXTENSION, module)


def _tensorflow() -> Any:
    try:
        with warnings.catch_warnings():
            return importlib.import_module("tensorflow")
    except ImportError as error:
        raise HostFailure(
            "TensorFlow, whose reference kernels judge the model, cannot be imported",
            evidence=f"{type(error).__name__}: {error}",
            next_step=setup_command(),
        ) from error


def _through_tensorflow(content: bytes, kernels: str) -> Any:
    tf = _tensorflow()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter is deprecated")
        return tf.lite.Interpreter(
            model_content=content,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType[kernels],
            experimental_preserve_all_tensors=True,
            num_threads=1,
        )._interpreter
