"""A whole conversion, from a checkpoint to a file that a bundle does not need, and a report beside it."""

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.files import sha256_bytes, write_atomically
from host.places import check_folder
from host.reference.model import ReferenceModel
from model_gen.data.dataset import targets
from model_gen.data.features import Chunks
from model_gen.data.places import in_turn
from model_gen.evaluation.pooling import activate
from model_gen.models.backbones import check_boards
from model_gen.models.checkpoint import beside, load_checkpoint
from model_gen.models.config import ModelConfig, load_config
from model_gen.models.predict import predict_logits
from model_gen.progress import bar, line, warn
from model_gen.quantization.calibration import (
    CALIBRATION,
    calibration,
    calibration_features,
    stratified,
)
from model_gen.quantization.convert import INT8, convert_checkpoint
from model_gen.quantization.form import SUFFIXES, Form
from model_gen.quantization.gates import MAX_DROP, GateResult, Heard, judge
from model_gen.quantization.int8 import require_range
from model_gen.quantization.layer_loss import WINDOWS, Losses, layer_losses
from model_gen.quantization.outputs import Converted
from model_gen.quantization.recordings import assignment_of, chunks_of
from model_gen.quantization.to_onnx import check_equal, onnx_checkpoint, onnx_outputs, require_onnx
from model_gen.runtime import tensorflow

Floats = npt.NDArray[np.float32]
_AT_ONCE = 64  # windows whose features are in memory


@dataclass(frozen=True)
class ConvertOptions:
    """One conversion.

    Attributes:
        checkpoint, data_path: what is converted, and the data that it was trained on.
        out: the file.
        config: the model's configuration; None is the one beside the checkpoint.
        calibration_samples: windows of one manifest.
        seeds: how many manifests, of seeds `seed` and following; the first one's model is written.
        max_drop: of class-mean AP and top-1 on validation, 0 to 1.
        validation_samples: windows that lie beside the file.
        layers: whether the loss of each layer is measured, of int8.
        force: whether `out` is replaced.
    """

    checkpoint: Path
    data_path: Path
    out: Path
    form: Form = INT8
    config: Path | None = None
    calibration_samples: int = 256
    seeds: int = 3
    seed: int = 42
    max_drop: float = MAX_DROP
    validation_samples: int = 64
    layers: bool = True
    num_workers: int = 2
    cache_dir: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class Made:
    """One conversion: of which seed (None: nothing was calibrated), the file, what it computed, and its gates."""

    seed: int | None
    content: bytes
    gates: GateResult


@dataclass(frozen=True)
class ConvertResult:
    """What came out.

    Attributes:
        out, report, validation: the files; None where the gates refused and nothing was written.
        made: of each seed; the first is what `out` holds.
        ops: of the file, by name.
        apart: the largest difference between ONNX Runtime's outputs and Keras's.
        losses: of the layers of an int8 model.
    """

    options: ConvertOptions
    made: tuple[Made, ...]
    ops: dict[str, int]
    judge: str
    out: Path | None = None
    report: Path | None = None
    validation: Path | None = None
    apart: float | None = None
    losses: Losses | None = None

    @property
    def worst(self) -> GateResult:
        """The gates of the seed that holds least."""
        return min(
            (one.gates for one in self.made),
            key=lambda gates: (gates.passed, gates.p5_cosine, gates.mean_cosine),
        )

    def as_json(self) -> dict[str, Any]:
        """For `--json`, and the report beside the file."""
        form = self.options.form
        return {
            "schema": "nightjar/convert/1",
            "out": None if self.out is None else self.out.name,
            "form": asdict(form),
            "bytes": len(self.made[0].content),
            "sha256": sha256_bytes(self.made[0].content),
            "judge": self.judge,
            "gates": self.worst.as_json(),
            "seeds": [
                {"seed": one.seed, "gates": one.gates.as_json(), "bytes": len(one.content)}
                for one in self.made
            ],
            "ops": self.ops,
            "onnx_largest_difference": self.apart,
            "layers": None if self.losses is None else asdict(self.losses),
        }


def beside_out(out: Path, suffix: str) -> Path:
    """A file that belongs to a converted one, such as `model_report.json` beside `model.tflite`."""
    return out.with_name(f"{out.stem}_{suffix}")


def convert(options: ConvertOptions) -> ConvertResult:
    """Convert, once a seed, judge each on validation recordings, and write if all of them pass.

    Raises:
        BadInput: checkpoint, data, cache folder or `out` are unusable.
        HostFailure: a converter failed, or ONNX Runtime computes something else than Keras.
    """
    _check_out(options)
    check_folder("--cache-dir", options.cache_dir)
    form = options.form
    if form.format == "onnx":
        require_onnx()
    if form.scheme == "int8":
        check_boards(load_config(options.checkpoint, options.config).backbone)
    tensorflow()
    model, config = load_checkpoint(options.checkpoint, options.config)
    assignment = assignment_of(options.checkpoint)
    for told in remarks(options):
        warn(told)
    train, val = (
        chunks_of(
            split,
            config,
            assignment,
            options.data_path,
            num_workers=options.num_workers,
            cache_dir=options.cache_dir,
        )
        for split in ("train", "val")
    )
    val = in_turn(val)
    heard, wanted = _wanted(model, config, val, form)
    seeds = range(options.seed, options.seed + options.seeds) if form.calibrated else (None,)
    made: list[Made] = []
    apart: float | None = None
    with bar("conversions", len(seeds)) as show:
        for seed in seeds:
            content, outputs, judge_of = _one(options, train, val, seed)
            if form.format == "onnx":
                apart = check_equal(outputs, wanted)
            gates = judge(wanted, outputs, heard, max_drop=options.max_drop)
            made.append(Made(seed, content, gates))
            show(len(made))
    result = ConvertResult(options, tuple(made), _ops(made[0].content, form), judge_of, apart=apart)
    if not result.worst.passed:
        return result
    losses = _losses(options, train, val) if options.layers and form.scheme == "int8" else None
    return _written(result, losses, val, wanted)


