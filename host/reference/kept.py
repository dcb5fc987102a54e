"""The reference of one model, opened only for what it has not computed before.

What the reference gave is kept in the cache `expectations`: of a model its ports, of a set of
inputs the digest of every tensor, and the outputs themselves. A record belongs to the bytes of the
model and of the inputs, to the rules, to the judge's package with its version and files, to this
computer's kind of processor and C library, and to the code of this folder that calls the judge.
"""

import base64
import functools
import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from host.cache import EXPECTATIONS, key_of
from host.errors import BadInput, HostFailure
from host.files import sha256_bytes
from host.reference.interpreter import Array, ReferenceTensor, package
from host.reference.judging import Judge, Judging
from host.reference.micro import installed, open_micro
from host.reference.model import ReferenceModel
from host.reference.past import Past, digest_of
from host.reference.processor import processor
from host.reference.recent import Recent

_VERSION = "1"  # of the records
_RECENT = Recent()
_CODE = (
    "axes.py",
    "interpreter.py",
    "judging.py",
    "kept.py",
    "micro.py",
    "model.py",
    "past.py",
    "state.py",
)
# Rules -> the judge, and what identifies its package without opening it.
_JUDGES: dict[str, tuple[Callable[[bytes], Judge], Callable[[], object]]] = {
    "tflite": (ReferenceModel, package),
    "tflm": (open_micro, installed),
}


