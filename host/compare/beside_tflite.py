"""The second comparison of a network on the NPU: its tensors that are the model's, beside TFLite's reference.

Where every tensor of the board equals the executor's, the executor's are taken: nothing is asked of the board again.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from host.compare.expect import Oracle
from host.compare.network_cause import check_constants
from host.compare.networks import JudgedNetwork
from host.compare.session import Session
from host.compare.vectors import make_vectors
from host.contract import NpuBudget
from host.errors import BadInput
from host.npu.comparison.compare import Comparison, LayerComparison, compare
from host.npu.comparison.executed import Executed
from host.npu.comparison.layouts import as_model
from host.npu.compiler.model import CompiledModel, compile_model
from host.report.tflite import TfliteLayer, TfliteVerdict
from host.report.verdict import Verdict
from model_gen.codegen.neural_art.output_folder import Output, read_output
from model_gen.codegen.neural_art.proof import check_npu
from model_gen.codegen.neural_art.provenance import identify
from model_gen.codegen.tflite.graph import Array

Vectors = Sequence[Sequence[Array]]


def beside_tflite(session: Session, verdict: Verdict) -> Verdict:
    """An exact verdict on the NPU with what TFLite makes of its vectors; any other as it is.

    Raises:
        IdentityFailure: the project's network was compiled from another model, or the ELF holds other constants than
            the network's, which no vector has shown.
    """
    network = session.network
    if network is None or not verdict.exact:
        return verdict
    check_constants(session.project.elf, network.generated.images)
    try:
        return replace(verdict, tflite=_compared(session, network))
    except BadInput as error:
        reason = error.what + (f" ({error.evidence})" if error.evidence else "")
        return replace(verdict, tflite_reason=reason)


def _compared(session: Session, network: JudgedNetwork) -> TfliteVerdict:
    content, code = session.subject.model, network.generated.code
    output = read_output(code.path.parent)
    check_npu(output)
    # Before anything that may give up: a network of another model is refused, whether or not it can be compared.
    statement = identify(output, content, reordered=True).statement
    model = compile_model(content, code.dialect)
    board = network.generated.board  # where the tensors were computed that the board's are equal to
    with closing(Executed(code.path, output, model, statement, board=board)) as side:
        found = compare(side, content, _vectors(session, network, side, model))
    if not found.observed:
        raise BadInput("no tensor of the model lies in the NPU's memory as such")
    contract = session.subject.contract
    budget = None if contract is None else contract.npu_budget
    remark = "" if budget is None else _other_compiler(budget, output, model)
    steps = {} if budget is None or remark else {op: one.steps for op, one in budget.layers.items()}
    return TfliteVerdict(
        reference=found.reference,
        statement=statement,
        layers=tuple(_layer(layer, steps) for layer in found.observed),
        unseen=_unseen(found),
        remark=remark,
    )


def _layer(layer: LayerComparison, budget: Mapping[str, int]) -> TfliteLayer:
    return TfliteLayer(
        op=layer.op,
        name=layer.name,
        tensor=layer.place.name,
        epoch=layer.place.epoch,
        steps=layer.forced.largest,
        budget=budget.get(str(layer.op), 0),
        cause="" if layer.cause is None else f"{layer.cause.text}: {layer.cause.evidence}",
    )


def _unseen(found: Comparison) -> tuple[int, ...]:
    return tuple(dict.fromkeys(one.op for one in found.not_judged if not one.observed))


def _other_compiler(budget: NpuBudget, output: Output, model: CompiledModel) -> str:
    """Why a budget is of another compiler than the network; "" where it is of this one."""
    if budget.dialect == model.dialect.name:
        return ""
    made = "" if output.network is None else f", compiler {output.network.compiler}"
    return (
        f"the bundle's budgets are for dialect {budget.dialect} ({budget.tool}), and the network is of dialect"
        f" {model.dialect.name}{made}: they count for nothing here"
    )


def _vectors(
    session: Session, network: JudgedNetwork, side: Executed, model: CompiledModel
) -> Vectors:
    """The session's inputs in the model's order and form.

    Raises:
        BadInput: one does not lie in the NPU's memory as the model has it.
    """
    rules, ports = session.project.description.rules, session.project.description.inputs
    oracle = Oracle(session.subject, session.structure, rules, judging=network.judging)
    subject = (session.subject, ports, session.vectors, session.seed, session.given)
    names = [port.name for port in oracle.reference.inputs]
    made = []
    for vector in make_vectors(*subject):
        given = dict(zip(names, oracle.inputs_of(vector)[1], strict=True))
        tensors: dict[int, Array] = {}
        for buffer, index in side.ports:
            wanted = model.graph.tensors[index]
            value = as_model(
                given[buffer.name].reshape(buffer.memory_shape), buffer.layout, wanted.shape
            )
            if value is None:
                raise BadInput(f"input {buffer.name} does not lie in memory as the model has it")
            tensors[index] = value
        made.append([tensors[index] for index in model.graph.inputs])
    return made
