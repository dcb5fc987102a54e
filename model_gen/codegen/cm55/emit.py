"""What the templates print: every decision and every number made here, as text."""

from collections.abc import Iterator

import numpy as np

from model_gen.codegen import c_text
from model_gen.codegen.c_text import Text
from model_gen.codegen.cm55.lower import Program, Step
from model_gen.codegen.cm55.ops.registry import (
    Argument,
    Constants,
    Field,
    InputPointer,
    InputPointers,
    OutputPointer,
    Parameters,
    ParametersPointer,
    ScratchPointer,
    Unpacked,
)
from model_gen.codegen.cm55.plan import Plan, aligned, scratch_key
from model_gen.codegen.cm55.texts import (
    Arrays,
    ModelText,
    ParametersText,
    PlaceText,
    PointersText,
    StepText,
    VariableText,
)
from model_gen.codegen.templates import render
from model_gen.codegen.tflite.graph import State, Tensor, last_part

KERNELS_API = 2
MODEL_API = 3


class Emitter:
    """Turns a program and its plan into the templates' context."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self._program = program
        self._plan = plan
        self._arrays = Arrays()
        self._writers = {v.output.index: v.op.index for v in program.resolved.views}
        self._states, self._state_bytes = state_offsets(program)

    def model(self, *, model_sha256: str, contract_sha256: str, chunk_samples: int) -> ModelText:
        """The whole context; hashes in hex, `chunk_samples` 0 without a frontend."""
        graph = self._program.resolved.graph
        steps = tuple(self._step(step) for step in self._program.steps)
        inputs = tuple(self._place(self._program.tensors[i]) for i in graph.inputs)
        outputs = tuple(self._place(self._program.tensors[i]) for i in graph.outputs)
        taps = tuple(self._tap(self._program.tensors[t]) for t in observed(self._program))
        variables = tuple(self._variable(state) for state in graph.states)
        if not steps:
            nothing = c_text.comment("nothing to compute")
            steps = (StepText(0, nothing, (), None, ()),)
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
            variables=variables,
            state_bytes=self._state_bytes,
            model_sha256=hash_bytes(model_sha256),
            contract_sha256=hash_bytes(contract_sha256),
            backend=c_text.string("cm55"),
            rounding=c_text.string(
                " ".join(f"{op}={rule}" for op, rule in self._program.rounding().items())
            ),
            constants=dict(self._arrays.bytes_by_op),
        )

    def _step(self, step: Step) -> StepText:
        self._arrays.op = step.view.op.index
        base = c_text.code("nj_op{}", step.view.op.index)
        if step.view.position:
            base = c_text.code("{}_{}", base, step.view.position)
        structs = []
        if step.kernel.parameters is not None:
            structs.append(self._struct(step, base, step.kernel.parameters))
        pointers = None
        if any(isinstance(a, InputPointers) for a in step.kernel.arguments):
            places = tuple(self._pointer(t) for t in step.view.inputs if t is not None)
            pointers = PointersText(c_text.code("{}_inputs", base), places)
        output = step.view.output
        comment = c_text.comment(
            f"Op {step.view.op.index}, {step.view.op.name}: "
            f"{last_part(output.name)} {list(output.shape)}"
        )
        calls = [self._call(step, base, image) for image in range(step.kernel.images)]
        unpacking = step.kernel.unpacking
        if unpacking is not None:
            packed = c_text.code("{}_packed", base)
            structs.append(self._struct(step, packed, unpacking.parameters))
            place = self._scratch(step, unpacking.weights.offset)
            calls.insert(0, c_text.code("nj_unpack_s8(&{}, {});", packed, place))
        return StepText(step.number, comment, tuple(structs), pointers, tuple(calls))

    def _struct(self, step: Step, name: Text, parameters: Parameters) -> ParametersText:
        fields = tuple(self._fields(step, name, parameters))
        return ParametersText(c_text.identifier(parameters.struct), name, fields)

    def _scratch(self, step: Step, offset: int = 0) -> Text:
        return c_text.code("nj_arena + {}", self._plan.offsets[scratch_key(step.number)] + offset)

    def _call(self, step: Step, base: Text, image: int) -> Text:
        arguments = c_text.joined(
            ", ", (self._argument(step, base, a, image) for a in step.kernel.arguments)
        )
        return c_text.code("{}({});", c_text.identifier(step.kernel.function), arguments)

    def _fields(self, step: Step, base: Text, parameters: Parameters) -> Iterator[Text]:
        for name, value in parameters.fields:
            field = c_text.identifier(name)
            if isinstance(value, Unpacked):
                initializer = self._scratch(step, value.offset)
            else:
                initializer = self._field(c_text.code("{}_{}", base, field), value)
            yield c_text.code(".{} = {},", field, initializer)

    def _field(self, name: Text, value: Field | tuple[str, int]) -> Text:
        assert not isinstance(value, Unpacked), "only a field itself is weights"
        if isinstance(value, Constants):
            return self._arrays.add(name, value)
        if isinstance(value, int):
            return c_text.integer(value)
        if isinstance(value, str):
            return c_text.constant(value)
        if len(value) == 2 and isinstance(value[0], str):
            inner = self._field(name, value[1])
            return c_text.code(".{} = {}", c_text.identifier(value[0]), inner)
        items = c_text.joined(", ", (self._field(name, item) for item in value))
        return c_text.code("{{}}", items)

    def _argument(self, step: Step, base: Text, argument: Argument, image: int) -> Text:
        if isinstance(argument, str):
            return c_text.constant(argument)
        if isinstance(argument, ParametersPointer):
            return c_text.code("&{}", base)
        if isinstance(argument, InputPointers):
            return c_text.code("{}_inputs", base)
        if isinstance(argument, Constants):
            return self._arrays.add(c_text.code("{}_table", base), argument)
        if isinstance(argument, ScratchPointer):
            if not step.kernel.scratch:
                return c_text.integer(0)
            return self._scratch(step)
        if isinstance(argument, OutputPointer):
            output = step.view.output
            return self._pointer(output, image * (output.elements // step.kernel.images))
        assert isinstance(argument, InputPointer)
        source = step.view.input(argument.position)
        offset = argument.offset + image * (source.elements // step.kernel.images)
        return self._pointer(source, offset, behind=step.kernel.reads_behind)

    def _pointer(self, tensor: Tensor, offset: int = 0, behind: int = 0) -> Text:
        """Where a tensor lies, `offset` elements further, as a pointer to its C type."""
        place = self._address(tensor, behind)
        if offset:
            place = c_text.code("{} + {}", place, offset * (tensor.bytes // tensor.elements))
        if tensor.dtype == "float32":
            if tensor.value is not None:
                return c_text.code("(const float *)(const void *)({})", place)
            return c_text.code("(float *)(void *)({})", place)
        if tensor.dtype in ("int32", "int64"):  # written, by ARG_MAX and ARG_MIN, in words
            return c_text.code("(int32_t *)(void *)({})", place)
        return place

    def _address(self, tensor: Tensor, behind: int = 0) -> Text:
        """A tensor's first byte: in the arena, or in a constant array of bytes with room `behind` it that is read."""
        storage = self._program.storage.get(tensor.index)
        if storage in self._states:
            return c_text.code("nj_state_now + {}", self._states[storage])
        if storage is not None:
            offset = self._plan.offsets[storage]
            return c_text.code("nj_arena + {}", offset)
        assert tensor.value is not None
        data = np.frombuffer(tensor.value.tobytes(), np.int8)
        name = c_text.code("nj_tensor{}", tensor.index)
        if behind:
            name = c_text.code("{}_and_behind", name)
            data = np.append(data, np.zeros(behind, np.int8))
        return self._arrays.add(name, Constants("int8_t", data))

    def _place(self, tensor: Tensor) -> PlaceText:
        self._arrays.op = self._writers.get(tensor.index)
        address = self._address(tensor)
        if tensor.value is not None:
            # Constant; nothing writes through a tap.
            address = c_text.code("(void *)(uintptr_t){}", address)
        return PlaceText(address, tensor.bytes, c_text.comment(last_part(tensor.name)))

    def _variable(self, state: State) -> VariableText:
        tensor = self._program.tensors[state.tensor]
        self._arrays.op = None
        data = np.frombuffer(state.first.tobytes(), np.int8)
        even = bool((data == data[0]).all())
        first = c_text.integer(0)
        if not even:
            name = c_text.code("nj_first{}", state.tensor)
            first = self._arrays.add(name, Constants("int8_t", data))
        return VariableText(
            offset=self._states[state.tensor],
            bytes=tensor.bytes,
            first=first,
            fill=int(data[0]) if even else 0,
            comment=c_text.comment(last_part(tensor.name)),
        )

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
    if key in program.resolved.graph.kept:
        return kept_step(program, key), steps - 1
    return max(plan.blocks[key].first, 0), plan.last_step(key, steps)


