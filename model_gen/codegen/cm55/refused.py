"""What a model that backend cm55 does not take is made of: its ops, and everything that is in the way."""

from dataclasses import dataclass

from model_gen.codegen.cm55.compile import BACKEND, lower_model
from model_gen.codegen.cm55.report import OpReport
from model_gen.codegen.tflite.findings import Finding, Findings
from model_gen.codegen.tflite.graph import ITEM_BYTES

REFUSED = "REFUSED"  # as the kernel of an op


@dataclass(frozen=True)
class RefusedReport:
    """The ops as of a model that is taken, shapes of what is behind a refused one as the file says; and why."""

    ops: tuple[OpReport, ...]
    findings: tuple[Finding, ...]


def refused_report(model: bytes, *, rounding: str = "tflite") -> RefusedReport:
    """The report; without findings where nothing of a single op is in the way.

    Raises:
        BadInput: the file is not a model.
    """
    findings = Findings(BACKEND)
    program = lower_model(model, rounding, findings)
    steps = {step.view.output.index: step for step in program.steps}
    ops = []
    for op in program.resolved.graph.ops:
        for index in op.outputs:
            tensor, step = program.tensors[index], steps.get(index)
            idle = "alias" if index in program.storage else "folded"
            ops.append(
                OpReport(
                    index=op.index,
                    name=op.name,
                    tensor=tensor.name,
                    shape=tensor.shape,
                    dtype=tensor.dtype,
                    kernel=REFUSED
                    if op.index in findings.refused
                    else idle
                    if step is None
                    else step.kernel.function,
                    rule=None if step is None else step.kernel.rule,
                    macs=0 if step is None else step.kernel.macs,
                    bytes=tensor.bytes if tensor.dtype in ITEM_BYTES else 0,
                    constant_bytes=0,
                    step=None,
                )
            )
    return RefusedReport(tuple(ops), findings.grouped())
