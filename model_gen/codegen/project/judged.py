"""Whether the judge takes a model, asked before anything is written: not after a build."""

import re

from host.errors import BadInput, HostFailure
from host.reference.kept import KeptReference

_NODE = re.compile(r"Node number (\d+) \(([A-Z_0-9]+)\)")  # as both interpreters name it


def check_judged(model: bytes, rounding: str) -> None:
    """Refuse what the judge of these rounding rules refuses: of what it does not run nothing can be proved.

    Without a judge on this computer everything is taken.

    Raises:
        BadInput: what the judge says.
    """
    try:
        _ = KeptReference(model, rounding).ports
    except HostFailure:
        return
    except BadInput as error:
        if rounding != "tflite":  # its own words say what to do
            raise
        found = _NODE.search(error.evidence)
        place = f"op {found[1]}, {found[2]}: " if found else ""
        raise BadInput(
            f"{place}the judge of the rules tflite refuses this model, and nothing could be proved of it",
            evidence=error.evidence,
            next_step="take the other rules, --rounding tflm, or convert again so that TensorFlow Lite runs it",
        ) from error
