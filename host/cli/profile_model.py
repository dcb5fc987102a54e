"""`nightjar profile` of a checkpoint, or of the options of a training run."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host.cli.common import say, write_json
from host.cli.profile_stedgeai import analysis
from host.cli.progress import working

if TYPE_CHECKING:
    from model_gen.models.config import ModelConfig

LABELS = 10  # classes, where nobody says how many


def of_checkpoint(checkpoint: Path, json_path: str | None, *, stedgeai: bool) -> None:
    """Show the profile of a trained model.

    Raises:
        BadInput: the checkpoint is missing, damaged, or has no configuration beside it.
        HostFailure: stedgeai is asked for, and is absent or failed.
    """
    from model_gen.models.checkpoint import load_checkpoint

    with working(f"reading {checkpoint.name}"):
        model, config = load_checkpoint(checkpoint)
    source = {"checkpoint": str(checkpoint)}
    _show(model, config, source, json_path, trained=True, stedgeai=stedgeai)


def of_options(
    preset: str, given: dict[str, Any], labels: int, json_path: str | None, *, stedgeai: bool
) -> None:
    """Show the profile of the model that `nightjar train` would begin with.

    Raises:
        BadInput: a value is out of its range, or two options contradict each other.
        HostFailure: stedgeai is asked for, and is absent or failed.
    """
    from model_gen.models.build import build_model
    from model_gen.runtime import tensorflow
    from model_gen.training.configure import configure
    from model_gen.training.presets import options_of

    options = options_of(preset, {**given, "data_path_train": Path()})
    with working("building the model"):
        tensorflow()
        config = configure(options, [f"class {number}" for number in range(labels)])
        model = build_model(config, seed=options.seed)
    source = {"preset": preset, "labels": labels}
    _show(model, config, source, json_path, trained=False, stedgeai=stedgeai)


def _show(
    model: Any,
    config: "ModelConfig",
    source: dict[str, Any],
    json_path: str | None,
    *,
    trained: bool,
    stedgeai: bool,
) -> None:
    from model_gen.codegen.neural_art import analyze
    from model_gen.models.backbones import check_boards, hears_waveform
    from model_gen.profile.made_up import int8_model
    from model_gen.profile.profile import profile_model
    from model_gen.profile.show import as_json, lines

    unbound = hears_waveform(config.backbone)  # by what holds on a board, as it runs on none
    if unbound and stedgeai:
        check_boards(config.backbone)
    found = profile_model(model, trained=trained)
    if unbound:
        found = replace(found, findings=())
    report = analysis(int8_model(model)) if stedgeai else None
    payload = {**as_json(found), **source}
    if report is not None:
        payload["stedgeai"] = analyze.as_json(report)
    write_json(json_path, payload)
    told = f"the backbone {config.backbone} runs on no board: the rules of the NPU are not held against it"
    for line in (
        *lines(found),
        *((told,) if unbound else ()),
        *(() if report is None else analyze.lines(report)),
    ):
        say(line, json_path)
