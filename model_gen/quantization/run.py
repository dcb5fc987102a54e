"""A whole quantization, from a checkpoint to a bundle, or to nothing where a gate fails."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import host
from host.bundle import (
    LABELS,
    MODEL,
    VECTORS,
    Vectors,
    vectors_to_npz,
    write_bundle,
)
from host.contract import Contract, TensorContract
from host.errors import BadInput
from host.files import sha256_bytes
from host.owned import check_replaceable
from host.places import check_folder
from host.reference.interpreter import ReferenceTensor
from model_gen.codegen.cm55.compile import plan_model
from model_gen.data.dataset import Recording, stable_order, targets
from model_gen.data.features import Chunks, extract
from model_gen.data.places import in_turn
from model_gen.data.reopen import recordings_of
from model_gen.data.selection import Selection
from model_gen.data.split import Assignment, to_csv
from model_gen.models.backbones import check_boards
from model_gen.models.checkpoint import beside, load_checkpoint
from model_gen.models.config import ModelConfig, load_config
from model_gen.models.predict import predict_logits
from model_gen.progress import line, warn
from model_gen.quantization.calibration import (
    CALIBRATION,
    calibration,
    calibration_features,
    manifest_csv,
    read_manifest,
)
from model_gen.quantization.convert import convert_checkpoint
from model_gen.quantization.gates import MAX_DROP, GateResult, Heard, judge
from model_gen.quantization.int8 import Int8Model, require_range
from model_gen.quantization.npu_safe import Safe, npu_safe
from model_gen.quantization.ranges.own import owned_checkpoint
from model_gen.quantization.ranges.recorded import (
    RANGES,
    Recorded,
    ranges_csv,
    recorded_in,
    shares,
)
from model_gen.quantization.recordings import SPLIT, assignment_of, chunks_of
from model_gen.runtime import tensorflow

CALIBRATION_SAMPLES = 256
OWN, CONVERTER = "own", "converter"  # whose ranges
# How the pinned TFLite's reference rounds, as firmware/kernels/README.md names the rules; the other ops: "double".
ROUNDING = {"FULLY_CONNECTED": "real"}
EXACT_OPS = frozenset({"TRANSPOSE", "RESHAPE", "PAD", "SLICE"})
_NPU_CHUNKS = 16  # of those that calibrate: what the sums of the NPU are looked at on


@dataclass(frozen=True)
class QuantizeOptions:
    """One quantization."""

    checkpoint: Path
    data_path: Path
    out: Path
    calibration_samples: int | None = None  # None: the manifest beside the checkpoint, or 256
    vectors: int = 4
    max_drop: float = MAX_DROP  # of class-mean AP and of top-1 on validation, 0 to 1
    seed: int = 42
    num_workers: int = 2
    cache_dir: Path | None = None  # None: the cache `windows`
    force: bool = False  # whether `out` is replaced whatever is in it
    npu_safe: bool = False  # whether the NPU is kept from cutting sums off
    ranges: str = OWN
    ranges_from: Path | None = (
        None  # a bundle whose ranges are taken where they are of the same computation
    )


@dataclass(frozen=True)
class QuantizeResult:
    """What came out: `contract` is None where a gate failed and nothing was written; `npu` where nobody asked."""

    gates: GateResult
    contract: Contract | None
    ops: tuple[str, ...]
    model_bytes: int
    npu: Safe | None = None
    arena_bytes: int | None = None  # of a board that runs it


def quantize(options: QuantizeOptions) -> QuantizeResult:
    """Calibrate on train recordings, convert, judge on validation recordings, and write the bundle if it passes.

    Raises:
        BadInput: checkpoint, data or cache folder are unusable, or `out` holds one of the first two, or
            something else than a bundle as it was written, without `force`.
        HostFailure: the converter failed, or its model has ranges that do not hold the features.
    """
    _check_apart(options)
    check_replaceable(options.out, force=options.force)
    check_folder("--cache-dir", options.cache_dir)
    recorded = _recorded(options)
    check_boards(load_config(options.checkpoint).backbone)
    tensorflow()
    model, config = load_checkpoint(options.checkpoint)
    assignment = assignment_of(options.checkpoint)
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
    manifest = _manifest(options, train)
    line(f"converting, calibrated on {len(manifest)} chunks of {len(train.recordings)} recordings")
    calibrating = calibration_features(manifest)
    tflite, ranges, told = _converted(options, calibrating, recorded)
    int8 = Int8Model(tflite)
    require_range(int8.input, config.frontend)
    npu = None
    if options.npu_safe:
        npu = npu_safe(tflite, [int8.steps(features) for features in calibrating[:_NPU_CHUNKS]])
        tflite, int8 = npu.content, Int8Model(npu.content)
    heard = Heard(
        val.owner, targets(val.recordings, config.labels), config.labels, config.class_activation
    )
    gates = judge(predict_logits(model, val), int8.logits(val), heard, max_drop=options.max_drop)
    ops = tuple(op.name for op in int8.reference.ops)
    if not gates.passed:
        return QuantizeResult(gates, None, ops, len(tflite), npu)
    shown = "test" if "test" in assignment.values() else "val"
    if shown == "val":
        warn("the split has no test recordings: the vectors come from validation recordings")
    files = {
        MODEL: tflite,
        LABELS: "".join(f"{label}\n" for label in config.labels).encode(),
        VECTORS: vectors_to_npz(_vectors(int8, config, assignment, shown, options)),
        CALIBRATION: manifest_csv(manifest).encode(),
        SPLIT: to_csv(assignment).encode(),
        **ranges,
    }
    contract = Contract(
        frontend=config.frontend,
        labels=config.labels,
        output_activation=config.class_activation,
        input=_tensor(int8.input),
        output=_tensor(int8.output),
        rounding={op: ROUNDING.get(op, "double") for op in sorted(set(ops) - EXACT_OPS)},
        files={name: sha256_bytes(data) for name, data in sorted(files.items())},
        tools=_tools(int8),
        quality={
            "gates": gates.as_json(),
            "judged_on": "val",
            "vectors": {"split": shown},
            "calibration": {"split": "train", "chunks": len(manifest), "seed": options.seed},
            **told,
            **({} if npu is None else {"npu_safe": npu.as_json()}),
        },
    )
    write_bundle(options.out, contract, files, force=options.force)
    return QuantizeResult(gates, contract, ops, len(tflite), npu, plan_model(tflite)[1].bytes)


def _recorded(options: QuantizeOptions) -> Recorded | None:
    """The ranges of `options.ranges_from`."""
    if options.ranges_from is None:
        return None
    if options.ranges == CONVERTER:
        raise BadInput(
            "--ranges-from needs ranges of our own",
            evidence=f"Received: --ranges {CONVERTER}",
            next_step="leave --ranges out, or --ranges-from",
        )
    return recorded_in(options.ranges_from)


def _manifest(options: QuantizeOptions, train: Chunks) -> Chunks:
    """The chunks that calibrate: those of the manifest beside the checkpoint, unless a number is given."""
    beside_it = beside(options.checkpoint, CALIBRATION)
    if options.calibration_samples is None and beside_it.is_file():
        line(f"the chunks of {beside_it} calibrate")
        return read_manifest(beside_it, train)
    return calibration(train, options.calibration_samples or CALIBRATION_SAMPLES, options.seed)


def _converted(
    options: QuantizeOptions, calibrating: npt.NDArray[np.float32], recorded: Recorded | None
) -> tuple[bytes, dict[str, bytes], dict[str, Any]]:
    """The int8 model, the bundle's file of ranges, and what the contract says of them.

    Raises:
        BadInput: no computation of the model has a recorded range.
    """
    if options.ranges == CONVERTER:
        return convert_checkpoint(options.checkpoint, calibrating), {}, {}
    owned = owned_checkpoint(
        options.checkpoint, calibrating, recorded=None if recorded is None else recorded.of
    )
    text = ranges_csv(owned.calibrated)
    told: dict[str, Any] = {"measured": text.count("\n") - 1 - owned.taken}
    if recorded is not None:
        if not shares(owned.calibrated, recorded.of):
            raise BadInput(
                "--ranges-from needs a bundle that shares a part with the model",
                evidence=f"Received: {options.ranges_from}, all of whose ranges are of other computations",
                next_step="give the bundle of the same backbone, or leave --ranges-from out",
            )
        line(
            f"{owned.taken} ranges are those of {options.ranges_from}, {told['measured']} measured"
        )
        told |= {"recorded": owned.taken, "model_sha256": recorded.model_sha256}
    return owned.int8, {RANGES: text.encode()}, {"ranges": told}


def _check_apart(options: QuantizeOptions) -> None:
    """Refuse a bundle in whose place, `force` or not, what it is made from would be lost."""
    out, data = options.out.resolve(), options.data_path.resolve()
    for read in (data, options.checkpoint.resolve()):
        if read.is_relative_to(out) or (read == data and out.is_relative_to(data)):
            raise BadInput(
                "the bundle's folder must lie apart from the recordings and the checkpoint",
                evidence=f"Received: --out {options.out}, in whose place or around which is {read}",
                next_step="give --out a folder of its own",
            )


def _vectors(
    int8: Int8Model,
    config: ModelConfig,
    assignment: Assignment,
    split: str,
    options: QuantizeOptions,
) -> Vectors:
    """The loudest chunk of one recording of `split` each, of folders spread over the classes."""
    first: dict[str, Recording] = {}
    recordings = recordings_of(options.data_path, config.labels, assignment, split)
    for recording in sorted(recordings, key=lambda r: stable_order(options.seed, r.relative)):
        first.setdefault(recording.kind, recording)
    spread = np.linspace(0, len(first) - 1, min(options.vectors, len(first))).round().astype(int)
    chosen = [first[sorted(first)[i]] for i in spread]
    chunks = extract(
        chosen,
        config.frontend,
        Selection(config.max_duration, salient=1),
        cache_dir=options.cache_dir,
    )
    features = chunks.features(range(len(chunks)))
    steps = [int8.steps(spectrogram) for spectrogram in features]
    return Vectors(
        chunks=np.stack([chunks.samples(i) for i in range(len(chunks))]),
        features=features,
        inputs=np.concatenate(steps),
        scores=np.stack([int8.scores(step) for step in steps]),
    )


def _tensor(end: ReferenceTensor) -> TensorContract:
    return TensorContract(end.shape, end.dtype.name, end.scale, end.zero_point)


def _tools(int8: Int8Model) -> dict[str, str]:
    packages = ("keras", "numpy", "soundfile", "soxr")
    return {
        "nightjar": host.__version__,
        "reference": int8.reference.description,
        **{package: version(package) for package in packages},
    }
