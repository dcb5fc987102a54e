"""The judge of the rounding rules of tflite-micro: its own interpreter, every tensor kept."""

import contextlib
import importlib.util
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from host.errors import BadInput, HostFailure
from host.files import sha256_bytes
from host.installed import setup_command
from host.reference.interpreter import INTERPRETER, Array, ReferenceTensor
from host.reference.model import check_inputs
from host.reference.offline import without_plan
from host.reference.past import Past
from host.reference.said import said_by_libraries
from host.reference.state import Standing, has_state, own_states

# Address space for all tensors side by side; only what a model uses becomes memory.
_ARENA_BYTES = 1 << 28
_survived: set[str] = set()  # SHA-256 of models that did not end the process of their trial
_OTHERWISE = "judge the default rules of the pinned TFLite, with --rounding tflite"


class MicroModel:
    """A .tflite run by tflite-micro: what `cm55` must equal under `--rounding tflm`, byte for byte.

    `loaded` is always "interpreter": the package is nothing else.

    Raises:
        HostFailure: the package is not installed.
        BadInput: tflite-micro cannot run the model; the evidence is what it said, as a rule the op that it lacks.
    """

    def __init__(self, tflite: bytes) -> None:
        _, version = _package()
        self._content, planned = without_plan(tflite)
        left = ", without the file's memory plan" if planned else ""
        self.description = f"tflite-micro {version}{left}"
        self.loaded = INTERPRETER
        self._standing: Standing | None = None
        try:
            with said_by_libraries() as said:
                self._restart()
                self._read_graph(tflite)
                if has_state(tflite):
                    self._standing = Standing(self._restart, self._step)
                # Some ops refuse their types no earlier than when they run.
                self.run([np.zeros(tensor.shape, tensor.dtype) for tensor in self.inputs])
        except Exception as error:  # a damaged flatbuffer fails in any way that indexing can
            text = " ".join(said.text.split()) or f"{type(error).__name__}: {error}"
            raise _refusal(tflite, f"{self.description} says: {text[-400:]}") from error

    def run(self, inputs: list[Array], past: Past | None = None) -> dict[int, Array]:
        """One inference.

        Args:
            inputs: in model order, of each input's shape and dtype.
            past: what a model with state was given before; None begins a sequence.

        Returns:
            Tensor index -> value, for the outputs of every op and of the model.

        Raises:
            BadInput: an input of another count, shape or dtype.
        """
        check_inputs(inputs, self.inputs)
        if self._standing is not None:
            self._standing.bring(past)
        self._step(inputs)
        if self._standing is not None:
            self._standing.took(inputs)
        return {index: self._interpreter.GetTensor(index, 0)["tensor_data"] for index in self._kept}

    def _restart(self) -> None:
        runtime, _ = _package()
        self._interpreter = runtime.Interpreter.from_bytes(
            self._content,
            arena_size=_ARENA_BYTES,
            intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
        )

    def _step(self, inputs: Sequence[Array]) -> None:
        for position, value in enumerate(inputs):
            self._interpreter.set_input(value, position)
        self._interpreter.invoke()

    def _read_graph(self, tflite: bytes) -> None:
        """`inputs`, `outputs` and the tensors that are computed: what the interpreter does not tell."""
        import tflite as schema

        graph = schema.Model.GetRootAsModel(tflite, 0).Subgraphs(0)

        def port(index: int, details: dict[str, Any]) -> ReferenceTensor:
            parameters = details["quantization_parameters"]
            one = len(parameters["scales"]) == 1
            return ReferenceTensor(
                tensor=index,
                name=(graph.Tensors(index).Name() or b"").decode("utf-8", "replace"),
                shape=tuple(int(size) for size in details["shape"]),
                dtype=np.dtype(details["dtype"]),
                scale=float(parameters["scales"][0]) if one else 0.0,
                zero_point=int(parameters["zero_points"][0]) if one else 0,
            )

        inputs = [graph.Inputs(i) for i in range(graph.InputsLength())]
        outputs = [graph.Outputs(i) for i in range(graph.OutputsLength())]
        ask = self._interpreter
        self.inputs = [port(index, ask.get_input_details(i)) for i, index in enumerate(inputs)]
        self.outputs = [port(index, ask.get_output_details(i)) for i, index in enumerate(outputs)]
        ops = [graph.Operators(i) for i in range(graph.OperatorsLength())]
        written = {op.Outputs(i) for op in ops for i in range(op.OutputsLength())}
        written |= own_states(tflite)
        handles = schema.TensorType.RESOURCE
        self._kept = sorted(
            {i for i in written if i >= 0 and graph.Tensors(i).Type() != handles} | {*outputs}
        )


def open_micro(tflite: bytes) -> MicroModel:
    """As `MicroModel`, but tried in a process of its own first: on some models the interpreter ends its process.

    Raises:
        HostFailure: the package is not installed.
        BadInput: tflite-micro cannot run the model.
    """
    _package()
    digest = sha256_bytes(tflite)
    if digest in _survived:
        return MicroModel(tflite)
    trial = [sys.executable, "-m", __name__]
    done = subprocess.run(trial, input=tflite, capture_output=True, check=False)
    if done.returncode < 0:
        raise _refusal(tflite, f"its process ended with {signal.Signals(-done.returncode).name}")
    _survived.add(digest)
    return MicroModel(tflite)


def installed() -> tuple[tuple[str, int, int], ...]:
    """Files of the installed package with size and change in ns, found without importing it.

    Raises:
        HostFailure: the package is not installed.
    """
    spec = importlib.util.find_spec("tflite_micro")
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    if not places:
        raise _missing("there is no package tflite_micro")
    root = Path(places[0])
    files = [root / "__init__.py", root / "_version.py", *sorted(root.glob("python/**/*.so"))]
    stats = [(path.relative_to(root).as_posix(), path.stat()) for path in files if path.is_file()]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _refusal(tflite: bytes, evidence: str) -> BadInput:
    return BadInput(
        "tflite-micro cannot run this model, so that it cannot judge it",
        evidence=f"Received: {len(tflite)} bytes; {evidence}",
        next_step=_OTHERWISE,
    )


def _package() -> tuple[Any, str]:
    """The package's runtime, and its version."""
    try:
        from tflite_micro import __version__, runtime
    except ImportError as error:
        raise _missing(f"{type(error).__name__}: {error}") from error
    return runtime, str(__version__)


def _missing(evidence: str) -> HostFailure:
    return HostFailure(
        "the rules of tflite-micro are judged by tflite-micro, which is not installed",
        evidence=evidence,
        next_step=f"install it with `{setup_command('dev')}` (x86-64 only), or " + _OTHERWISE,
    )


if __name__ == "__main__":
    # A refusal is no crash: the parent says why.
    with contextlib.suppress(BadInput):
        MicroModel(sys.stdin.buffer.read())
