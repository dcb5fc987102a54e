"""Magnitude scalings by name, one file each."""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from host.errors import BadInput
from host.nearest import did_you_mean

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig

# Value of --mag-scale -> module with `build(x, *, trainable)`, on `[batch, 1, frames, bands]`. Loaded lazily.
MAGNITUDE_SCALINGS = {
    "pwl": "model_gen.frontends.pwl",
    "pcen": "model_gen.frontends.pcen",
    "db": "model_gen.frontends.db",
    "none": "",
}


def scaled(x: Any, config: "ModelConfig") -> Any:
    """What --mag-scale makes of bands `[batch, 1, frames, bands]`.

    Its weights train in the current form of the frontends, and in april's if the frontend does.
    """
    trainable = config.frontend_form == "current" or config.frontend_trainable
    return magnitude_scaling(config.mag_scale)(x, trainable=trainable)


def magnitude_scaling(name: str) -> Callable[..., Any]:
    """The builder of the scaling called `name`.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in MAGNITUDE_SCALINGS:
        raise BadInput(
            f"the magnitude scaling must be one of {', '.join(MAGNITUDE_SCALINGS)}",
            evidence=f"Received: {name!r}.{did_you_mean(str(name), MAGNITUDE_SCALINGS)}",
            next_step="train the model again with one of these",
        )
    if not MAGNITUDE_SCALINGS[name]:
        return lambda x, *, trainable: x
    build: Callable[..., Any] = importlib.import_module(MAGNITUDE_SCALINGS[name]).build
    return build
