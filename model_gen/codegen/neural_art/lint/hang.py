"""R5: patterns of generated code that were reported to hang, and one that was and does not."""

from collections.abc import Iterator

from model_gen.codegen.neural_art.lint.finding import CODE, INFERRED, PROVED, Hit, Remedy, rule
from model_gen.codegen.neural_art.lint.subject import Subject


@rule(
    "R5",
    "activation-before-convolution",
    "error",
    reads=CODE,
    says="An activation unit feeds a convolution unit within an epoch: reported to wait for ever "
    "on boards.",
    mend="write the activation as RELU or RELU6, which are free; or generate with --force-all-in-"
    "out-to-mem or another version, so that the two are in different epochs",
)
def activation_before_convolution(subject: Subject, _: None) -> Iterator[Hit]:
    for link in () if subject.code is None else subject.code.links:
        if link.source.startswith("ACTIV ") and link.target.startswith("CONVACC "):
            yield Hit(
                f"epoch {link.epoch}, line {link.line}",
                f"{link.source} feeds {link.target}",
                INFERRED,
                "network.c, its switch",
                None,
                (Remedy(activation_before_convolution.mend),),
            )


@rule(
    "R5",
    "stride-two-mode",
    "note",
    reads=CODE,
    says="A convolution runs in the stride-2 speed mode (dss2mode), which was suspected to hang. "
    "It changes no byte; a network of silicon's known bytes has it.",
    mend="nothing",
)
def stride_two_mode(subject: Subject, _: None) -> Iterator[Hit]:
    for record in () if subject.code is None else subject.code.records("convacc"):
        if record.integer("dss2mode"):
            yield Hit(
                f"{record.node}, epoch {record.epoch}, line {record.line}",
                "dss2mode = 1",
                PROVED,
                "network.c",
            )
