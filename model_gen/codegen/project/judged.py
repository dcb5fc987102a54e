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
        found = _NODE.search(error.evidence)
        place = f"op {found[1]}, {found[2]}: " if found else ""
        raise BadInput(
            f"{place}the judge of the rules {rounding} refuses this model, and nothing could be proved of it",
            evidence=error.evidence,
            next_step=f"take the other rules, --rounding {'tflm' if rounding == 'tflite' else 'tflite'}, "
            "or convert the model again so that its interpreter runs it",
        ) from error
