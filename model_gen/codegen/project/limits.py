"""How many inputs, steps and observed tensors the firmware's core has room for."""

import re

from host.errors import BadInput
from host.installed import FIRMWARE
from model_gen.codegen.cm55.compile import Generated


def core_limits() -> dict[str, int]:
    """ "inputs", "steps" and "taps", as the header of the core states them."""
    text = (FIRMWARE / "core" / "nj_model.h").read_text()
    return {name.lower(): int(n) for name, n in re.findall(r"#define NJ_MAX_(\w+) (\d+)u", text)}


def check_core(generated: Generated) -> None:
    """Refuse a model that the core would not run.

    Raises:
        BadInput: what there is too much of.
    """
    program = generated.program
    check_counts(
        inputs=len(program.resolved.graph.inputs),
        steps=len(program.steps),
        taps=len(generated.observed),
    )


def check_counts(**counts: int) -> None:
    """The same of counts by their names.

    Raises:
        BadInput: as told.
    """
    limits = core_limits()
    if any(counts[name] > limits[name] for name in counts):
        listed = ", ".join(f"{counts[name]} {name} of at most {limits[name]}" for name in counts)
        raise BadInput(
            "the model is too long for the firmware",
            evidence=f"Received: {listed}; a tap is a tensor that is compared",
            next_step="convert a model with fewer ops or inputs",
        )
