"""What the templates print: every decision and every number made here, as text."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import numpy as np

from host.files import sha256_bytes
from model_gen.codegen.graph import Array, Tensor, short_name
from model_gen.codegen.lower import Program, Step
from model_gen.codegen.ops.registry import (
    Argument,
    Constants,
    Field,
    InputPointer,
    InputPointers,
    OutputPointer,
    Parameters,
    ParametersPointer,
    ScratchPointer,
)
from model_gen.codegen.plan import Plan, aligned, scratch_key

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
TEMPLATES = FIRMWARE / "templates"
KERNELS_API = 2
MODEL_API = 2
_COLUMNS = 100
_C_BYTES = {"int8_t": 1, "int32_t": 4, "float": 4, "double": 8, "struct nj_requant": 8}


@dataclass(frozen=True)
class ArrayText:
    """A constant array. Its lines are made when they are asked for: sizes are wanted before any text."""

    name: str
    type: str
    values: Array = field(repr=False)

    @property
    def length(self) -> int:
        return len(self.values) if self.type == "struct nj_requant" else int(self.values.size)

    @property
    def bytes(self) -> int:
        """What sizeof must give."""
        return self.length * _C_BYTES[self.type]

    @property
    def lines(self) -> list[str]:
        """`values` printed as initializers of `type`, as many a line as fit."""
        if self.type == "struct nj_requant":
            items = [f"{{{c_int(int(m))}, {c_int(int(s))}}}" for m, s in self.values]
        elif self.type in ("float", "double"):
            suffix = "f" if self.type == "float" else ""
            items = [f"{float(v).hex()}{suffix}" for v in self.values.ravel()]
        else:
            items = [c_int(int(v)) for v in self.values.ravel()]
        return _wrapped(items)


@dataclass(frozen=True)
class ParametersText:
    """A constant struct with its initializer, line by line."""

    struct: str
    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class PointersText:
    """A constant array of pointers to a step's inputs."""

    name: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class StepText:
    """One step function."""

    number: int
    comment: str
    parameters: ParametersText | None
    pointers: PointersText | None
    call: str


@dataclass(frozen=True)
class PlaceText:
    """A struct nj_place, or that of a tap with its steps."""

    data: str
    bytes: int
    comment: str
    step: int = 0
    last_step: int = 0


@dataclass(frozen=True)
class ModelText:
    """Everything of nj_model.c and nj_weights.*. `constants`: bytes of `arrays` by the op that uses them first."""

    kernels_api: int
    model_api: int
    arena_bytes: int
    arena_length: int
    staging_bytes: int
    arrays: tuple[ArrayText, ...]
    steps: tuple[StepText, ...]
    inputs: tuple[PlaceText, ...]
    outputs: tuple[PlaceText, ...]
    taps: tuple[PlaceText, ...]
    model_sha256: str
    contract_sha256: str
    backend: str
    rounding: str
    constants: dict[int, int]


@dataclass
class _Arrays:
    """Collects constant arrays; equal content is stored once, under the name of its first user."""

    found: dict[tuple[str, str], ArrayText] = field(default_factory=dict)
    bytes_by_op: dict[int, int] = field(default_factory=dict)
    op: int | None = None  # whose arrays are added now

    def add(self, name: str, constants: Constants) -> str:
        values = np.ascontiguousarray(constants.values)
        key = (constants.type, sha256_bytes(values.tobytes()))
        if key not in self.found:
            self.found[key] = ArrayText(name, constants.type, values)
            if self.op is not None:
                known = self.bytes_by_op.get(self.op, 0)
                self.bytes_by_op[self.op] = known + self.found[key].bytes
        return self.found[key].name


def c_int(value: int) -> str:
    """An int32 as a C constant of type int.

    >>> c_int(-5), c_int(-(1 << 31))
    ('-5', '(-2147483647 - 1)')
    """
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(value)


