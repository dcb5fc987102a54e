"""Frontends: how sound becomes what the backbone sees, one file each.

A frontend's module has three functions:

* `contract(options)`: the contract of what boards compute, from the options of a training run.
* `build(features, config)`: the part that lies in the network. It takes the Keras input
  `[batch, contract.rows, contract.frames, 1]`, in the contract's range, and returns `[batch, rows, frames, 1]`, built
  only from layers that quantize to int8 and that an NPU takes.
* `settle(model, config, features)`: starts the statistics of that part from training features float32
  [n, rows, frames].

The module is imported for its contract alone, too, so it imports Keras where it builds.
"""

import importlib
from typing import Any

from host.errors import BadInput
from host.nearest import did_you_mean

# Value of --audio-frontend -> module. Loaded lazily.
FRONTENDS = {
    "hybrid": "model_gen.frontends.hybrid",
    "librosa": "model_gen.frontends.librosa",
    "mfcc": "model_gen.frontends.mfcc",
    "log_mel": "model_gen.frontends.log_mel",
    "raw": "model_gen.frontends.raw",
}


def frontend(name: str) -> Any:
    """The module of the frontend called `name`.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in FRONTENDS:
        raise BadInput(
            f"the audio frontend must be one of {', '.join(FRONTENDS)}",
            evidence=f"Received: {name!r}.{did_you_mean(str(name), FRONTENDS)}",
            next_step="train the model again with one of these",
        )
    return importlib.import_module(FRONTENDS[name])
