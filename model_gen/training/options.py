"""The table of the options of training: each is one field, and everything that is told of it follows from that.

The command line, its limits, the presets, old names, the nearest valid value in an error and the documentation
(docs/training-options.md) are made from these declarations. A new option is a new field here, and nothing elsewhere.
"""

import json
import os
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from model_gen.frontends import frontend
from model_gen.training import together
from model_gen.training.heads import HEADS, LOSS_NAMES
from model_gen.training.option import Option, flag, option
from model_gen.training.option_value import check


@dataclass(frozen=True)
class TrainOptions:
    """One training run. The defaults are those of the preset `release`.

    Raises:
        BadInput: a value is out of its range, asks for what is not built yet, or does not go with another.
    """

    # fmt: off
    data_path_train: Path = option(
        "Folder with a subfolder of recordings a class.", "data", first=True)
    test_data: Path | None = option(
        "An outside folder of test recordings; implies --test-split 0.", "data", release=None)
    max_samples: int | None = option(
        "Recordings of a class at most.", "data", release=None, least=1, most=10**9)
    max_classes: int | None = option(
        "Keep this many classes, those with most recordings.", "data", release=None, least=1,
        most=10**9)
    upsample_ratio: float = option(
        "Repeat minority classes up to this share of the largest.", "data", release=0.5, least=0,
        most=1)
    max_duration: float = option(
        "Seconds read of one recording at most; 0 is all.", "data", release=60.0, least=0, most=1e6)
    max_chunks_per_file: int = option(
        "Salient windows taken from one recording at most.", "data", release=3, least=1, most=1000)
    min_activity: float = option(
        "Of a window; nothing is chosen by it, and docs/windows.md says why.", "data", release=0.1,
        least=0, most=1, later=True)
    val_split: float = option(
        "Share of recordings that validate.", "data", release=0.2, least=0.001, most=0.999)
    test_split: float = option(
        "Share of recordings kept for testing; 0 is none.", "data", release=0.2, least=0,
        most=0.999)
    group_by: str | None = option(
        "Regular expression; recordings with the same first group of it are never split.", "data",
        release=None, first=True)
    test_group: tuple[str, ...] = option(
        "A group of --group-by that is kept for testing; may be given again.", "data", release=())
    val_group: tuple[str, ...] = option(
        "A group of --group-by that validates; may be given again. The others train.", "data",
        release=())
    split_file: bool = option(
        "Honour a split.csv in the data folder; --group-by comes first.", "data", release=True)
    labels: Path | None = option(
        "A table with the columns path, split, labels, recordist.", "data", release=None)
    multi_label: bool = option(
        "Equal recordings in several classes are one with all labels.", "data", release=False)

    sample_rate: int = option(
        "Samples a second that the model hears, in Hz.", "model", release=24000, first=True,
        least=1, most=384000)
    chunk_duration: float = option(
        "Seconds that one inference hears.", "model", release=2.5, april=3.0, first=True,
        least=0.001, most=60)
    fft_length: int = option(
        "Samples of one FFT.", "model", release=512, power=True, least=128, most=2048)
    spec_width: int = option(
        "Frames of a spectrogram; hop = chunk // spec-width.", "model", release=256, least=8,
        most=4096)
    num_mels: int = option("Bands of the mel mixer.", "model", release=64, least=4, most=1024)
    n_mfcc: int = option(
        "Coefficients of --audio-frontend mfcc.", "model", release=20, least=4, most=1024)
    audio_frontend: str = option(
        "How sound becomes what the backbone sees.", "model", release="hybrid",
        choices=("hybrid", "raw", "librosa", "mfcc", "log_mel"),
        old=(("precomputed", "librosa"), ("tf", "raw")))
    input_compression: str = option(
        "Compression of the spectrogram, before the first int8 tensor.", "model", release="sqrt",
        april="none", choices=("none", "sqrt", "log", "log1p", "pcen"))
    log1p_gain: int = option(
        "Gain g of --input-compression log1p, which is ln(1 + g S) of fractions of full scale S.",
        "model", release=1 << 10, power=True, least=1, most=1 << 30)
    window_dc: str = option(
        "Constant part of each frame: kept, or (remove) its mean taken away before the window.",
        "model", release="remove", april="keep", choices=("keep", "remove"))
    normalization: str = option(
        "What of a chunk becomes 0 and 1: its extremes, or (percentile) two of its sorted values; "
        "raw alone is divided by its peak.", "model", release="percentile", april="minmax",
        choices=("minmax", "percentile", "peak"))
    norm_low: float = option(
        "Hz from which on rows decide that; 0 is all.", "model", release=150.0, april=0.0, least=0,
        most=192000)
    percentile_low: int = option(
        "Of 10,000 sorted values, the one that becomes 0.", "model", release=100, least=0,
        most=9999)
    percentile_high: int = option(
        "Of 10,000 sorted values, the one that becomes 1.", "model", release=9200, april=9950,
        least=1, most=10000)
    mag_scale: str = option(
        "Scaling of magnitudes behind the mel mixer.", "model", release="pwl",
        choices=("pwl", "pcen", "db", "none"))
    frontend_trainable: bool = option(
        "Train the mel mixer or filterbank too.", "model", release=False)
    frontend_form: str = option(
        "Of hybrid and raw: as it is now, or as the field had it in april (docs/frontends.md).",
        "model", release="current", april="april", choices=("current", "april"))

    backbone: str = option(
        "The network behind the frontend.", "model", release="dscnn", choices=("dscnn", "teacher"))
    teacher_bands: int = option(
        "Of --backbone teacher: spectrograms of 0.5 to 15 kHz, or (2) of 0 to 3 kHz too.", "model",
        release=1, least=1, most=2)
    spectrogram_part: str = option(
        "Of --backbone teacher: what its spectrogram takes of the complex spectrum.", "model",
        release="magnitude", choices=("magnitude", "real"))
    alpha: float = option(
        "Width of the backbone: a factor of its channels.", "model", release=1.0, least=0.01,
        most=8, search=(0.25, 1.5))
    depth_multiplier: float = option(
        "Depth of the backbone: a factor of its repeats.", "model", release=1.0, least=0.01, most=8,
        search=(1, 2))
    stage_widths: tuple[int, ...] = option(
        "Channels of the four stages.", "model", release=(32, 64, 128, 256), count=(4,), least=8,
        most=4096, multiple=8)
    stage_repeats: tuple[int, ...] = option(
        "Blocks of the four stages.", "model", release=(2, 3, 4, 2), count=(4,), least=1,
        most=64)
    depthwise_kernel: tuple[int, ...] = option(
        "Side of the depthwise kernels, one or four values.", "model", release=(3,), count=(1, 4),
        least=3, most=5, odd=True)
    embeddings_size: int = option(
        "Channels of the embedding, before the head.", "model", release=256, least=8, most=4096,
        multiple=8, search=(128, 256, 512))
    se: bool = option(
        "Squeeze and excitation.", "model", release=False, april=True, aka=("use-se",),
        search=(False, True))
    se_reduction: int = option(
        "Reduction of squeeze and excitation.", "model", release=8, least=1, most=4096,
        search=(4, 8, 16))
    inverted_residual: bool = option(
        "Inverted residual blocks.", "model", release=False, april=True,
        aka=("use-inverted-residual",), search=(False, True))
    expansion_factor: int = option(
        "Expansion of inverted residual blocks.", "model", release=2, least=1, most=64,
        search=(2, 4, 6))
    use_attention_pooling: bool = option(
        "Pool by attention, not by the average.", "model", release=False,
        search=(False, True))
    dropout: float = option(
        "Dropout before the head.", "model", release=0.5, now=0.2, april=0.5, least=0, most=0.999, search=(0.0, 0.7))
    spatial_dropout: float = option(
        "Dropout of whole channels, at the end of each block.", "model", release=0.1, now=0.0, april=0.1,
        least=0, most=0.999)
    class_activation: str = option(
        "Head: a probability for each class, or one over all classes.", "model", release="sigmoid",
        choices=tuple(HEADS))

    placement: str = option(
        "Where training hears a window each epoch: anywhere around its place, or (fixed) there.",
        "recipe", release="random", april="fixed", choices=("random", "fixed"))
    background_probability: float = option(
        "How often background, not zeros, lies around a recording shorter than a window.", "recipe",
        release=0.5, april=0.0, least=0, most=1)
    mixup_alpha: float = option(
        "Mixup: parameter of its Dirichlet distribution; 0 is off.", "recipe", release=0.2, least=0,
        most=1000, search=(0.0, 0.5))
    mixup_probability: float = option(
        "Mixup: share of a batch that is mixed.", "recipe", release=0.25, least=0, most=1)
    mixup_domain: str = option(
        "Mixup: of model inputs, or of sound.", "recipe", release="input",
        choices=("input", "audio"))
    spec_augment: bool = option("Mask bins and frames of spectrograms.", "recipe", release=True)
    freq_mask_max: int = option(
        "Rows of one mask, less than this after --mask-scaling.", "recipe", release=8, least=0,
        most=1024)
    time_mask_max: int = option(
        "Frames of one mask, less than this after --mask-scaling.", "recipe", release=25, least=0,
        most=4096)
    mask_scaling: str = option(
        "relative: mask widths are of 256 bins (64 mel bands, 20 coefficients) and 256 frames.",
        "recipe", release="relative", april="absolute", choices=("relative", "absolute"))

    warp_max: float = option(
        "Stretch or squeeze frequencies by up to this share, as voices differ; 0 is off.", "recipe",
        release=0.15, april=0.0, least=0, most=0.5)
    speed_max: float = option(
        "Faster or slower by up to this share, pitch and tempo together; 0 is off.", "recipe",
        release=0.0, least=0, most=0.5)
    gain_db: float = option(
        "Change the level of each window by up to this many decibels; 0 is off.", "recipe",
        release=12.0, april=0.0, least=0, most=96)
    noise_probability: float = option(
        "Share of windows under which noise is mixed.", "recipe", release=0.5, april=0.0, least=0,
        most=1)
    noise_snr: tuple[int, ...] = option(
        "Ratio of signal to that noise in decibels: least and most.", "recipe", release=(0, 30),
        count=(2,), least=-60, most=96)
    noise_bank: Path | None = option(
        "Folder of recordings to take it from; else those of no class, or it is generated.",
        "recipe", release=None)
    rain_probability: float = option(
        "Share of windows into which drops fall.", "recipe", release=0.1, april=0.0, least=0,
        most=1)
    hum_probability: float = option(
        "Share of windows with a hum of 50 or 60 Hz.", "recipe", release=0.3, april=0.0, least=0,
        most=1)
    click_probability: float = option(
        "Share of windows with clicks.", "recipe", release=0.5, april=0.0, least=0, most=1)
    dc_probability: float = option(
        "Share of windows with a constant added.", "recipe", release=0.3, april=0.0, least=0,
        most=1)

    loss: str = option(
        "auto is bce under sigmoid, cce under softmax.", "recipe", release="auto",
        choices=LOSS_NAMES)
    focal_gamma: float = option(
        "How little the focal loss counts what is right already.", "recipe", release=2.0, least=0,
        most=100)
    label_smoothing: float = option(
        "Share taken from hard labels in the loss.", "recipe", release=0.0, april=0.1, least=0,
        most=0.5, search=(0.0, 0.2))
    class_weights: bool = option(
        "Weigh the positive term of rare classes more.", "recipe", release=False, april=True)
    optimizer: str = option(
        "sgd has momentum 0.9.", "recipe", release="adam", choices=("adam", "sgd", "adamw"),
        search=("adam", "sgd", "adamw"))
    weight_decay: float = option(
        "Weight decay of kernels, decoupled from the gradient.", "recipe", release=0.0, least=0,
        most=10, search=(1e-6, 1e-2, "log"))
    l2: float = option(
        "L2 penalty of kernels, in the loss.", "recipe", release=0.0001, now=0.0, least=0, most=10)
    grad_clip: float = option(
        "Largest global norm of the gradient; 0 is off.", "recipe", release=1.0, least=0, most=1e6,
        search=(0.0, 5.0))
    batch_size: int = option(
        "Windows a training step.", "recipe", release=32, first=True, least=1, most=4096,
        search=(16, 32, 64))
    epochs: int = option("Epochs at most.", "recipe", release=50, now=36, first=True, least=1, most=10000)
    learning_rate: float = option(
        "Learning rate after the warm-up; it falls to about 0 by a half cosine.", "recipe",
        release=0.0005, now=0.002, april=0.001, first=True, least=1e-9, most=10, search=(1e-4, 1e-2, "log"))
    warmup_epochs: int = option(
        "Epochs in which the rate rises; a quarter of all at most.", "recipe", release=2, april=0,
        least=0, most=10000)
    select: str = option(
        "What the epoch that is kept is best at, on validation.", "recipe", release="ap",
        now="last", april="loss", choices=("loss", "ap", "roc-auc", "top1", "last"))
    validate_every: int = option(
        "Epochs from one validation to the next under --select last, and the last; else each is.",
        "recipe", release=5, april=1, least=1, most=10000)
    patience: int = option(
        "Epochs without a better one before training stops.", "recipe", release=10, least=1,
        most=10000)
    stopping: str = option(
        "Which epochs --patience counts: all, or (late-patience) those of the last third alone.",
        "recipe", release="late-patience", april="patience", choices=("patience", "late-patience"))
    mixed_precision: bool = option("Compute in float16.", "recipe", release=False)
    seed: int = option(
        "Seed of split, weights, order and augmentation.", "recipe", release=42, least=0,
        most=2**31 - 1)
    callback: str | None = option(
        "package.module:factory of Keras callbacks of your own.", "recipe", release=None)

    checkpoint_path: Path = option(
        "The .keras file to write; the run's other files lie beside it.", "run",
        release=Path("checkpoints/best_model.keras"), first=True)
    num_workers: int = option(
        "Threads that decode and make batches; 0 is none besides the main one.", "run",
        release=lambda: os.cpu_count() or 1, april=8, least=0, most=256)
    cache_dir: Path | None = option(
        "Where windows are kept; else in the cache windows of `nightjar cache`.", "run",
        release=None)
    resume: bool = option(
        "Go on with the run that --checkpoint-path names.", "run", release=False, first=True)
    overwrite: bool = option("Train anew where a run is there already.", "run", release=False)
    tensorboard: Path | None = option("Folder for TensorBoard's logs.", "run", release=None)

    qat: bool = option(
        "Fine-tune the model of --checkpoint-path for int8, into {name}_qat.keras (docs/qat.md).",
        "recipe", release=False)
    qat_mode: str = option(
        "What --qat simulates; faithful unless given, of both presets.", "recipe", release="faithful", april="shadow",
        choices=("faithful", "shadow"))
    calibration_samples: int = option(
        "Of --qat: windows that set the ranges.", "recipe", release=1024, least=1, most=10**6)
    qat_bits: int = option(
        "Of --qat-mode shadow: bits of a kernel's steps.", "recipe", release=8, least=2, most=16)
    qat_per_tensor: bool = option(
        "Of --qat-mode shadow: one range for a whole kernel.", "recipe", release=False)
    linear_probe: bool = option(
        "Train a new head alone on the model that --checkpoint-path names; made is NAME_probe.keras.",
        "recipe", release=False)
    teacher: Path | None = option(
        "A Keras model, or its scores as `nightjar teach` writes them, to learn from.", "recipe",
        release=None)
    teacher_config: Path | None = option(
        "How a --teacher that `nightjar train` did not make listens, as JSON.", "recipe",
        release=None)
    teacher_weight: float = option(
        "Share of the teacher's score in a target; the rest is the label.", "recipe", release=0.5,
        least=0, most=1)
    embedding_weight: float = option(
        "Weight of 1 - cosine of the teacher's embedding, where it has one; 0 is off.", "recipe",
        release=0.2, least=0, most=100)
    tune: bool = option(
        "Search for better values of the options that have a search range and are not given "
        "(docs/tuning.md).", "run", release=False)
    n_trials: int = option(
        "Trials of the study, those of all processes that share it together.", "run", release=20,
        least=1, most=10**6)
    storage: str | None = option(
        "URL of the study's store: a database's, or journal:///FILE; else a file of SQLite beside "
        "the checkpoint.", "run", release=None)
    study: str | None = option(
        "Name of the study; else the checkpoint's.", "run", release=None)
    objective: str = option(
        "What a trial is to be best at, on validation; int8-ap is of the quantized model.", "run",
        release="roc-auc", choices=("roc-auc", "ap", "int8-ap"))
    budget_macs: int | None = option(
        "Multiply-accumulates of a model at most; a trial above is not trained.", "run",
        release=None, least=1, most=10**12)
    pareto: bool = option(
        "Search for the best at every size: the objective and few multiply-accumulates.", "run",
        release=False)
    pruner: str = option(
        "What ends a trial early: an objective below the median of the trials before, or none.",
        "run", release="median", choices=("median", "none"))
    # fmt: on

    def __post_init__(self) -> None:
        for one in fields(self):
            check(Option.of(one), getattr(self, one.name))
        if self.loss_name not in HEADS[self.class_activation]:
            head = next(head for head, losses in HEADS.items() if self.loss_name in losses)
            raise BadInput(
                f"--loss {self.loss} needs --class-activation {head}",
                evidence=f"Received: --class-activation {self.class_activation}",
                next_step=f"give --class-activation {head}, or leave --loss out: "
                "auto is what the head is made for",
            )
        if self.multi_label and self.class_activation == "softmax":
            raise BadInput(
                "--multi-label needs --class-activation sigmoid",
                evidence="Received: --class-activation softmax, whose classes exclude each other",
                next_step="give --class-activation sigmoid, or leave --multi-label out",
            )
        low, high = self.noise_snr
        if low > high:
            raise BadInput(
                "--noise-snr needs its least value first",
                evidence=f"Received: {low},{high}",
                next_step=f"give --noise-snr {high},{low}",
            )
        if self.resume and self.overwrite:
            raise BadInput(
                "--resume and --overwrite exclude each other",
                evidence="Received: both of them",
                next_step="give --resume to go on with the run, or --overwrite to begin anew",
            )
        if self.checkpoint_path.suffix != ".keras":
            raise BadInput(
                "--checkpoint-path must name a file that ends in .keras",
                evidence=f"Received: {self.checkpoint_path}",
                next_step="for example --checkpoint-path checkpoints/best_model.keras; of a bundle, the "
                "checkpoint that it was quantized from",
            )

        together.check(self)
        try:
            if self.contract.rows != 1:  # the mixer's bands must exist, too
                replace(self.contract, mel_bands=self.num_mels, norm_low=0.0)
        except BadInput as error:
            raise _in_options(error) from error

    @property
    def contract(self) -> FrontendContract:
        """What the boards compute before the model.

        Raises:
            BadInput: the geometry is impossible; options that exist never have such a one.
        """
        made: FrontendContract = frontend(self.audio_frontend).contract(self)
        return made

    @property
    def loss_name(self) -> str:
        """The loss: `auto` is what the head is made for."""
        return HEADS[self.class_activation][0] if self.loss == "auto" else self.loss

    def recipe(self) -> dict[str, Any]:
        """Everything that decides the weights besides the data's bytes: what a resumed run must share.

        Values are as JSON gives them back.
        """
        outside = {"data_path_train"}
        outside |= {one.name for one in fields(self) if Option.of(one).declared.part == "run"}
        given = {k: v for k, v in asdict(self).items() if k not in outside}
        made: dict[str, Any] = json.loads(json.dumps(given, default=str))
        return made


# What a contract's refusals say -> what it is called among options; mel_low is none of them.
_OF_CONTRACTS = {
    **{
        name: flag(name) for name in ("log1p_gain", "norm_low", "percentile_low", "percentile_high")
    },
    "fewer bands": f"fewer {flag('num_mels')}",
    "a longer FFT or a higher mel_low": f"a longer {flag('fft_length')}",
    "a longer FFT": f"a longer {flag('fft_length')}",
}


def _in_options(error: BadInput) -> BadInput:
    """A contract's refusal, in the names of options."""

    def said(text: str) -> str:
        for word, told in _OF_CONTRACTS.items():
            text = re.sub(rf"(?<![-\w]){word}\b", told, text)
        return text

    return BadInput(
        said(error.what), evidence=said(error.evidence), next_step=said(error.next_step)
    )
