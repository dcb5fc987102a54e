"""Whether the judge takes a model, asked before anything is written: not after a build."""

import re

from host.errors import BadInput, HostFailure
from host.reference.kept import KeptReference
from model_gen.codegen.cm55.compile import plan_model

_NODE = re.compile(r"Node number (\d+) \(([A-Z_0-9]+)\)")  # as both interpreters name it
_AGAIN = "convert again so that TensorFlow Lite runs it"


def check_judged(model: bytes, rounding: str) -> None:
    """Refuse what the judge of these rounding rules refuses: of what it does not run nothing can be proved.

    Without a judge on this computer everything is taken.

    Raises:
        BadInput: what the judge says; the other rules are advised where they would take the model.
    """
    try:
        _ask(model, rounding)
    except BadInput as error:
        if rounding != "tflite":  # its own words say what to do
            raise
        found = _NODE.search(error.evidence)
        place = f"op {found[1]}, {found[2]}: " if found else ""
        why = _refused_by_micro(model)
        other = "take the other rules, --rounding tflm, or " if why is None else ""
        but = "" if why is None else f"; --rounding tflm would refuse it too: {why}"
        raise BadInput(
            f"{place}the judge of the rules tflite refuses this model, and nothing could be proved of it",
            evidence=error.evidence,
            next_step=f"{other}{_AGAIN}{but}",
        ) from error


def _ask(model: bytes, rounding: str) -> None:
    try:
        _ = KeptReference(model, rounding).ports
    except HostFailure:
        return


def _refused_by_micro(model: bytes) -> str | None:
    """Why the model is refused under the rules tflm, by the generator or by its judge; None where it is taken."""
    try:
        plan_model(model, rounding="tflm")
        _ask(model, "tflm")
    except BadInput as error:
        return error.what
    return None
