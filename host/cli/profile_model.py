"""`nightjar profile` of a checkpoint, or of the options of a training run."""

from pathlib import Path
from typing import Any

from host.cli.common import say, write_json
from host.cli.progress import working
from model_gen.profile.profile import ModelProfile

LABELS = 10  # classes, where nobody says how many


def of_checkpoint(checkpoint: Path, json_path: str | None) -> ModelProfile:
    """The profile of a trained model.

    Raises:
        BadInput: the checkpoint is missing, damaged, or has no configuration beside it.
    """
    from model_gen.models.checkpoint import load_checkpoint
    from model_gen.profile.profile import profile_model

    with working(f"reading {checkpoint.name}"):
        model, _ = load_checkpoint(checkpoint)
        found = profile_model(model, trained=True)
    _show(found, {"checkpoint": str(checkpoint)}, json_path)
    return found


def of_options(
    preset: str, given: dict[str, Any], labels: int, json_path: str | None
) -> ModelProfile:
    """The profile of the model that `nightjar train` would begin with.

    Raises:
        BadInput: a value is out of its range, or two options contradict each other.
    """
    from model_gen.models.build import build_model
    from model_gen.profile.profile import profile_model
    from model_gen.runtime import tensorflow
    from model_gen.training.configure import configure
    from model_gen.training.presets import options_of

    options = options_of(preset, {**given, "data_path_train": Path()})
    with working("building the model"):
        tensorflow()
        config = configure(options, [f"class {n}" for n in range(labels)])
        found = profile_model(build_model(config, seed=options.seed), trained=False)
    _show(found, {"preset": preset, "labels": labels}, json_path)
    return found


def _show(found: ModelProfile, source: dict[str, Any], json_path: str | None) -> None:
    from model_gen.profile.show import as_json, lines

    write_json(json_path, {**as_json(found), **source})
    for line in lines(found):
        say(line, json_path)
