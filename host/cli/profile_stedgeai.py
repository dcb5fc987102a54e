"""`nightjar profile --stedgeai`: what ST's compiler says of the same model."""

from pathlib import Path
from typing import TYPE_CHECKING

from host.cli.progress import working

if TYPE_CHECKING:
    from model_gen.codegen.neural_art.report import Report

_SECONDS = 1800  # that stedgeai may take: a large model takes minutes
_BOARD = "stm32n6570-dk"  # whose memory pools it gets; those of the Nucleo are the same
LOG = Path("build/profile/stedgeai.log")


def analysis(model: bytes) -> "Report":
    """Its report on a .tflite.

    Raises:
        BadInput, HostFailure: as `analyze`.
    """
    from host.deadline import Deadline
    from model_gen.codegen.neural_art.analyze import analyze

    with working("stedgeai analyzes the model"):
        return analyze(model, _BOARD, LOG, Deadline.after(_SECONDS))
