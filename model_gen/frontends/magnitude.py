"""Magnitude scalings by name, one file each."""

import importlib
from collections.abc import Callable
from typing import Any

from host.errors import BadInput

# Value of --mag-scale -> module with `build(x, *, trainable)`, on `[batch, 1, frames, channels]`. Loaded lazily.
MAGNITUDE_SCALINGS = {
    "pwl": "model_gen.frontends.pwl",
    "pcen": "model_gen.frontends.pcen",
    "db": "model_gen.frontends.db",
    "none": "",
}


def magnitude_scaling(name: str) -> Callable[..., Any]:
    """The builder of the scaling called `name`: `(x, *, trainable)` -> tensor of the same shape.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in MAGNITUDE_SCALINGS:
        raise BadInput(
            f"the magnitude scaling must be one of {', '.join(MAGNITUDE_SCALINGS)}",
            evidence=f"Received: {name!r}",
            next_step="train the model again with one of these",
        )
    if not MAGNITUDE_SCALINGS[name]:
        return lambda x, *, trainable: x
    build: Callable[..., Any] = importlib.import_module(MAGNITUDE_SCALINGS[name]).build
    return build