def _wrapped(items: Iterable[str]) -> list[str]:
    lines: list[str] = []
    current = ""
    for item in items:
        if current and len(current) + len(item) + 2 > _COLUMNS:
            lines.append(current)
            current = ""
        current += f"{item}," if not current else f" {item},"
    return [*lines, current] if current else lines


class Emitter:
    """Turns a program and its plan into the templates' context."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self._program = program
        self._plan = plan
        self._arrays = _Arrays()
        self._writers = {v.output.index: v.op.index for v in program.resolved.views}

    def model(self, *, model_sha256: str, contract_sha256: str, chunk_samples: int) -> ModelText:
        """The whole context; hashes in hex, `chunk_samples` 0 without a frontend."""
        graph = self._program.resolved.graph
        steps = tuple(self._step(step) for step in self._program.steps)
        inputs = tuple(self._place(self._program.tensors[i]) for i in graph.inputs)
        outputs = tuple(self._place(self._program.tensors[i]) for i in graph.outputs)
        taps = tuple(self._tap(self._program.tensors[t]) for t in observed(self._program))
        if not steps:
            steps = (StepText(0, "nothing to compute", None, None, ""),)
        return ModelText(
            kernels_api=KERNELS_API,
            model_api=MODEL_API,
            arena_bytes=self._plan.bytes,
            arena_length=max(self._plan.bytes, 1),
            staging_bytes=max(2 * chunk_samples, sum(aligned(place.bytes) for place in inputs)),
            arrays=tuple(self._arrays.found.values()),
            steps=steps,
            inputs=inputs,
            outputs=outputs,
            taps=taps,
            model_sha256=_hash_bytes(model_sha256),
            contract_sha256=_hash_bytes(contract_sha256),
            backend="cm55",
            rounding=" ".join(f"{op}={rule}" for op, rule in self._program.rounding().items()),
            constants=dict(self._arrays.bytes_by_op),
        )

    def _step(self, step: Step) -> StepText:
        self._arrays.op = step.view.op.index
        base = f"nj_op{step.view.op.index}"
        if step.view.position:
            base += f"_{step.view.position}"
        parameters = None
        if step.kernel.parameters is not None:
            parameters = ParametersText(
                step.kernel.parameters.struct,
                base,
                tuple(self._fields(base, step.kernel.parameters)),
            )
        pointers = None
        if any(isinstance(a, InputPointers) for a in step.kernel.arguments):
            places = tuple(self._pointer(t) for t in step.view.inputs if t is not None)
            pointers = PointersText(f"{base}_inputs", places)
        arguments = ", ".join(self._argument(step, base, a) for a in step.kernel.arguments)
        output = step.view.output
        comment = (
            f"Op {step.view.op.index}, {step.view.op.name}: "
            f"{comment_text(output.name)} {list(output.shape)}"
        )
        return StepText(
            step.number, comment, parameters, pointers, f"{step.kernel.function}({arguments});"
        )

    def _fields(self, base: str, parameters: Parameters) -> Iterable[str]:
        for name, value in parameters.fields:
            yield f".{name} = {self._field(f'{base}_{name}', value)},"

    def _field(self, name: str, value: Field | tuple[str, int]) -> str:
        if isinstance(value, Constants):
            return self._arrays.add(name, value)
        if isinstance(value, int):
            return c_int(value)
        if isinstance(value, str):
            return value
        if len(value) == 2 and isinstance(value[0], str):
            return f".{value[0]} = {self._field(name, value[1])}"
        return "{" + ", ".join(self._field(name, item) for item in value) + "}"

    def _argument(self, step: Step, base: str, argument: Argument) -> str:
        if isinstance(argument, str):
            return argument
        if isinstance(argument, ParametersPointer):
            return f"&{base}"
        if isinstance(argument, InputPointers):
            return f"{base}_inputs"
        if isinstance(argument, Constants):
            return self._arrays.add(f"{base}_table", argument)
        if isinstance(argument, ScratchPointer):
            if not step.kernel.scratch:
                return "0"
            return f"nj_arena + {self._plan.offsets[scratch_key(step.number)]}"
        if isinstance(argument, OutputPointer):
            return self._pointer(step.view.output)
        assert isinstance(argument, InputPointer)
        source = step.view.input(argument.position)
        return self._pointer(source, argument.offset, behind=step.kernel.reads_behind)

    def _pointer(self, tensor: Tensor, offset: int = 0, behind: int = 0) -> str:
        """Where a tensor lies, `offset` elements further, as a pointer to its C type."""
        place = self._address(tensor, behind)
        if offset:
            place = f"{place} + {offset * (tensor.bytes // tensor.elements)}"
        if tensor.dtype == "float32":
            constness = "const " if tensor.value is not None else ""
            return f"({constness}float *)({constness}void *)({place})"
        return place

    def _address(self, tensor: Tensor, behind: int = 0) -> str:
        """A tensor's first byte: in the arena, or in a constant array of bytes with room `behind` it that is read."""
        if tensor.index in self._program.storage:
            return f"nj_arena + {self._plan.offsets[self._program.storage[tensor.index]]}"
        assert tensor.value is not None
        data = np.frombuffer(tensor.value.tobytes(), np.int8)
        name = f"nj_tensor{tensor.index}"
        if behind:
            name, data = f"{name}_and_behind", np.append(data, np.zeros(behind, np.int8))
        return self._arrays.add(name, Constants("int8_t", data))

    def _place(self, tensor: Tensor) -> PlaceText:
        self._arrays.op = self._writers.get(tensor.index)
        address = self._address(tensor)
        if tensor.value is not None:
            address = f"(void *)(uintptr_t){address}"  # constant; nothing writes through a tap
        return PlaceText(address, tensor.bytes, comment_text(tensor.name))

    def _tap(self, tensor: Tensor) -> PlaceText:
        place = self._place(tensor)
        step, last = tap_steps(self._program, self._plan, tensor.index)
        return PlaceText(place.data, place.bytes, place.comment, step, last)


