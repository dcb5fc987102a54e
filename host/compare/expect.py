"""What the host reference computes for a vector: every tensor that the board is asked about."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from host.bundle import Subject
from host.compare.layers import Structure
from host.compare.tensors import Array
from host.compare.vectors import Vector
from host.errors import BadInput, HostFailure
from host.reference.micro import MicroModel, open_micro
from host.reference.model import ReferenceModel


@dataclass(frozen=True, eq=False)
class Expected:
    """The reference's tensors for one vector.

    `features` is float32 [bins, frames], None without a chunk. `layers` has one tensor per op output, in order.
    """

    features: npt.NDArray[np.float32] | None
    inputs: tuple[Array, ...]
    layers: tuple[Array, ...]
    outputs: tuple[Array, ...]

    @property
    def output_digest(self) -> int:
        """CRC-32 over all outputs in order."""
        return digest(self.outputs)

    @property
    def input_digest(self) -> int:
        """CRC-32 over all inputs in order."""
        return digest(self.inputs)


def digest(tensors: tuple[Array, ...]) -> int:
    """CRC-32 (zlib's) of the little-endian bytes of tensors, one behind the other."""
    value = 0
    for tensor in tensors:
        value = zlib.crc32(to_bytes(tensor), value)
    return value


def to_bytes(tensor: Array) -> bytes:
    """The bytes of a tensor as they lie on a board: row-major, little endian."""
    return np.ascontiguousarray(tensor, dtype=tensor.dtype.newbyteorder("<")).tobytes()


class Oracle:
    """The host reference of one subject: frontend (where there is a contract) and model.

    `rules` names the judge of the model: "tflite", the pinned TFLite's reference kernels, or "tflm", tflite-micro's
    interpreter. Neither stands in for the other.

    Raises:
        HostFailure: the judge is not installed.
        BadInput: the judge cannot run the model.
    """

    def __init__(self, subject: Subject, structure: Structure, rules: str = "tflite") -> None:
        judges: dict[str, Callable[[bytes], ReferenceModel | MicroModel]] = {
            "tflite": ReferenceModel,
            "tflm": open_micro,
        }
        if rules not in judges:
            raise BadInput(
                "nobody judges these rounding rules",
                evidence=f"Received: {rules!r}, and not one of {', '.join(judges)}",
                next_step="generate the project again with `nightjar generate`",
            )
        self.subject = subject
        self.structure = structure
        self.rules = rules
        self.reference = judges[rules](subject.model)

    @property
    def description(self) -> str:
        """Package, version and resolver of the reference kernels."""
        return self.reference.description

    def expect(self, vector: Vector) -> Expected:
        """Compute every tensor for `vector`.

        Raises:
            HostFailure: the reference did not give a tensor that the model has.
        """
        features, inputs = self._inputs(vector)
        tensors = self.reference.run(list(inputs))
        given: dict[int, Array] = {
            port.tensor: value for port, value in zip(self.reference.inputs, inputs, strict=True)
        }
        given.update(tensors)
        wanted = [layer.tensor for layer in self.structure.layers]
        missing = sorted({*wanted, *self.structure.outputs} - given.keys())
        if missing:
            raise HostFailure(
                "the reference interpreter did not keep every tensor",
                evidence=f"missing tensors {missing}; {self.description}",
            )
        return Expected(
            features=features,
            inputs=inputs,
            layers=tuple(given[tensor] for tensor in wanted),
            outputs=tuple(given[tensor] for tensor in self.structure.outputs),
        )

    def _inputs(
        self, vector: Vector
    ) -> tuple[npt.NDArray[np.float32] | None, tuple[npt.NDArray[Any], ...]]:
        if vector.chunk is None:
            return None, vector.inputs
        from host.reference.frontend import features as frontend_features
        from host.reference.frontend import quantize

        contract = self.subject.contract
        if contract is None:
            raise HostFailure("a chunk needs a contract, which a bare .tflite has not")
        features = frontend_features(vector.chunk[np.newaxis], contract.frontend)[0]
        port = self.reference.inputs[0]
        steps = quantize(features, contract.input.scale, contract.input.zero_point)
        return features, (steps.reshape(tuple(port.shape)),)


def check_own_vectors(subject: Subject, index: int, expected: Expected, rules: str) -> None:
    """Hold the host reference against what the bundle recorded when it was made, its scores by the pinned TFLite.

    Raises:
        HostFailure: this host computes something else, so that it cannot be the judge of a board.
    """
    own = subject.vectors()
    if own is None or expected.features is None:
        return
    pairs: list[tuple[str, Array, Array]] = [
        ("features", own.features[index], expected.features),
        ("model input", own.inputs[index], expected.inputs[0]),
    ]
    if rules == "tflite":
        pairs.append(("scores", own.scores[index], expected.outputs[0]))
    for name, recorded, computed in pairs:
        if to_bytes(recorded) != to_bytes(computed):
            raise HostFailure(
                f"this host's reference does not give the {name} recorded in the bundle",
                evidence=f"own vector {index}; CRC-32 {digest((computed,)):08x}, recorded {digest((recorded,)):08x}",
                next_step="make the bundle again with `nightjar quantize`, or use the tool versions of its contract",
            )
