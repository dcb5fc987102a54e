"""What stedgeai says of a model without generating it: its epochs, and the memory that it takes."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from host.deadline import Deadline
from host.errors import NightjarError
from host.reading import read_text
from model_gen.codegen.neural_art import command
from model_gen.codegen.neural_art.compilation import HARDWARE, HYBRID, SOFTWARE
from model_gen.codegen.neural_art.generate import check_ends
from model_gen.codegen.neural_art.install import find_stedgeai, version_of
from model_gen.codegen.neural_art.profile import HIL
from model_gen.codegen.neural_art.proof import no_npu
from model_gen.codegen.neural_art.report import AGAIN, MOST, Report, parse_report


def analyze(model: bytes, board: str, log: Path, deadline: Deadline) -> Report:
    """The report of this computer's `stedgeai analyze` on a full-int8 .tflite.

    Args:
        model: the .tflite, int8 at its ends.
        board: whose memory pools are given.
        log: where its words are kept when it fails, or when what it says is refused.
        deadline: of stedgeai.

    Raises:
        BadInput: the board has no NPU, the model's ends are no int8, or stedgeai refused it or did
            not compile it for the NPU.
        HostFailure: there is no stedgeai, or it failed by itself.
    """
    check_ends(model)
    install = find_stedgeai()
    _, dialect = version_of(install.program)
    with tempfile.TemporaryDirectory(prefix="nightjar-stedgeai-") as temporary:
        work = Path(temporary) / "work"
        command.prepare(work, model, dialect, board, HIL)
        said = command.run(install, work, log, deadline, action=command.ANALYZE)
        text = _written(work / command.OUTPUT) or said.log
    try:
        found = parse_report(text)
        told = found.compilation
        if not told.npu or not told.of(HARDWARE):
            raise no_npu(f"a report of {len(told.epochs)} epochs, none of them in hardware")
    except NightjarError as error:
        command.keep(log, said)
        raise type(error)(
            error.what, evidence=f"{error.evidence}; its log: {log}", next_step=error.next_step
        ) from error
    return found


def _written(folder: Path) -> str:
    """The report as a file; "" where there is none. What is printed has a progress bar through it."""
    found = sorted(folder.glob("*_analyze_report.txt"))
    return read_text(found[0], "a report of stedgeai", limit=MOST, next_step=AGAIN) if found else ""


def as_json(report: Report) -> dict[str, Any]:
    """The sums, the epochs by kind, and each of them that is not the NPU's alone."""
    told = report.compilation
    return {
        "version": str(told.version),
        "compiler": told.compiler,
        "macs": report.macs,
        "epochs": {kind: len(told.of(kind)) for kind in (HARDWARE, HYBRID, SOFTWARE)},
        "not_in_hardware": [
            {"epoch": one.number, "kind": one.kind, "ops": list(one.ops), "why": one.why}
            for kind in (HYBRID, SOFTWARE)
            for one in told.of(kind)
        ],
        "weights": told.weights,
        "activations": told.activations,
        "pools": {pool.name: pool.used for pool in told.pools if pool.used and not pool.joined},
    }


def lines(report: Report) -> Iterator[str]:
    """The same for people."""
    told = report.compilation
    counts = ", ".join(f"{len(told.of(kind))} in {kind}" for kind in (HARDWARE, SOFTWARE))
    yield (
        f"stedgeai {told.version}: {counts} and {len(told.of(HYBRID))} hybrid epochs; "
        f"{told.weights:,} bytes of weights, {told.activations:,} of activations, as it rounds them"
    )
    for kind in (HYBRID, SOFTWARE):
        for one in told.of(kind):
            yield f"epoch {one.number}, {kind}: {', '.join(one.ops)}. {one.why}".rstrip()
