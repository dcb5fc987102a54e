"""What is evaluated: which models, how they listen, and what they were trained on."""

import os
from dataclasses import dataclass
from pathlib import Path

from host.bundle import load_subject
from host.errors import BadInput
from model_gen.data.split import Assignment, read_split
from model_gen.models.checkpoint import beside
from model_gen.models.config import ModelConfig, load_config

SPLIT = "split.csv"


@dataclass(frozen=True)
class Listener:
    """How a model listens, and the file that says which recordings it was trained on; the file need
    not exist."""

    config: ModelConfig
    split: Path


def listener_of(checkpoint: Path | None, bundle: Path | None, like: Path | None = None) -> Listener:
    """The listener of the models that are judged; of checkpoint and bundle, they must agree.

    Raises:
        BadInput: neither is given, one is unusable, or they do not belong together.
    """
    found = [listener(path) for path in (checkpoint, bundle) if path is not None]
    if not found and like is not None:
        return listener(like)
    if not found:
        raise BadInput(
            "expected a checkpoint or a bundle",
            evidence="Received: neither",
            next_step="name the model to evaluate",
        )
    first, *others = found
    for other in others:
        if _listening(first.config) != _listening(other.config):
            raise BadInput(
                "checkpoint and bundle must have the same labels, frontend and activation",
                evidence=f"Received: {checkpoint} and {bundle}"
                + _first_difference(first.config, other.config),
                next_step="make the bundle from this checkpoint with `nightjar quantize`",
            )
        if parts(first.split) != parts(other.split):
            raise BadInput(
                "checkpoint and bundle must have the same split: one was trained on the other's "
                "test",
                evidence=f"Received: {first.split} and {other.split}, which differ",
                next_step="make the bundle from this checkpoint with `nightjar quantize`",
            )
    return first


def listener(model: Path) -> Listener:
    """The listener of a checkpoint, which ends in .keras, or of a bundle.

    Raises:
        BadInput: it is unusable, or a bare model.
    """
    if model.suffix == ".keras":
        return Listener(load_config(model), beside(model, SPLIT))
    contract = load_subject(model).contract
    if contract is None:
        raise BadInput(
            "expected a bundle, which says how to listen",
            evidence=f"Received: {model}, a bare model",
            next_step=f"name what it was made of, nightjar evaluate {model} --like "
            "BUNDLE_OR_CHECKPOINT, or make a bundle with `nightjar quantize`",
        )
    split = model / SPLIT
    if os.path.lexists(split) and SPLIT not in contract.files:
        raise BadInput(
            f"{SPLIT} is not the file that this bundle was made with",
            evidence=f"Received: {split}",
            next_step="make the bundle again with `nightjar quantize`",
        )
    config = ModelConfig(
        frontend=contract.frontend,
        labels=contract.labels,
        class_activation=contract.output_activation,
    )
    return Listener(config, split)


def check_comparable(first: Listener, second: Listener, name: Path) -> None:
    """May a second model be held against the first on the same recordings?

    Raises:
        BadInput: it has other labels.
    """
    if sorted(first.config.labels) != sorted(second.config.labels):
        raise BadInput(
            "two models are compared on the same labels",
            evidence=f"Received: {name}" + _first_difference(first.config, second.config),
            next_step="give a model of the same labels, or evaluate it by itself",
        )


def parts(split: Path) -> Assignment | None:
    """What a split's file says; None where there is none, which `evaluate` refuses when it needs
    one."""
    return read_split(split) if split.is_file() else None


def _listening(config: ModelConfig) -> tuple[object, ...]:
    """What two forms of one model must share."""
    return config.frontend, config.labels, config.class_activation


def _first_difference(first: ModelConfig, second: ModelConfig) -> str:
    """The labels that only one of two has, or else what differs, for an error."""
    ours, theirs = set(first.labels), set(second.labels)
    said = []
    if ours - theirs:
        said.append(f"lacks {', '.join(sorted(ours - theirs)[:5])}")
    if theirs - ours:
        said.append(f"has {', '.join(sorted(theirs - ours)[:5])} besides")
    if not said:
        pairs = zip(
            ("frontend", "order of labels", "activation"),
            _listening(first),
            _listening(second),
            strict=True,
        )
        said = [f"has another {name}" for name, one, other in pairs if one != other]
    return f"; the second {' and '.join(said)}" if said else ""
