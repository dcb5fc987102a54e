"""Backbones by name, one file each: what lies between the frontend and the logits.

A backbone's module has `Options`, a frozen dataclass whose fields are called as the options of training are, and
`build(x, config, seed)`, from `[batch, rows, frames, 1]` to logits `[batch, labels]`. One that hears sound itself
also has `HEARS = "waveform"`: it takes `[batch, 1, samples, 1]`, and no frontend is built; and its
`check_sound(sample_rate, samples, options)` refuses what it cannot hear. One that has something to tell of a network
before it trains has `remarks(model)`. The module is imported for its options alone, too, so it imports Keras where it
builds.
"""

import importlib
from dataclasses import fields
from typing import Any

from host.errors import BadInput
from host.nearest import did_you_mean

BACKBONES = {"dscnn": "model_gen.models.dscnn", "teacher": "model_gen.models.teacher"}


def backbone(name: str) -> Any:
    """The module of the backbone called `name`.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in BACKBONES:
        raise BadInput(
            f"the backbone must be one of {', '.join(BACKBONES)}",
            evidence=f"Received: {name!r}.{did_you_mean(str(name), BACKBONES)}",
            next_step="train the model again with one of these",
        )
    return importlib.import_module(BACKBONES[name])


def record(name: str, options: Any) -> Any:
    """The `Options` of the backbone called `name`, from the options of a training run.

    Raises:
        BadInput: as `backbone`.
    """
    kind = backbone(name).Options
    return kind(**{one.name: getattr(options, one.name) for one in fields(kind)})


def hears_waveform(name: str) -> bool:
    """Whether the backbone called `name` takes sound, and no frontend's features."""
    return getattr(backbone(name), "HEARS", "features") == "waveform"


def check_sound(name: str, sample_rate: int, samples: int, options: Any) -> None:
    """Hold windows of sound against what the backbone called `name` hears, if it takes sound.

    Args:
        name: of the backbone.
        sample_rate: in Hz.
        samples: of a window.
        options: those of training.

    Raises:
        BadInput: it cannot hear them.
    """
    if hears_waveform(name):
        backbone(name).check_sound(sample_rate, samples, options)


def check_boards(name: str) -> None:
    """Hold the backbone called `name` against what boards run.

    Raises:
        BadInput: it makes a spectrogram itself, which no int8 op computes.
    """
    if hears_waveform(name):
        raise BadInput(
            f"the backbone {name} makes its spectrogram itself, which no int8 op computes: no board runs it",
            evidence=f"Received: a model of --backbone {name}",
            next_step="quantize a checkpoint of --backbone dscnn; `nightjar evaluate` takes this one as it is, "
            "and `nightjar convert --scheme float` converts it",
        )


def remarks(name: str, model: Any) -> list[str]:
    """What to tell of a network of the backbone called `name` before it trains."""
    told = getattr(backbone(name), "remarks", None)
    return [] if told is None else list(told(model))