def remarks(options: ConvertOptions) -> Iterator[str]:
    """For people: what a checkpoint that was trained for int8 loses here."""
    manifest = beside(options.checkpoint, CALIBRATION)
    if options.form.calibrated and manifest.is_file():
        yield (
            f"ranges are the converter's, of other windows than {manifest} names, for which the model was trained: "
            "`nightjar quantize` takes those"
        )


def _check_out(options: ConvertOptions) -> None:
    out, suffix = options.out, SUFFIXES[options.form.format]
    if out.suffix != suffix:
        raise BadInput(
            f"--out must name a file that ends in {suffix}",
            evidence=f"Received: {out}",
            next_step=f"for example --out {out.with_suffix(suffix)}",
        )
    if not out.parent.is_dir():
        raise BadInput(
            "the folder of --out must be there",
            evidence=f"Received: {out}, and {out.parent} is no folder",
            next_step=f"mkdir -p {out.parent}",
        )
    there = [path for path in (out, *_companions(out)) if path.exists()]
    folders = [path for path in there if not path.is_file()]
    if folders or (there and not options.force):
        raise BadInput(
            "there is something in the place of what would be written",
            evidence=f"Received: {', '.join(map(str, folders or there))}",
            next_step="give another --out" if folders else "give another --out, or add --force",
        )


def _companions(out: Path) -> tuple[Path, Path]:
    return beside_out(out, "report.json"), beside_out(out, "validation.npz")


def _wanted(model: Any, config: ModelConfig, val: Chunks, form: Form) -> tuple[Heard, Floats]:
    """How outputs are judged, and the float model's."""
    activation = config.class_activation
    logits = predict_logits(model, val)
    of_scores = form.output == "scores"
    heard = Heard(
        val.owner,
        targets(val.recordings, config.labels),
        config.labels,
        "none" if of_scores else activation,
    )
    return heard, activate(logits, activation).astype(np.float32) if of_scores else logits


def _one(
    options: ConvertOptions, train: Chunks, val: Chunks, seed: int | None
) -> tuple[bytes, Floats, str]:
    """One conversion: the file, what it says of validation's windows, and by whose kernels."""
    form = options.form
    if form.format == "onnx":
        import onnxruntime

        content = onnx_checkpoint(options.checkpoint, form, config=options.config)
        rows = [onnx_outputs(content, part) for part in _parts(val)]
        return content, np.concatenate(rows), f"ONNX Runtime {onnxruntime.__version__}"
    features = None
    if seed is not None:
        manifest = calibration(train, options.calibration_samples, seed)
        features = calibration_features(manifest)
    content = convert_checkpoint(options.checkpoint, features, form, config=options.config)
    converted = Converted(content, form)
    if form.ends == "int8":
        require_range(converted.input, train.contract)
    rows = [converted.real(converted.run(converted.inputs(part))) for part in _parts(val)]
    return content, np.concatenate(rows), converted.reference.description


def _parts(val: Chunks) -> Iterator[Floats]:
    """Features of all windows, some at a time."""
    for start in range(0, len(val), _AT_ONCE):
        yield val.features(range(start, min(start + _AT_ONCE, len(val))))


def _losses(options: ConvertOptions, train: Chunks, val: Chunks) -> Losses:
    line("measuring what each layer's quantization costs")
    manifest = calibration(train, options.calibration_samples, options.seed)
    judged = val.take(stratified(val, WINDOWS, options.seed))
    return layer_losses(
        options.checkpoint,
        options.form,
        calibration_features(manifest),
        judged.features(range(len(judged))),
        config=options.config,
    )


def _ops(content: bytes, form: Form) -> dict[str, int]:
    if form.format == "onnx":
        import onnx

        graph = onnx.load_from_string(content).graph
        return dict(sorted(Counter(node.op_type for node in graph.node).items()))
    return dict(sorted(Counter(op.name for op in ReferenceModel(content).ops).items()))


def _written(
    result: ConvertResult, losses: Losses | None, val: Chunks, wanted: Floats
) -> ConvertResult:
    """Write the file last: where it is, its report and its data are, too."""
    options = result.options
    content = result.made[0].content
    chosen = stratified(val, options.validation_samples, options.seed)
    features = val.take(chosen).features(range(len(chosen)))
    form = options.form
    if form.format == "onnx":
        inputs: Any = features[..., None]
        outputs: Any = onnx_outputs(content, features)
    else:
        converted = Converted(content, form)
        inputs = converted.inputs(features)
        outputs = converted.run(inputs)
    report, validation = _companions(options.out)
    done = replace(result, out=options.out, report=report, validation=validation, losses=losses)
    stream = io.BytesIO()
    np.savez(
        stream,
        features=features[..., None],
        inputs=inputs,
        outputs=outputs,
        expected=wanted[chosen],
    )
    write_atomically(validation, stream.getvalue())
    write_atomically(report, (json.dumps(done.as_json(), indent=1) + "\n").encode())
    write_atomically(options.out, content)
    return done
