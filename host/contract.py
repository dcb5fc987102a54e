"""The contract of a bundle: everything that host and board must agree on, besides the model's bytes."""

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

from host.errors import BadInput, IdentityFailure
from host.frontend_contract import FrontendContract
from host.reading import load_json
from host.typed import typed

SCHEMA = "nightjar/bundle/1"
# The contract's own hash within it: of all its bytes, with zeros in the place of the hash.
_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"')
_AGAIN = "make the bundle again with `nightjar quantize`"
_NO_SEAL = b'"seal": "' + b"0" * 64 + b'"'

ACTIVATIONS = ("none", "sigmoid", "softmax")
FILE = re.compile(r"[^/.][^/]{0,254}")
MOST_AXES = 8
MOST_ELEMENTS = 1 << 28  # of a model input or output; above any board's memory


@dataclass(frozen=True)
class TensorContract:
    """Shape, type and quantization of a model input or output: real = scale * (step - zero_point)."""

    shape: tuple[int, ...]
    dtype: str  # int8 | float32
    scale: float
    zero_point: int


@dataclass(frozen=True)
class NpuLayerBudget:
    """How many steps a layer of the NPU may differ from TFLite's by, and why."""

    steps: int
    cause: str


@dataclass(frozen=True)
class NpuBudget:
    """What `nightjar npu --budget` found: for the compiler of a dialect, told by a tool.

    `layers` are those that may differ, by the index of their op; every other one may not.
    """

    dialect: str
    tool: str
    layers: dict[str, NpuLayerBudget]

    def lines(self) -> list[str]:
        """What every report says of it: ops of the same budget in one line, the largest first."""
        alike: dict[tuple[int, str], list[int]] = {}
        for op, layer in self.layers.items():
            alike.setdefault((-layer.steps, layer.cause), []).append(int(op))
        return [
            f"op {', '.join(map(str, sorted(ops)))}: at most {-steps} step"
            f"{'s' if steps < -1 else ''}, {cause}"
            for (steps, cause), ops in sorted(alike.items())
        ]


@dataclass(frozen=True)
class Contract:
    """What `model.json` says."""

    frontend: FrontendContract
    labels: tuple[str, ...]
    output_activation: (
        str  # what the host applies to the model's dequantized output: none | sigmoid | softmax
    )
    input: TensorContract
    output: TensorContract
    rounding: dict[str, str]  # op name -> single | double
    files: dict[str, str]  # file of the bundle -> SHA-256
    tools: dict[str, str]  # tool -> version
    quality: dict[str, Any] = field(default_factory=dict)  # gates and what they measured
    npu_budget: NpuBudget | None = None  # of backend neural_art against TFLite; None: 0 everywhere

    def to_json(self) -> bytes:
        """The bytes of `model.json`; the same contract always gives the same bytes."""
        content = {"schema": SCHEMA, "seal": "0" * 64, **asdict(self)}
        if self.npu_budget is None:
            del content["npu_budget"]
        text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"
        seal = hashlib.sha256(text.encode()).hexdigest()
        return text.encode().replace(_NO_SEAL, f'"seal": "{seal}"'.encode())

    @classmethod
    def from_json(cls, data: bytes) -> "Contract":
        """Parse `model.json`.

        Raises:
            BadInput: when it is not JSON of this schema, or says what no bundle has.
        """
        raw = load_json(data, "model.json", next_step=_AGAIN)
        try:
            if raw.pop("schema") != SCHEMA:
                raise KeyError("schema")
            raw.pop("seal", None)
            contract = typed(cls, raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                f"model.json must follow the schema {SCHEMA}",
                evidence=f"Received: {type(error).__name__}: {error}",
                next_step=_AGAIN,
            ) from error
        _check(contract)
        return contract


def check_seal(model_json: bytes) -> None:
    """Refuse a `model.json` of which any byte is not the one that was written.

    Raises:
        IdentityFailure: it was changed, or carries no seal.
    """
    found = _SEAL.search(model_json)
    actual = hashlib.sha256(_SEAL.sub(_NO_SEAL, model_json, count=1)).hexdigest()
    if found is None or found[1].decode() != actual:
        said = "no seal in it" if found is None else f"its seal says {found[1].decode()}"
        raise IdentityFailure(
            "model.json is not the file that this bundle was made with",
            evidence=f"Received: SHA-256 {actual} apart from the seal; {said}",
            next_step="restore the file, or make the bundle again with `nightjar quantize`",
        )


def contract_sha256(model_json: bytes | None) -> str:
    """What HELLO carries as the contract's hash: of the bytes of model.json, or of nothing for a bare .tflite."""
    return hashlib.sha256(model_json or b"").hexdigest()


def _check(contract: Contract) -> None:
    """Refuse what a `model.json` may say by its types, and no bundle has.

    Raises:
        BadInput: with what was expected and what was received.
    """
    _check_tensor("input", contract.input)
    _check_tensor("output", contract.output)
    if len(contract.labels) != math.prod(contract.output.shape):
        _refuse(
            f"a contract has one label for each of its {math.prod(contract.output.shape)} outputs",
            f"{len(contract.labels)} labels",
        )
    if contract.output_activation not in ACTIVATIONS:
        _refuse(
            f"the output's activation must be one of {', '.join(ACTIVATIONS)}",
            contract.output_activation[:40],
        )
    if contract.npu_budget is not None:
        _check_budget(contract.npu_budget)
    for name in contract.files:
        if not FILE.fullmatch(name) or not name.isprintable():
            _refuse(
                "a file of a bundle lies in its folder, and begins with no dot", repr(name[:80])
            )


def _check_budget(budget: NpuBudget) -> None:
    """Refuse a budget that allows nothing, or anything, or does not say why.

    Raises:
        BadInput: with what was expected and what was received.
    """
    for op, layer in budget.layers.items():
        if not (op.isascii() and op.isdecimal() and str(int(op)) == op):
            _refuse("a budget is for an op, by its index", repr(op[:40]))
        if not 1 <= layer.steps <= 255 or not layer.cause:
            _refuse(
                "a budget is 1 to 255 steps, and names its cause",
                f"{layer.steps} steps of op {op}, cause {layer.cause[:40]!r}",
            )


def _check_tensor(name: str, tensor: TensorContract) -> None:
    """Refuse a model input or output that no model has.

    Raises:
        BadInput: with what was expected and what was received.
    """
    low, high = (-128, 127) if tensor.dtype == "int8" else (0, 0)
    if tensor.dtype not in ("int8", "float32"):
        _refuse(f"the model's {name} must be int8 or float32", tensor.dtype[:40])
    if len(tensor.shape) > MOST_AXES or any(size < 1 for size in tensor.shape):
        _refuse(f"the model's {name} has up to {MOST_AXES} sizes of at least 1", tensor.shape[:20])
    if math.prod(tensor.shape) > MOST_ELEMENTS:
        _refuse(f"the model's {name} has at most {MOST_ELEMENTS:,} elements", tensor.shape)
    if not (low <= tensor.zero_point <= high and (tensor.scale > 0 or tensor.dtype != "int8")):
        _refuse(
            f"the model's {name} has a scale above 0 and a zero point from {low} to {high}",
            f"scale {tensor.scale}, zero point {str(tensor.zero_point)[:40]}",
        )


def _refuse(what: str, received: object) -> NoReturn:
    raise BadInput(what, evidence=f"Received: {received}")
