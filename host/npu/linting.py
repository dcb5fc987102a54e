"""What `nightjar lint` is pointed at, opened: a model, what stedgeai wrote of one, or both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from host.bundle import CONTRACT, MODEL, Subject, load_subject
from host.errors import BadInput
from host.inputs import read_inputs
from host.npu.comparison.layouts import as_memory
from host.npu.comparison.vectors import Port, choose
from host.npu.compiler.constants_table import nodes_in_order, nodes_of_quantization_file
from host.npu.compiler.dialect import DIALECTS
from host.npu.compiler.model import CompiledModel, compile_model
from host.npu.network import Buffer, Network, Seen, find_code
from model_gen.codegen.neural_art.lint import subject as linted
from model_gen.codegen.neural_art.lint.network import Code, read_code
from model_gen.codegen.neural_art.manifest import BUNDLE, GENERATED, is_written, read_written
from model_gen.codegen.neural_art.network_source import MARK
from model_gen.codegen.neural_art.output_folder import Output, read_output
from model_gen.codegen.neural_art.provenance import identify
from model_gen.codegen.tflite.graph import Array

NEWEST = list(DIALECTS)[-1]
_DRAWN = 2  # inputs made up where there are none
_SEED = 0
_HEAD = 1 << 22  # bytes of a file in which the mark of generated code is looked for


@dataclass(frozen=True, eq=False)
class Opened:
    """What the rules look at, and how it was come by.

    Attributes:
        subject: for the rules.
        kind: "model" or "network.c".
        source: where the inputs are from.
        identity: how network.c is known for the model's; empty where there is no such question.
        executor: why the executor did not run though there were inputs; empty otherwise.
    """

    subject: linted.Subject
    kind: str
    source: str
    identity: str = ""
    executor: str = ""


def open_target(
    target: Path,
    *,
    model: Path | None = None,
    inputs: Path | None = None,
    dialect: str | None = None,
    count: int | None = None,
) -> Opened:
    """Open what is to be linted.

    Args:
        target: a .tflite, a bundle, a network.c, or a folder that stedgeai or `nightjar generate
            --backend neural_art` wrote.
        model: beside a network.c: the model that it was compiled from, where it is not with it.
        inputs: a file as `host.inputs` describes it.
        dialect: of a model; None for the newest. A network.c has its own.
        count: of inputs; None for all that are given.

    Raises:
        BadInput: something is missing, damaged or does not fit.
        IdentityFailure: the network was compiled from another model.
    """
    if _is_model(target):
        if model is not None:
            raise BadInput(
                "--model is for a folder of generated code",
                evidence=f"Received: {target}, a model itself",
                next_step="leave it out",
            )
        return _model(load_subject(target), dialect or NEWEST, inputs, count)
    if dialect is not None:
        raise BadInput(
            "--dialect is for a model: a network.c says of which it is",
            evidence=f"Received: --dialect {dialect} with {target}",
            next_step="leave it out",
        )
    return _network(target, model, inputs, count)


def _is_model(target: Path) -> bool:
    if target.is_dir():
        return (target / CONTRACT).exists()
    if target.is_file():
        with target.open("rb") as file:
            return MARK.encode() not in file.read(_HEAD)
    return True  # that it is absent is said where a model is


def _model(subject: Subject, dialect: str, inputs: Path | None, count: int | None) -> Opened:
    compiled = compile_model(subject.model, dialect)
    given, source, data = _inputs(subject, compiled, inputs, count)
    contract = subject.contract
    budget = None if contract is None else contract.npu_budget
    pins = {} if budget is None else {"the bundle's npu_budget": budget.dialect}
    made = linted.Subject(model=compiled, content=subject.model, inputs=given, data=data, pins=pins)
    return Opened(made, "model", source)


def _inputs(
    subject: Subject, compiled: CompiledModel, inputs: Path | None, count: int | None
) -> tuple[tuple[tuple[Array, ...], ...], str, str]:
    """The inputs, where they are from, and whether they are real."""
    real = inputs is not None or subject.vectors() is not None
    wanted = count if real else count or _DRAWN
    chosen = choose(subject, compiled.graph, inputs=inputs, count=wanted, seed=_SEED)
    return chosen.vectors, chosen.source, linted.REAL if real else linted.MADE_UP


def _network(target: Path, model: Path | None, inputs: Path | None, count: int | None) -> Opened:
    written = read_written(target) if target.is_dir() and is_written(target) else None
    path = find_code(target if written is None else target / GENERATED)
    code = read_code(path)
    folder = target if written is not None else path.parent
    found = model or _own_model(folder)
    pins = {}
    if written is not None and isinstance(written.manifest.get("dialect"), str):
        pins["neural_art.json"] = str(written.manifest["dialect"])
    if found is None:
        seen, given, why = _executed_alone(path, inputs, count)
        data = linted.REAL if given else linted.MADE_UP
        made = linted.Subject(code=code, inputs=given, data=data, seen=seen, pins=pins)
        return Opened(made, "network.c", inputs.name if inputs else "none", executor=why)
    output = read_output(folder) if written is None else written.output
    if output.network_name != path.name:
        raise BadInput(
            "a model is held against the one network of its folder",
            evidence=f"Received: {path.name} beside {output.network_name}",
            next_step="put each network into a folder of its own",
        )
    return _both(code, output, load_subject(found), inputs, count, pins)


def _own_model(folder: Path) -> Path | None:
    """The model that lies with the network; None where there is none, or more than one."""
    for own in (folder / BUNDLE, folder / MODEL):
        if own.exists():
            return own
    found = sorted(folder.glob("*.tflite"))
    return found[0] if len(found) == 1 else None


def _both(
    code: Code,
    output: Output,
    subject: Subject,
    inputs: Path | None,
    count: int | None,
    pins: dict[str, str],
) -> Opened:
    identity = identify(output, subject.model)
    compiled = compile_model(subject.model, code.generated.dialect)
    given, source, data = _inputs(subject, compiled, inputs, count)
    if output.c_info is not None:
        pins["c_info"] = output.c_info.dialect.name
    contract = subject.contract
    if contract is not None and contract.npu_budget is not None:
        pins["the bundle's npu_budget"] = contract.npu_budget.dialect
    seen: tuple[Seen, ...] = ()
    why = ""
    if data == linted.REAL:
        seen, why = _executed(code.generated.path, given)
    made = linted.Subject(
        model=compiled,
        content=subject.model,
        code=code,
        inputs=given,
        data=data,
        seen=seen,
        nodes=_nodes(code, output, compiled),
        pins=pins,
    )
    return Opened(made, "network.c", source, identity.statement, why)


def _nodes(code: Code, output: Output, compiled: CompiledModel) -> Mapping[int, str]:
    """The node of each op: as a file tells, else in order, where the numbers are the same."""
    if output.quantization is not None:
        return nodes_of_quantization_file(output.quantization)
    try:
        return nodes_in_order(code.generated.text, compiled)
    except BadInput:
        return {}


def _executed(path: Path, inputs: Sequence[tuple[Array, ...]]) -> tuple[tuple[Seen, ...], str]:
    """What the executor sees of each unit on the inputs, or why it does not run."""
    try:
        with Network.open(path) as network:
            runs = [
                network.run([_placed(b, v) for b, v in zip(network.inputs, one, strict=True)])
                for one in inputs
            ]
    except BadInput as error:
        return (), f"{error.what}; {error.evidence}"
    return tuple(_joined([run.seen for run in runs])), ""


def _executed_alone(
    path: Path, inputs: Path | None, count: int | None
) -> tuple[tuple[Seen, ...], tuple[tuple[Array, ...], ...], str]:
    """The same without a model: the inputs are as the network's buffers, batch first."""
    if inputs is None:
        return (), (), ""
    with Network.open(path) as network:
        ports = [Port(b.name, b.shape, b.dtype) for b in network.inputs]
        given = tuple(tuple(one) for one in read_inputs(inputs, ports))[:count]
    seen, why = _executed(path, given)
    return seen, given, why


def _placed(buffer: Buffer, value: Array) -> Array:
    placed = as_memory(value, buffer.layout, buffer.memory_shape)
    if placed is None:
        raise BadInput(
            f"input {buffer.name} is {buffer.dtype} {list(buffer.shape)}",
            evidence=f"Received: {value.dtype} {list(value.shape)}",
            next_step="compile the network with the shape and type of the model's input",
        )
    return placed


def _joined(runs: Sequence[Sequence[Seen]]) -> list[Seen]:
    """One entry a unit and epoch over all runs."""
    made: dict[tuple[int, str], Seen] = {}
    for seen in (one for run in runs for one in run):
        key = (seen.epoch, seen.unit)
        old = made.get(key, Seen(seen.epoch, seen.unit, 0, 0, 0, 0))
        made[key] = Seen(
            seen.epoch,
            seen.unit,
            old.results + seen.results,
            old.ties + seen.ties,
            old.saturated + seen.saturated,
            max(old.peak, seen.peak),
        )
    return list(made.values())