def tap_steps(program: Program, plan: Plan, tensor: int) -> tuple[int, int]:
    """(step after which the tensor is whole, last step after which it still is)."""
    steps = max(len(program.steps), 1)
    if tensor not in program.storage:
        return 0, steps - 1
    key = program.storage[tensor]
    return max(plan.blocks[key].first, 0), plan.last_step(key, steps)


def observed(program: Program) -> list[int]:
    """The op outputs that the firmware can show, by rising step, then by op: all that are computed on the board, and
    constants that are model outputs."""
    outputs = set(program.resolved.graph.outputs)
    numbers = {step.view.output.index: step.number for step in program.steps}
    found = []
    for view in program.resolved.views:
        index = view.output.index
        if index in program.storage:
            found.append((numbers.get(program.storage[index], 0), view.op.index, index))
        elif index in outputs:
            found.append((0, view.op.index, index))
    return [index for _, _, index in sorted(found)]


def comment_text(name: str) -> str:
    """A tensor's name that cannot end a C comment or reach another line."""
    text = "".join(c if c.isprintable() and c.isascii() else "_" for c in short_name(name))
    return text.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/")


def _hash_bytes(hexadecimal: str) -> str:
    return ", ".join(f"0x{byte:02x}" for byte in bytes.fromhex(hexadecimal))


def environment() -> jinja2.Environment:
    """Templates print; they neither compute nor forgive a missing name."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render_model(text: ModelText, banner: str) -> dict[str, str]:
    """File name -> text of nj_model.c, nj_weights.c and nj_weights.h."""
    templates = environment()
    return {
        name: templates.get_template(f"{name}.jinja").render(model=text, banner=banner)
        for name in ("nj_model.c", "nj_weights.c", "nj_weights.h")
    }
