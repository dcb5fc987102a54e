"""R9: two compilers in one place: the same model has other bytes under each."""

from collections.abc import Iterator

import numpy as np

from host.npu.comparison.steps import distance
from host.npu.compiler.dialect import DIALECTS
from host.npu.compiler.model import compile_model
from model_gen.codegen.neural_art.lint.finding import BOTH, PROVED, Hit, Remedy, rule
from model_gen.codegen.neural_art.lint.subject import Subject


@rule(
    "R9",
    "version-drift",
    "warning",
    reads=BOTH,
    says="Something that goes with the model (a budget, a golden, a manifest) was made under "
    "another dialect of the compiler, which gives other bytes.",
    mend="make it again under this dialect, or compile with the version that it was made under, and "
    "keep goldens with the version in network.c",
)
def version_drift(subject: Subject, _: None) -> Iterator[Hit]:
    for who, dialect in sorted(subject.pins.items()):
        if dialect == subject.dialect:
            continue
        steps, differing = _drift(subject, dialect)
        if steps == 0:
            continue
        counted = "" if steps is None else f": {differing:,} values differ in its tensors"
        yield Hit(
            who,
            f"made under dialect {dialect}, judged under {subject.dialect}{counted}",
            PROVED,
            subject.source if subject.model is not None else "network.c",
            steps,
            (
                Remedy(
                    f"compile with dialect {dialect}, or make {who} again under {subject.dialect}",
                    "equal, every byte, under one dialect" if steps is not None else "",
                    None if steps is None else 0.0,
                ),
            ),
        )


def _drift(subject: Subject, dialect: str) -> tuple[float | None, int]:
    """The largest difference of any tensor under another dialect on the data, end to end, and how
    many values differ; None without a model, or of a dialect that is not modelled.

    A golden may hold every tensor and a budget names every layer, so equal outputs show nothing.
    """
    model = subject.model
    if model is None or dialect not in DIALECTS or not subject.inputs:
        return None, 0
    other = subject.predicted(compile_model(subject.content, dialect))
    largest = count = 0
    for one, two in zip(subject.predictions, other, strict=True):
        for index, a in one.tensors.items():
            differ = distance(a, two.tensors[index])
            if not differ.size:
                continue
            largest, count = max(largest, int(differ.max())), count + int(np.count_nonzero(differ))
    return float(largest), count
