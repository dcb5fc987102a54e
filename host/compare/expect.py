"""What the host reference computes for a vector: every tensor that the board is asked about."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from host.bundle import Subject
from host.compare.layers import Structure
from host.compare.tensors import Array
from host.compare.vectors import Vector
from host.errors import HostFailure
from host.reference.judging import Judging
from host.reference.kept import KeptReference, Summary, digest, to_bytes
from host.reference.past import Past

Tensors = tuple[Array, ...]


class Expected:
    """The reference's tensors for one vector.

    features: float32 [bins, frames], None without a chunk. inputs, outputs: the model's, whole.
    layers: the summary of each op output, in order; `tensor` gives its values.

    `recalled`: layers and outputs are what was kept of an earlier run. That is enough to find a
    board equal. Nothing may be said to differ from it before `confirm`, after which they are the
    reference's own.
    """

    def __init__(
        self,
        features: npt.NDArray[np.float32] | None,
        inputs: Tensors,
        compute: Callable[[], tuple[Tensors, Tensors]],
        kept: tuple[tuple[Summary, ...], Tensors] | None = None,
    ) -> None:
        """`compute` gives layers and outputs, at most once; `kept`: what it is believed to give."""
        self.features = features
        self.inputs = inputs
        self._compute = compute
        self._tensors: Tensors | None = None
        if kept is None:
            self.confirm()
        else:
            self.layers, self.outputs = kept

    @classmethod
    def of(cls, inputs: Tensors, layers: Tensors, outputs: Tensors) -> "Expected":
        """From tensors that are there, without a chunk."""
        return cls(None, inputs, lambda: (layers, outputs))

    @property
    def recalled(self) -> bool:
        return self._tensors is None

    def confirm(self) -> None:
        """Have everything computed by the reference, if it was not."""
        if self._tensors is None:
            self._tensors, self.outputs = self._compute()
            self.layers = tuple(Summary.of(tensor) for tensor in self._tensors)

    def tensor(self, position: int) -> Array:
        """The values of a layer, by its position; the reference's own."""
        self.confirm()
        assert self._tensors is not None
        return self._tensors[position]

    @property
    def output_digest(self) -> int:
        """CRC-32 over all outputs in order."""
        return digest(self.outputs)

    @property
    def input_digest(self) -> int:
        """CRC-32 over all inputs in order."""
        return digest(self.inputs)


class Oracle:
    """The host reference of one subject: frontend (where there is a contract) and model.

    rules: name the judge of the model; see `KeptReference`. judging: who judges where that is none of the
    model's, as with a generated network. recalls: whether anything expected is
    what was kept of an earlier run. distrusts: what was kept was not what the reference gives. From
    then on nothing kept is believed, and what was found equal by it must be asked again. Without
    `trusts` nothing kept is believed from the beginning.

    Raises:
        HostFailure: the judge is not installed.
        BadInput: nobody judges these rules; or, once it is needed, the judge cannot run the model.
    """

    def __init__(
        self,
        subject: Subject,
        structure: Structure,
        rules: str = "tflite",
        *,
        judging: Judging | None = None,
        trusts: bool = True,
    ) -> None:
        self.subject = subject
        self.structure = structure
        self.rules = rules
        self.reference = KeptReference(subject.model, rules, judging)
        self.recalls = False
        self.distrusts = not trusts

    @property
    def description(self) -> str:
        """Package, version and resolver of the reference kernels."""
        return self.reference.description

    def expect(self, vector: Vector) -> Expected:
        """Every tensor for `vector`, recalled or computed.

        Raises:
            HostFailure: the reference did not give a tensor that the model has.
        """
        features, inputs = self.inputs_of(vector)
        past = vector.past
        kept = None if self.distrusts else self._recall(inputs, past)
        if kept is None:
            return Expected(features, inputs, lambda: self._compute(inputs, past))
        self.recalls = True
        return Expected(features, inputs, lambda: self._confirm(inputs, past, *kept), kept)

    def _recall(
        self, inputs: Tensors, past: Past | None
    ) -> tuple[tuple[Summary, ...], Tensors] | None:
        found = self.reference.recall(inputs, past)
        if found is None:
            return None
        try:
            layers = tuple(found.tensors[layer.tensor] for layer in self.structure.layers)
            return layers, tuple(found.outputs[tensor] for tensor in self.structure.outputs)
        except KeyError:  # of other layers than the file has
            return None

    def _compute(self, inputs: Tensors, past: Past | None) -> tuple[Tensors, Tensors]:
        tensors = self.reference.run(inputs, past)
        wanted = [layer.tensor for layer in self.structure.layers]
        missing = sorted({*wanted, *self.structure.outputs} - tensors.keys())
        if missing:
            raise HostFailure(
                "the reference interpreter did not keep every tensor",
                evidence=f"missing tensors {missing}; {self.description}",
            )
        layers = tuple(tensors[tensor] for tensor in wanted)
        return layers, tuple(tensors[tensor] for tensor in self.structure.outputs)

    def _confirm(
        self,
        inputs: Tensors,
        past: Past | None,
        layers: tuple[Summary, ...],
        outputs: Tensors,
    ) -> tuple[Tensors, Tensors]:
        """Compute what was recalled; its record is then of what was computed."""
        computed = self._compute(inputs, past)
        same = tuple(map(Summary.of, computed[0])) == layers
        if not same or tuple(map(_whole, computed[1])) != tuple(map(_whole, outputs)):
            self.recalls = False
            self.distrusts = True
        return computed

    def inputs_of(
        self, vector: Vector
    ) -> tuple[npt.NDArray[np.float32] | None, tuple[npt.NDArray[Any], ...]]:
        """The features of a chunk, None of raw inputs; and the model's inputs."""
        if vector.chunk is None:
            return None, vector.inputs
        from host.reference.frontend_anywhere import features as frontend_features
        from host.reference.frontend_anywhere import quantize

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
    recorded = {"features": own.features[index], "model input": own.inputs[index]}
    if rules == "tflite":
        recorded["scores"] = own.scores[index]

    def differing() -> list[tuple[str, Array, Array]]:
        assert expected.features is not None
        computed = (expected.features, expected.inputs[0], expected.outputs[0])
        pairs = zip(recorded.items(), computed, strict=False)
        return [(*one, mine) for one, mine in pairs if to_bytes(one[1]) != to_bytes(mine)]

    if differing():
        expected.confirm()
    for name, value, mine in differing():
        raise HostFailure(
            f"this host's reference does not give the {name} recorded in the bundle",
            evidence=f"own vector {index}; CRC-32 {digest((mine,)):08x}, recorded {digest((value,)):08x}",
            next_step="make the bundle again with `nightjar quantize`, or use the tool versions of its contract",
        )


def _whole(tensor: Array) -> tuple[Summary, bytes]:
    return Summary.of(tensor), to_bytes(tensor)