def observed(program: Program) -> list[int]:
    """The op outputs that the firmware can show, by rising step, then by op: all that are computed on the board, and
    constants that are model outputs. An op's own state is one, too; what is assigned to a variable is shown where it
    comes from, and where it is read in the next inference."""
    graph = program.resolved.graph
    outputs = set(graph.outputs)
    numbers = {step.view.output.index: step.number for step in program.steps}
    found = []
    for view in program.resolved.views:
        index = view.output.index
        if index in graph.kept:
            continue
        if index in program.storage:
            found.append((numbers.get(program.storage[index], 0), view.op.index, index))
        elif index in outputs:
            found.append((0, view.op.index, index))
    for state in graph.states:
        if state.own:
            step = kept_step(program, state.tensor)
            found.append((step, program.steps[step].view.op.index, state.tensor))
    return [index for _, _, index in sorted(found)]


def kept_step(program: Program, state: int) -> int:
    """The last step that reads or writes an op's own state: its content is that which the next inference finds."""
    return max(
        (
            step.number
            for step in program.steps
            for tensor in step.view.inputs
            if tensor is not None and program.storage.get(tensor.index) == state
        ),
        default=0,
    )


def state_offsets(program: Program) -> tuple[dict[int, int], int]:
    """Where each state lies among all of them, by its tensor; and the bytes of them all."""
    offsets, end = {}, 0
    for state in program.resolved.graph.states:
        offsets[state.tensor] = end
        end += aligned(program.tensors[state.tensor].bytes)
    return offsets, end


def hash_bytes(hexadecimal: str) -> Text:
    return c_text.joined(", ", (c_text.constant(f"0x{b:02x}") for b in bytes.fromhex(hexadecimal)))


def render_model(text: ModelText, banner: Text) -> dict[str, str]:
    """File name -> text of nj_model.c, nj_weights.c and nj_weights.h."""
    names = ("nj_model.c", "nj_weights.c", "nj_weights.h")
    return {name: render(name, model=text, banner=banner) for name in names}
