"""The table of the options of training: each is one field, and everything that is told of it follows from that.

The command line, its limits, the presets, old names, the nearest valid value in an error and the documentation
(docs/training-options.md) are made from these declarations. A new option is a new field here, and nothing elsewhere.
"""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from host.errors import BadInput
from model_gen.training.heads import HEADS, LOSS_NAMES
from model_gen.training.option import check, declaration, default_of, option


@dataclass(frozen=True)
class TrainOptions:
    """One training run. The defaults are those of the preset `release`.

    Raises:
        BadInput: a value is out of its range, or asks for what is not built yet.
    """

    data_path_train: Path = option("Class folders of recordings.", "data")
    test_data: Path | None = option(
        "An outside folder of test recordings; implies --test-split 0.", "data", release=None
    )
    max_samples: int | None = option(
        "Recordings of a class at most.", "data", release=None, least=1
    )
    max_classes: int | None = option(
        "Keep the classes with most recordings.", "data", release=None, least=1
    )
    upsample_ratio: float = option(
        "Repeat minority classes up to this share of the largest.",
        "data",
        release=0.5,
        least=0,
        most=1,
    )
    max_duration: float = option(
        "Seconds read of one recording; 0 is all.", "data", release=60.0, least=0
    )
    max_chunks_per_file: int = option(
        "Salient chunks taken from one recording.", "data", release=3, least=1, most=1000
    )
    min_activity: float = option(
        "Windows are not chosen by their activity; docs/windows.md says why.",
        "data",
        release=0.1,
        least=0,
        most=1,
        later=True,
    )
    val_split: float = option(
        "Share of recordings for validation.", "data", release=0.2, above=0, below=1
    )
    test_split: float = option(
        "Share of recordings kept for testing; 0 is none.", "data", release=0.2, least=0, below=1
    )
    group_by: str | None = option(
        "Regular expression; recordings with the same first group of it are never split.",
        "data",
        release=None,
    )
    test_group: tuple[str, ...] = option(
        "Groups of --group-by that are kept for testing.", "data", release=()
    )
    val_group: tuple[str, ...] = option(
        "Groups of --group-by that validate; the others train.", "data", release=()
    )
    split_file: bool = option(
        "Honour a split.csv in the data folder; --group-by comes first.",
        "data",
        release=True,
    )
    labels: Path | None = option(
        "A table with the columns path, split, labels, recordist.", "data", release=None
    )
    multi_label: bool = option(
        "Equal recordings in several classes are one with all labels.", "data", release=False
    )

    sample_rate: int = option("Hz.", "model", release=24000, least=1, most=384000)
    chunk_duration: float = option(
        "Seconds that one inference hears.", "model", release=2.5, april=3.0, above=0
    )
    fft_length: int = option(
        "Samples of one FFT.", "model", release=512, power=True, least=128, most=2048
    )
    spec_width: int = option(
        "Frames of a spectrogram; hop = chunk // spec-width.", "model", release=256, least=8
    )
    num_mels: int = option("Bands of the mel mixer.", "model", release=64, least=4)
    n_mfcc: int = option(
        "Coefficients of --audio-frontend mfcc.", "model", release=20, least=4, later=True
    )
    audio_frontend: str = option(
        "What lies before the backbone.",
        "model",
        release="hybrid",
        choices=("hybrid",),
        later=("raw", "librosa", "mfcc", "log_mel"),
        old=(("precomputed", "librosa"), ("tf", "raw")),
    )
    input_compression: str = option(
        "Of the spectrogram, before the first int8 tensor.",
        "model",
        release="sqrt",
        april="none",
        choices=("none", "sqrt"),
        later=("log", "log1p", "pcen"),
    )
    mag_scale: str = option(
        "Scaling of magnitudes.",
        "model",
        release="pwl",
        choices=("pwl", "none"),
        later=("pcen", "db"),
    )
    frontend_trainable: bool = option("Train the mel mixer too.", "model", release=False)

    backbone: str = option(
        "The network.", "model", release="dscnn", choices=("dscnn",), later=("teacher",)
    )
    alpha: float = option(
        "Width of the backbone.", "model", release=1.0, above=0, most=8, search=(0.25, 1.5)
    )
    depth_multiplier: float = option(
        "Repeats of the backbone's blocks.", "model", release=1.0, above=0, most=8, search=(1, 2)
    )
    stage_widths: tuple[int, ...] = option(
        "Channels of the four stages.",
        "model",
        release=(32, 64, 128, 256),
        count=(4,),
        least=8,
        multiple=8,
        later=True,
    )
    stage_repeats: tuple[int, ...] = option(
        "Blocks of the four stages.", "model", release=(2, 3, 4, 2), count=(4,), least=1, later=True
    )
    depthwise_kernel: tuple[int, ...] = option(
        "Side of the depthwise kernels, one or four values.",
        "model",
        release=(3,),
        count=(1, 4),
        least=3,
        most=5,
        later=True,
    )
    embeddings_size: int = option(
        "Channels before the head.",
        "model",
        release=256,
        least=8,
        multiple=8,
        search=(128, 256, 512),
    )
    se: bool = option(
        "Squeeze and excitation.",
        "model",
        release=False,
        april=True,
        later=True,
        aka=("use-se",),
        search=(False, True),
    )
    se_reduction: int = option(
        "Of squeeze and excitation.", "model", release=8, least=1, later=True, search=(4, 8, 16)
    )
    inverted_residual: bool = option(
        "Inverted residual blocks.",
        "model",
        release=False,
        april=True,
        later=True,
        aka=("use-inverted-residual",),
        search=(False, True),
    )
    expansion_factor: int = option(
        "Of inverted residual blocks.", "model", release=2, least=1, later=True, search=(2, 4, 6)
    )
    use_attention_pooling: bool = option(
        "Pool by attention.", "model", release=False, later=True, search=(False, True)
    )
    dropout: float = option(
        "Before the head.", "model", release=0.5, least=0, below=1, search=(0.0, 0.7)
    )
    spatial_dropout: float = option(
        "Of whole channels, at the end of each block.",
        "model",
        release=0.1,
        least=0,
        below=1,
        later=True,
    )
    class_activation: str = option(
        "Of the output: a probability a class, or one over all.",
        "model",
        release="sigmoid",
        choices=tuple(HEADS),
    )

    mixup_alpha: float = option(
        "Of the Dirichlet distribution; 0 is off.",
        "recipe",
        release=0.2,
        least=0,
        most=1000,
        search=(0.0, 0.5),
    )
    mixup_probability: float = option(
        "Share of a batch that is mixed.", "recipe", release=0.25, least=0, most=1
    )
    mixup_domain: str = option(
        "Whether spectrograms are mixed or recordings.",
        "recipe",
        release="input",
        choices=("input",),
        later=("audio",),
    )
    spec_augment: bool = option("Mask bins and frames.", "recipe", release=True)
    freq_mask_max: int = option(
        "Bins of one mask at most.", "recipe", release=8, least=0, most=1024
    )
    time_mask_max: int = option(
        "Frames of one mask at most.", "recipe", release=25, least=0, most=4096
    )

    loss: str = option(
        "auto: bce, or cce under softmax.",
        "recipe",
        release="auto",
        choices=LOSS_NAMES,
    )
    focal_gamma: float = option(
        "How little the focal loss counts what is right already.",
        "recipe",
        release=2.0,
        least=0,
        most=100,
    )
    label_smoothing: float = option(
        "Share taken from hard labels.",
        "recipe",
        release=0.0,
        april=0.1,
        least=0,
        most=0.5,
        search=(0.0, 0.2),
    )
    class_weights: bool = option(
        "Weigh the positive term of rare classes more.", "recipe", release=False, april=True
    )
    optimizer: str = option(
        "Optimizer.",
        "recipe",
        release="adam",
        choices=("adam", "sgd", "adamw"),
        search=("adam", "sgd", "adamw"),
    )
    weight_decay: float = option(
        "Of kernels, decoupled from the gradient.",
        "recipe",
        release=0.0,
        least=0,
        most=10,
        search=(1e-6, 1e-2, "log"),
    )
    l2: float = option(
        "Of kernels, in the loss.", "recipe", release=0.0001, now=0.0, least=0, most=10
    )
    grad_clip: float = option(
        "Global norm of the gradient; 0 is off.",
        "recipe",
        release=1.0,
        least=0,
        most=1e6,
        search=(0.0, 5.0),
    )
    batch_size: int = option(
        "Chunks a step.", "recipe", release=32, least=1, most=4096, search=(16, 32, 64)
    )
    epochs: int = option("At most.", "recipe", release=50, least=1, most=10000)
    learning_rate: float = option(
        "Peak, after the warm-up.",
        "recipe",
        release=0.0005,
        april=0.001,
        above=0,
        most=10,
        search=(1e-4, 1e-2, "log"),
    )
    warmup_epochs: int = option(
        "In which the rate rises; a quarter of all at most.",
        "recipe",
        release=2,
        april=0,
        least=0,
        most=10000,
    )
    select: str = option(
        "What the checkpoint's epoch is best at.",
        "recipe",
        release="ap",
        april="loss",
        choices=("loss", "ap", "roc-auc", "top1"),
    )
    patience: int = option(
        "Epochs without a better one before training stops.",
        "recipe",
        release=10,
        least=1,
        most=10000,
    )
    stopping: str = option(
        "When they count: patience always, late-patience in the last third of the cosine alone.",
        "recipe",
        release="late-patience",
        april="patience",
        choices=("patience", "late-patience"),
    )
    mixed_precision: bool = option("Compute in float16.", "recipe", release=False)
    seed: int = option(
        "Of split, weights, order and augmentation.",
        "recipe",
        release=42,
        least=0,
        most=2**31 - 1,
    )
    callback: str | None = option(
        "package.module:factory of Keras callbacks of your own.", "recipe", release=None
    )

    checkpoint_path: Path = option(
        "The .keras file to write.", "run", release=Path("checkpoints/best_model.keras")
    )
    num_workers: int = option(
        "Threads that decode and make batches; 0 is the caller's alone.",
        "run",
        release=lambda: os.cpu_count() or 1,
        april=8,
        least=0,
        most=256,
    )
    cache_dir: Path | None = option("Where windows are kept.", "run", release=None)
    resume: bool = option("Go on from the train state.", "run", release=False)
    overwrite: bool = option("Train anew where a run is there.", "run", release=False)
    tensorboard: Path | None = option("Folder for TensorBoard's logs.", "run", release=None)

    qat: bool = option("Quantization-aware training.", "recipe", release=False, later=True)
    qat_mode: str = option(
        "What it simulates.",
        "recipe",
        release="faithful",
        april="shadow",
        choices=("faithful", "shadow"),
        later=True,
    )
    linear_probe: bool = option("Train a new head alone.", "recipe", release=False, later=True)
    teacher: Path | None = option("A model to learn from.", "recipe", release=None, later=True)
    tune: bool = option("Search for better options.", "run", release=False, later=True)
    n_trials: int = option("Of the search.", "run", release=20, least=1, later=True)
    storage: str | None = option("URL of the search's store.", "run", release=None, later=True)
    study: str | None = option("Name of the search.", "run", release=None, later=True)

    def __post_init__(self) -> None:
        for one in fields(self):
            check(one.name, getattr(self, one.name), declaration(one), default_of(one))
        if self.loss_name not in HEADS[self.class_activation]:
            head = next(head for head, losses in HEADS.items() if self.loss_name in losses)
            raise BadInput(
                f"--loss {self.loss} needs --class-activation {head}",
                evidence=f"Received: --class-activation {self.class_activation}",
            )
        if self.multi_label and self.class_activation == "softmax":
            raise BadInput(
                "--multi-label needs --class-activation sigmoid",
                evidence="Received: --class-activation softmax, whose classes exclude each other",
            )
        if self.resume and self.overwrite:
            raise BadInput(
                "--resume and --overwrite exclude each other", evidence="Received: both of them"
            )
        if self.checkpoint_path.suffix != ".keras":
            raise BadInput(
                "--checkpoint-path must end in .keras", evidence=f"Received: {self.checkpoint_path}"
            )

    @property
    def loss_name(self) -> str:
        """The loss: `auto` is what the head is made for."""
        return HEADS[self.class_activation][0] if self.loss == "auto" else self.loss

    def recipe(self) -> dict[str, Any]:
        """Everything that decides the weights besides the data's bytes: what a resumed run must share.

        Values are as JSON gives them back.
        """
        outside = {"data_path_train"}
        outside |= {one.name for one in fields(self) if declaration(one).part == "run"}
        given = {k: v for k, v in asdict(self).items() if k not in outside}
        made: dict[str, Any] = json.loads(json.dumps(given, default=str))
        return made
