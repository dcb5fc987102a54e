"""The host's reference of the model: TFLite's reference kernels, every tensor kept."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.reference.axes import with_axes_in_range

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class ReferenceTensor:
    """An input or output. scale 0.0 means not quantized; else real = scale * (step - zero_point)."""

    tensor: int
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class ReferenceOp:
    """An op of the model; -1 among its inputs stands for one left out. Unpacks as a tuple of its four fields."""

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.index, self.name, self.inputs, self.outputs))


class ReferenceModel:
    """A .tflite run by `BUILTIN_REF` in one thread: what `cm55` must equal, byte for byte.

    `description` names it, and says where the model had to be changed for the loader; see `axes`.

    Raises:
        BadInput: TFLite refuses the bytes.
    """

    def __init__(self, tflite: bytes) -> None:
        with stdout_to_stderr(), warnings.catch_warnings():
            import tensorflow as tf

            warnings.filterwarnings(
                "ignore", message=r"\s*Warning: tf.lite.Interpreter is deprecated"
            )
            content, axes = with_axes_in_range(tflite)
            try:
                self._interpreter = tf.lite.Interpreter(
                    model_content=content,
                    experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
                    experimental_preserve_all_tensors=True,
                    num_threads=1,
                )
                self._interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                raise BadInput(
                    "TFLite does not accept this model",
                    evidence=f"Received: {len(tflite)} bytes; {str(error).strip()[-400:]}",
                    next_step="give a whole .tflite file made of built-in ops",
                ) from error
        self.description = f"tensorflow {tf.__version__} BUILTIN_REF"
        if axes:
            self.description += f" (the quantized axis of {axes} one-dimensional tensors read as 0)"
        self.inputs = [_tensor(d) for d in self._interpreter.get_input_details()]
        self.outputs = [_tensor(d) for d in self._interpreter.get_output_details()]
        self.ops = [
            ReferenceOp(
                int(op["index"]),
                str(op["op_name"]),
                tuple(int(i) for i in op["inputs"]),
                tuple(int(i) for i in op["outputs"]),
            )
            for op in self._interpreter._get_ops_details()
            if op["op_name"] != "DELEGATE"
        ]

    def run(self, inputs: list[Array]) -> dict[int, Array]:
        """One inference.

        Args:
            inputs: in model order, of each input's shape and dtype.

        Returns:
            Tensor index -> value, for the outputs of every op and of the model.

        Raises:
            BadInput: an input of another count, shape or dtype.
        """
        check_inputs(inputs, self.inputs)
        for tensor, value in zip(self.inputs, inputs, strict=True):
            self._interpreter.set_tensor(tensor.tensor, value)
        with stdout_to_stderr():
            self._interpreter.invoke()
        kept = {index for op in self.ops for index in op.outputs if index >= 0}
        kept |= {tensor.tensor for tensor in self.outputs}
        return {index: self._interpreter.get_tensor(index) for index in sorted(kept)}


def check_inputs(inputs: list[Array], wanted: list[ReferenceTensor]) -> None:
    """Are these values of the inputs' number, shapes and dtypes?

    Raises:
        BadInput: they are not.
    """
    given = [(tuple(value.shape), value.dtype) for value in inputs]
    ports = [(tensor.shape, tensor.dtype) for tensor in wanted]
    if given != ports:
        raise BadInput(f"the model takes {_show(ports)}", evidence=f"Received: {_show(given)}")


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send what C++ code prints on standard output to standard error, which belongs to people."""
    sys.stdout.flush()
    try:
        saved = os.dup(1)
    except OSError:  # standard output is closed
        yield
        return
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)


def _tensor(details: dict[str, Any]) -> ReferenceTensor:
    scale, zero_point = details["quantization"]
    return ReferenceTensor(
        tensor=int(details["index"]),
        name=str(details["name"]),
        shape=tuple(int(size) for size in details["shape"]),
        dtype=np.dtype(details["dtype"]),
        scale=float(scale),
        zero_point=int(zero_point),
    )


def _show(tensors: list[tuple[tuple[int, ...], np.dtype[Any]]]) -> str:
    return ", ".join(f"{dtype} {list(shape)}" for shape, dtype in tensors) or "nothing"
