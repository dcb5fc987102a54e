"""R7: large tensors of float32 that the processor computes."""

from collections.abc import Iterator

from host.npu.compiler.layer import SOFTWARE
from model_gen.codegen.neural_art.compilation import SOFTWARE as SOFTWARE_EPOCH
from model_gen.codegen.neural_art.lint.finding import BOTH, MEASURED, Hit, Remedy, rule
from model_gen.codegen.neural_art.lint.subject import Subject, where

_FLOAT_BITS = 32


@rule(
    "R7",
    "float-epochs",
    "warning",
    reads=BOTH,
    limit=1 << 21,  # bytes
    says="The processor computes a tensor of float32 of more bytes than the limit: it takes four "
    "times the memory of int8, and the processor's time.",
    mend="convert the model to full int8, with int8 inputs and outputs",
)
def float_epochs(subject: Subject, limit: float) -> Iterator[Hit]:
    if subject.code is not None:
        yield from _written(subject, limit)
        return
    for layer in () if subject.model is None else subject.model.layers:
        if layer.how != SOFTWARE or subject.model is None:
            continue
        for tensor in (subject.model.graph.tensors[i] for i in layer.op.outputs):
            if tensor.dtype == "float32" and tensor.bytes > limit:
                yield Hit(
                    where(layer),
                    f"writes {tensor.bytes:,} bytes of float32 {list(tensor.shape)}",
                    MEASURED,
                    f"compiler model, dialect {subject.dialect}",
                    None,
                    (Remedy(float_epochs.mend, f"{tensor.bytes // 4:,} bytes in int8"),),
                )


def _written(subject: Subject, limit: float) -> Iterator[Hit]:
    assert subject.code is not None
    source = subject.code.source
    software = {epoch.first for epoch in source.epochs if epoch.kind == SOFTWARE_EPOCH}
    for buffer in (*source.internals, *source.outputs):
        large = buffer.bytes > limit and buffer.bits == _FLOAT_BITS
        if large and not buffer.constant and buffer.epoch in software:
            yield Hit(
                f"{buffer.name}, epoch {buffer.epoch}",
                f"{buffer.bytes:,} bytes of {buffer.bits} bits an element",
                MEASURED,
                "network.c and its list of buffers",
                None,
                (Remedy(float_epochs.mend, f"{buffer.bytes // 4:,} bytes in int8"),),
            )
