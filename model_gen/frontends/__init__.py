"""Frontends: what lies between the spectrogram and the backbone, one file each.

A frontend is a function `(features, config) -> tensor`: it takes the Keras input `[batch, bins, frames, 1]` in
[0, 1] and returns `[batch, num_mels, frames, 1]`, built only from layers that quantize to int8 and that an NPU takes.
Its module also has `settle(model, features)`, which starts its statistics from data.
"""

import importlib
from collections.abc import Callable
from typing import Any

from host.errors import BadInput

# Name of the option's value -> module with `build`. Loaded lazily, because each imports Keras.
FRONTENDS = {"hybrid": "model_gen.frontends.hybrid"}


def frontend(name: str) -> Callable[..., Any]:
    """The builder of the frontend called `name`.

    Raises:
        BadInput: there is none of that name.
    """
    build: Callable[..., Any] = _module(name).build
    return build


def settle(name: str, model: Any, features: Any) -> None:
    """Start a new model's frontend from the statistics of training features float32 [n, bins, frames]."""
    _module(name).settle(model, features)


def _module(name: str) -> Any:
    if name not in FRONTENDS:
        raise BadInput(
            f"the audio frontend must be one of {', '.join(FRONTENDS)}",
            evidence=f"Received: {name!r}",
            next_step="train the model again with one of these",
        )
    return importlib.import_module(FRONTENDS[name])