@dataclass(frozen=True)
class Summary:
    """A tensor without its values: CRC-32 (zlib's) of its bytes as on a board, type and shape."""

    digest: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, tensor: Array) -> "Summary":
        return cls(digest((tensor,)), tensor.dtype, tensor.shape)

    @property
    def bytes(self) -> int:
        """How many the tensor has."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


@dataclass(frozen=True, eq=False)
class Recalled:
    """What the reference gave, by index of the tensor: every summary, the outputs whole."""

    tensors: Mapping[int, Summary]
    outputs: Mapping[int, Array]


@dataclass(frozen=True)
class Ports:
    """What the judge says about a model."""

    description: str
    loaded: str
    inputs: tuple[ReferenceTensor, ...]
    outputs: tuple[ReferenceTensor, ...]


def digest(tensors: Sequence[Array]) -> int:
    """CRC-32 (zlib's) of the little-endian bytes of tensors, one behind the other."""
    value = 0
    for tensor in tensors:
        value = zlib.crc32(to_bytes(tensor), value)
    return value


def to_bytes(tensor: Array) -> bytes:
    """The bytes of a tensor as they lie on a board: row-major, little endian."""
    return np.ascontiguousarray(tensor, dtype=tensor.dtype.newbyteorder("<")).tobytes()


class KeptReference:
    """The judge of `rules` for one model. `opened` says whether it had to be loaded.

    rules: "tflite", the pinned TFLite's reference kernels, or "tflm", tflite-micro's interpreter.
    Neither stands in for the other. judging: who judges other rules, as those of a generated network;
    what is judged is then not the model but the judge's own.

    Raises:
        BadInput: nobody judges these rules; or, when it is opened, the judge cannot run the model.
        HostFailure: the judge is not installed.
    """

    def __init__(self, model: bytes, rules: str, judging: Judging | None = None) -> None:
        self._judging = _judging(model, rules) if judging is None else judging
        self._judge: Judge | None = None
        identity = _identity(self._judging.identity)
        self._key = key_of(_VERSION, identity, rules, self._judging.content)
        self._ports_key = key_of("ports", self._key)

    @property
    def opened(self) -> bool:
        return self._judge is not None

    @functools.cached_property
    def ports(self) -> Ports:
        """From the record, or else of the judge itself."""
        raw = EXPECTATIONS.read(self._ports_key) if self._judge is None else None
        if raw is not None:
            return _ports(json.loads(raw))
        ports = _ports_of(self._open())
        EXPECTATIONS.write(self._ports_key, json.dumps(asdict(ports), default=_plain).encode())
        return ports

    @property
    def description(self) -> str:
        """Package, version and resolver of the reference kernels."""
        return self.ports.description

    @property
    def loaded(self) -> str:
        """How the judge was loaded: "interpreter", or "tensorflow" where it does not load alone."""
        return self.ports.loaded

    @property
    def inputs(self) -> tuple[ReferenceTensor, ...]:
        return self.ports.inputs

    @property
    def outputs(self) -> tuple[ReferenceTensor, ...]:
        return self.ports.outputs

    def run(self, inputs: Sequence[Array], past: Past | None = None) -> dict[int, Array]:
        """One inference by the judge itself, and a record of it; as `ReferenceModel.run`."""
        tensors = self._open().run(list(inputs), past)
        _RECENT.keep(self._run_key(inputs, past), tensors)
        if not any(tensor.dtype.hasobject for tensor in tensors.values()):
            kept = {port.tensor for port in self.outputs}
            record = {
                "tensors": [[i, *_described(t), digest((t,))] for i, t in tensors.items()],
                "outputs": {
                    i: base64.b64encode(to_bytes(t)).decode()
                    for i, t in tensors.items()
                    if i in kept
                },
            }
            EXPECTATIONS.write(self._run_key(inputs, past), json.dumps(record).encode())
        return tensors

    def tensors(self, inputs: Sequence[Array], past: Past | None = None) -> dict[int, Array]:
        """What `run` gives or, in this process, has given a short while ago for this step of the same model."""
        found = _RECENT.find(self._run_key(inputs, past))
        return self.run(inputs, past) if found is None else found

    def recall(self, inputs: Sequence[Array], past: Past | None = None) -> Recalled | None:
        """What is kept of `run` with these inputs."""
        raw = EXPECTATIONS.read(self._run_key(inputs, past))
        if raw is None:
            return None
        record = json.loads(raw)
        tensors = {
            index: Summary(value, np.dtype(dtype), tuple(shape))
            for index, dtype, shape, value in record["tensors"]
        }
        outputs = {
            int(index): _array(base64.b64decode(text), tensors[int(index)])
            for index, text in record["outputs"].items()
        }
        return Recalled(tensors, outputs)

    def forget(self, inputs: Sequence[Array], past: Past | None = None) -> None:
        """Drop what is kept of `run` with these inputs."""
        EXPECTATIONS.drop(self._run_key(inputs, past))

    def _open(self) -> Judge:
        if self._judge is None:
            self._judge = self._judging.open()
            remembered = self.__dict__.get("ports")
            if remembered not in (None, _ports_of(self._judge)):
                EXPECTATIONS.drop(self._ports_key)
                raise HostFailure(
                    "what was kept of this model's ports is not what its reference says",
                    evidence=f"kept: {remembered}",
                    next_step="run it again: the record is gone",
                )
        return self._judge

    def key_of_more(self, what: str, inputs: Sequence[Array], past: Past | None = None) -> str:
        """The key of something else that is kept about a run with these inputs."""
        return key_of(what, self._run_key(inputs, past))

    def _run_key(self, inputs: Sequence[Array], past: Past | None) -> str:
        parts = [part for one in inputs for part in (repr(_described(one)), to_bytes(one))]
        return key_of("run", self._key, digest_of(past), *parts)


def _judging(model: bytes, rules: str) -> Judging:
    """Who judges a model by `rules`.

    Raises:
        BadInput: nobody does.
        HostFailure: the judge is not installed.
    """
    if rules not in _JUDGES:
        raise BadInput(
            "nobody judges these rounding rules",
            evidence=f"Received: {rules!r}, and not one of {', '.join(_JUDGES)}",
            next_step="generate the project again with `nightjar generate`",
        )
    load, package_of = _JUDGES[rules]
    return Judging(lambda: load(model), sha256_bytes(model), repr(package_of()))


@functools.cache
def _identity(package: str) -> str:
    """Whose numbers these are; `package` tells the judge's."""
    folder = Path(__file__).parent
    libc = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else ""
    return key_of(
        package,
        os.uname().machine,
        processor(),
        libc or "",
        np.__version__,
        *((folder / name).read_bytes() for name in _CODE),
    )


def _described(tensor: Array) -> tuple[str, list[int]]:
    return tensor.dtype.newbyteorder("<").str, list(tensor.shape)


def _array(data: bytes, like: Summary) -> Array:
    wire = np.frombuffer(data, like.dtype.newbyteorder("<")).reshape(like.shape)
    return wire.astype(like.dtype)


def _plain(value: Any) -> str:
    assert isinstance(value, np.dtype)
    return str(value.str)


def _ports_of(judge: Judge) -> Ports:
    return Ports(judge.description, judge.loaded, tuple(judge.inputs), tuple(judge.outputs))


def _ports(raw: dict[str, Any]) -> Ports:
    def tensors(listed: list[dict[str, Any]]) -> tuple[ReferenceTensor, ...]:
        return tuple(
            ReferenceTensor(
                **{**one, "shape": tuple(one["shape"]), "dtype": np.dtype(one["dtype"])}
            )
            for one in listed
        )

    return Ports(raw["description"], raw["loaded"], tensors(raw["inputs"]), tensors(raw["outputs"]))
