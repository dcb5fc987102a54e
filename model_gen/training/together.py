"""Which options of training go together: where one leaves another only some of its values.

A default of a preset that does not fit what was given gives way; what was given itself is refused.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from host.errors import BadInput
from model_gen.training.option import flag, one_shown, shown
from model_gen.training.qat import recipe


@dataclass(frozen=True)
class Rule:
    """Where `option` has one of `values`, `other` must have one of `allowed`.

    Attributes:
        allowed: the first takes the place of a preset's default. None: `other` counts for nothing, and is not given.
        why: a clause, for people.
        firm: whether a default of `other` does not give way either, being the greater choice.
        free: whether only a default gives way, and `other` may be told to be anything.
        room: the value of `option` under which `other` counts, where `allowed` is None.
        instead: whether something else than the preset's default is in its place, so that the default
            is not to be told either.
    """

    option: str
    values: tuple[Any, ...]
    other: str
    allowed: tuple[Any, ...] | None
    why: str
    firm: bool = False
    free: bool = False
    room: Any = None
    instead: bool = False


_CEPSTRAL = "coefficients of a DCT are no bands"
_TRAINED = "the trained model has it"
_WAVEFORM = "a waveform has no spectrum"
_OF_BLOCKS = (
    *("stage_widths", "stage_repeats", "depthwise_kernel", "embeddings_size", "se", "se_reduction"),
    *("inverted_residual", "expansion_factor", "use_attention_pooling", "spatial_dropout"),
)
_OF_STUDIES = (*("n_trials", "storage", "study", "objective", "budget_macs", "pareto", "pruner"),)
_OF_FRONTENDS = ("spec_width", "num_mels", "mag_scale", "frontend_trainable", "frontend_form")
_OF_MODELS = (
    *("sample_rate", "chunk_duration", "fft_length", "n_mfcc", "audio_frontend", "backbone"),
    *("input_compression", "log1p_gain", "window_dc", "normalization", "norm_low"),
    *("percentile_low", "percentile_high", "alpha", "depth_multiplier"),
    *("teacher_bands", "spectrogram_part", *_OF_FRONTENDS, *_OF_BLOCKS),
)
RULES = (
    *(
        Rule("linear_probe", (True,), name, None, _TRAINED, room=False, instead=True)
        for name in _OF_MODELS
    ),
    *(
        Rule("linear_probe", (True,), name, (value,), "a head alone learns soon", free=True)
        for name, value in (("epochs", 20), ("learning_rate", 0.001))
    ),
    Rule("backbone", ("teacher",), "audio_frontend", ("raw",), "it makes its spectrogram itself"),
    *(
        Rule("backbone", ("teacher",), name, (value,), "BirdNET hears that", free=True)
        for name, value in (("sample_rate", 48000), ("chunk_duration", 3.0))
    ),
    *(
        Rule(
            "backbone",
            ("teacher",),
            name,
            None,
            "it has the blocks of EfficientNet-B0",
            room="dscnn",
        )
        for name in _OF_BLOCKS
    ),
    *(
        Rule("backbone", ("teacher",), name, None, "it has a spectrogram of its own", room="dscnn")
        for name in _OF_FRONTENDS
    ),
    *(
        Rule(
            "backbone",
            ("dscnn",),
            name,
            None,
            "the teacher alone makes a spectrogram itself",
            room="teacher",
        )
        for name in ("teacher_bands", "spectrogram_part")
    ),
    Rule("audio_frontend", ("raw",), "input_compression", ("none",), _WAVEFORM),
    Rule("audio_frontend", ("raw",), "window_dc", ("keep",), "a waveform has no frames"),
    Rule(
        "audio_frontend",
        ("librosa", "mfcc", "log_mel"),
        "frontend_form",
        ("current",),
        "there is one form of it",
    ),
    Rule(
        "audio_frontend", ("raw",), "normalization", ("peak",), "a waveform is divided by its peak"
    ),
    Rule(
        "normalization",
        ("peak",),
        "audio_frontend",
        ("raw",),
        "only a waveform is divided by its peak",
        firm=True,
    ),
    Rule("audio_frontend", ("mfcc",), "input_compression", ("log",), "its DCT is of log mel bands"),
    Rule(
        "audio_frontend",
        ("mfcc",),
        "normalization",
        ("minmax",),
        "its first coefficient is far below the others, which a percentile of all would cut off",
        free=True,
    ),
    Rule("audio_frontend", ("log_mel",), "input_compression", ("log1p",), "that is its logarithm"),
    Rule(
        "audio_frontend",
        ("mfcc", "log_mel"),
        "mag_scale",
        ("none",),
        "it has its logarithm already",
    ),
    Rule(
        "input_compression",
        ("pcen",),
        "audio_frontend",
        ("librosa",),
        "pcen is of mel bands",
        firm=True,
    ),
    Rule(
        "input_compression",
        ("log", "log1p", "pcen"),
        "mag_scale",
        ("none",),
        "it compresses already, and a second scaling behind it costs steps of int8",
    ),
    Rule(
        "input_compression",
        ("none", "sqrt", "log", "pcen"),
        "log1p_gain",
        None,
        "log1p alone takes it",
        room="log1p",
    ),
    Rule(
        "audio_frontend",
        ("hybrid", "raw", "librosa", "log_mel"),
        "n_mfcc",
        None,
        "only mfcc has coefficients",
        room="mfcc",
    ),
    Rule(
        "audio_frontend",
        ("mfcc", "log_mel"),
        "frontend_trainable",
        (False,),
        "nothing of it lies in the network",
    ),
    Rule(
        "mag_scale",
        ("db",),
        "mixed_precision",
        (False,),
        "the gradient of a logarithm near 0 is beyond float16",
    ),
    Rule("audio_frontend", ("mfcc",), "norm_low", (0.0,), _CEPSTRAL),
    Rule("audio_frontend", ("mfcc",), "warp_max", (0.0,), _CEPSTRAL),
    Rule("audio_frontend", ("raw",), "norm_low", (0.0,), _WAVEFORM),
    Rule("audio_frontend", ("raw",), "warp_max", (0.0,), _WAVEFORM),
    *(
        Rule(
            "normalization",
            ("minmax", "peak"),
            name,
            None,
            "percentile alone takes it",
            room="percentile",
        )
        for name in ("percentile_low", "percentile_high")
    ),
    *(
        Rule("teacher", (None,), name, None, "there is nobody to learn from", room="FILE")
        for name in ("teacher_weight", "embedding_weight")
    ),
    *(
        Rule("qat", (True,), name, (value,), "it learns from undisturbed windows and plain labels")
        for name, value in recipe.OFF.items()
    ),
    Rule(
        "qat",
        (True,),
        "linear_probe",
        (False,),
        "the one keeps the classes, the other the backbone",
    ),
    Rule("qat", (True,), "noise_bank", None, "it learns from undisturbed windows", room=False),
    Rule("qat", (True,), "teacher", None, "the model that it begins with teaches", room=False),
    *(
        Rule("qat", (False,), name, None, "nothing is trained for int8", room=True)
        for name in ("qat_mode", "calibration_samples", "qat_bits", "qat_per_tensor")
    ),
    Rule(
        "qat",
        (True,),
        "select",
        ("ap", "roc-auc", "top1", "loss"),
        "what the converted model scores chooses the epoch, and epoch 0 may be it",
    ),
    *(
        Rule(
            "qat_mode", ("faithful",), name, None, "the converter rounds as it does", room="shadow"
        )
        for name in ("qat_bits", "qat_per_tensor")
    ),
    Rule("se", (False,), "se_reduction", None, "there is no squeeze and excitation", room=True),
    Rule(
        "inverted_residual",
        (False,),
        "expansion_factor",
        None,
        "other blocks do not expand",
        room=True,
    ),
    *(Rule("tune", (False,), name, None, "nothing is searched", room=True) for name in _OF_STUDIES),
    Rule("pareto", (True,), "pruner", ("none",), "of two objectives, none says what is behind"),
    *(
        Rule("tune", (True,), name, None, "the same command goes on with its study", room=False)
        for name in ("resume", "overwrite")
    ),
    *(
        Rule("tune", (True,), name, (False,), "every trial trains a whole model")
        for name in ("qat", "linear_probe")
    ),
    *(
        Rule("backbone", ("teacher",), name, None, "no board runs it", room="dscnn")
        for name in ("budget_macs", "pareto")
    ),
    Rule("backbone", ("teacher",), "objective", ("roc-auc", "ap"), "no board runs it"),
)


def given_way(preset: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """What becomes of options once the defaults among them have given way.

    Args:
        preset: the defaults of every option that has one.
        told: what was told. A default that is told again, and counts for nothing, harms nobody.

    Raises:
        BadInput: what was told does not go together, or would count for nothing.
    """
    made = preset | told
    deciding = {key for key, value in told.items() if preset.get(key) != value}
    for rule, value in _broken(made, deciding, told):
        if rule.free and rule.other in told:
            continue
        if rule.allowed is None or rule.firm or rule.other in told:
            _refuse(rule, made[rule.option], value)
        made[rule.other] = rule.allowed[0]
    return made


def gave_way(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """For people: which defaults gave way, and why."""
    for name, value in after.items():
        if name in before and before[name] != value:
            rule = next(
                rule
                for rule in RULES
                if rule.other == name and after.get(rule.option) in rule.values
            )
            yield (
                f"{flag(name)} {one_shown(value)}, and not {one_shown(before[name])}: with "
                f"{flag(rule.option)} {one_shown(after[rule.option])} {rule.why}"
            )


def fitted(values: dict[str, Any], kept: Collection[str]) -> dict[str, Any]:
    """What becomes of the values of all options once those besides `kept` have given way."""
    made = dict(values)
    for rule, _ in _broken(made, ()):
        if rule.allowed is not None and not rule.free and rule.other not in kept:
            made[rule.other] = rule.allowed[0]
    return made


def check(options: Any) -> None:
    """Hold the options of a run against the rules.

    Raises:
        BadInput: two of them do not go together.
    """
    values = {rule.other: getattr(options, rule.other) for rule in RULES}
    values |= {rule.option: getattr(options, rule.option) for rule in RULES}
    for rule, value in _broken(values, ()):
        if not rule.free:
            _refuse(rule, values[rule.option], value)


def _broken(
    values: dict[str, Any], deciding: Collection[str], told: Collection[str] = ()
) -> Iterator[tuple[Rule, Any]]:
    """The rules that do not hold, one after the other; `values` may be mended between them.

    `deciding`: options that must not count for nothing; `told`: all that were told, a preset's
    defaults among them.
    """
    for rule in RULES:
        if values[rule.option] not in rule.values:
            continue
        value = values[rule.other]
        if rule.allowed is None:
            if rule.other in (told if rule.instead else deciding):
                yield rule, value
        elif value not in rule.allowed:
            yield rule, value


def _refuse(rule: Rule, chosen: Any, value: Any) -> NoReturn:
    option, other = flag(rule.option), flag(rule.other)
    given = _given(rule.option, chosen)
    if rule.allowed is None:
        raise BadInput(
            f"{given} leaves {other} nothing to decide: {rule.why}",
            evidence=f"Received: {other} {one_shown(value)}",
            next_step=f"give {_given(rule.option, rule.room)}, or leave {other} out",
        )
    instead = f"give {other} {one_shown(rule.allowed[0])}" if rule.firm else f"leave {other} out"
    raise BadInput(
        f"{given} needs {other} {shown(rule.allowed)}: {rule.why}",
        evidence=f"Received: {other} {one_shown(value)}",
        next_step=f"{instead}, or give "
        + (_given(rule.option, not chosen) if isinstance(chosen, bool) else f"another {option}"),
    )


def _given(name: str, value: Any) -> str:
    """An option with a value, as on a command line."""
    if isinstance(value, bool):
        return flag(name) if value else flag(f"no_{name}")
    return f"{flag(name)} {one_shown(value)}"
