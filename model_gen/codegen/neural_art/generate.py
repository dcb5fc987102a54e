"""Generation for the NPU: stedgeai driven, or what it wrote elsewhere taken; either proved, identified and written."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from host.backends import NEURAL_ART
from host.bundle import CONTRACT, MODEL, Subject
from host.deadline import Deadline
from host.errors import BadInput, NightjarError
from host.files import sha256_bytes
from host.n6_layout import layout
from host.owned import check_replaceable, new_directory
from model_gen.codegen.neural_art import command
from model_gen.codegen.neural_art.compilation import HARDWARE, HYBRID, SOFTWARE
from model_gen.codegen.neural_art.install import find_stedgeai, version_of
from model_gen.codegen.neural_art.manifest import (
    BUNDLE,
    GENERATED,
    LOG,
    MANIFEST,
    SCHEMA,
    Written,
)
from model_gen.codegen.neural_art.network_source import NetworkSource, SourceBuffer
from model_gen.codegen.neural_art.output_folder import Output, read_output
from model_gen.codegen.neural_art.profile import HIL, POOLS, PROFILE, RELEASE
from model_gen.codegen.neural_art.proof import belonging, check_headers, check_npu, md5
from model_gen.codegen.neural_art.provenance import identify
from model_gen.codegen.neural_art.regions import (
    BOARDS,
    MOST_BANKS,
    Taken,
    memories,
    strangers,
    taken,
)
from model_gen.codegen.neural_art.runtime import runtime_of
from model_gen.codegen.neural_art.versions import Version
from model_gen.codegen.tflite.advice import FULL_INT8
from model_gen.codegen.tflite.reader import read_tflite

AUTO, RAM, NOR = "auto", "ram", "nor"
_BESIDES = 4096  # bytes of constants that are none of the model's


def generate(
    subject: Subject,
    board: str,
    out: Path,
    *,
    build: str,
    deadline: Deadline,
    weights: str = AUTO,
    force: bool = False,
) -> Written:
    """Drive this computer's stedgeai, and write what it made to the folder `out`, whole or not at all.

    Its log is kept in `out`; where it fails, beside it, as OUT.stedgeai.log.

    Args:
        subject: a bundle or a model; int8 at its ends.
        board: one of BOARDS, whose memory pools are rendered.
        out: the folder.
        build: HIL or RELEASE.
        deadline: of stedgeai.
        weights: where they shall lie: RAM, NOR, or AUTO, which is RAM where they fit there beside the activations.
        force: whether `out` is replaced whatever is in it.

    Raises:
        BadInput: the board has no NPU, the model's ends are no int8, stedgeai refused model or options, it did not
            compile for the NPU, or `out` holds something else.
        HostFailure: there is no stedgeai, or it failed by itself.
        IdentityFailure: it compiled something else.
    """
    out = Path(os.path.realpath(out))
    memories(board)
    check_replaceable(out, force=force)
    check_ends(subject.model)
    install = find_stedgeai()
    version, dialect = version_of(install.program)
    log = out.with_name(f"{out.name}.{LOG}")
    with tempfile.TemporaryDirectory(prefix="nightjar-stedgeai-") as temporary:
        *first, last = choices(subject.model, weights)
        for banks in (*first, last):
            work = Path(temporary) / f"work-{banks}"
            command.prepare(work, subject.model, dialect, board, build, banks)
            try:
                said = command.run(install, work, log, deadline)
                break
            except NightjarError:  # whatever it was: there was no room, or the next says it again
                if banks == last or deadline.expired:
                    raise
                log.unlink(missing_ok=True)
        with _log_kept(log, said):
            output = read_output(work / command.OUTPUT)
            check_npu(output)
            _check_asked(output, board, build, version)
            assert output.network is not None
            check_headers(output.network, runtime_of(install.core))
        inputs = {name: (work / name).read_bytes() for name in (POOLS, PROFILE)}
    tool = {
        "name": "ST Edge AI Core",
        "version": str(version),
        "core": str(install.core),
        "found_by": install.told_by,
        "command": list(said.command),
    }
    extra = {LOG: said.log.encode(), **inputs}
    with _log_kept(log, said):
        return _write(subject, output, out, tool, extra, (board,), force=force)


def choices(model: bytes, weights: str) -> tuple[int, ...]:
    """How many banks of the NPU's RAM are set apart for constants, one try after the other; 0: they lie in the NOR.

    The constants of network.c are those of the model in other forms, and some besides.

    Raises:
        BadInput: they cannot lie in RAM.
    """
    graph = read_tflite(model)
    size = sum(t.value.nbytes for t in graph.tensors if t.value is not None)
    banks = -(-(size + size // 8 + _BESIDES) // layout()["AXISRAM3_TO_6_EACH_BYTES"])
    if weights == NOR or (weights == AUTO and banks > MOST_BANKS):
        return (0,)
    if banks > MOST_BANKS:
        raise BadInput(
            f"the weights of a network for the NPU take at most {MOST_BANKS} of its RAMs",
            evidence=f"Received: {size:,} bytes of constants, for which {banks} are needed",
            next_step="leave --weights away: they go to the external NOR",
        )
    return (banks,) if weights == RAM else (banks, 0)


@contextmanager
def _log_kept(log: Path, said: command.Said) -> Iterator[None]:
    """Keep what stedgeai said where what it made is refused, and say where."""
    try:
        yield
    except NightjarError as error:
        command.keep(log, said)
        raise type(error)(
            error.what, evidence=f"{error.evidence}; its log: {log}", next_step=error.next_step
        ) from error


def take(subject: Subject, folder: Path, out: Path, *, force: bool = False) -> Written:
    """Write what stedgeai made elsewhere to the folder `out`, whole or not at all.

    Raises:
        BadInput: `folder` does not hold the files of one generation for the NPU, nothing tells which model they are
            of, or `out` holds something else.
        IdentityFailure: they are of another model than `subject`'s.
    """
    out = Path(os.path.realpath(out))
    # What is taken is the user's: no --force replaces it.
    force = force and not Path(os.path.realpath(folder)).is_relative_to(out)
    check_replaceable(out, force=force)
    output = read_output(folder)
    told = output.compilation
    tool = {
        "name": "ST Edge AI Core",
        "version": None if told is None else str(told.version),
        "core": None,
        "found_by": "--from",
        "command": None,
    }
    return _write(subject, output, out, tool, {}, BOARDS, force=force)


def _write(
    subject: Subject,
    output: Output,
    out: Path,
    tool: Mapping[str, Any],
    extra: Mapping[str, bytes],
    boards: tuple[str, ...],
    *,
    force: bool,
) -> Written:
    check_npu(output)
    network = output.network
    assert network is not None
    belongs = belonging(output)
    identity = identify(output, subject.model)
    files = {
        **{f"{GENERATED}/{name}": data for name, data in sorted(output.files.items())},
        **_of_subject(subject),
        **extra,
    }
    manifest = {
        "schema": SCHEMA,
        "backend": NEURAL_ART,
        "model_sha256": subject.model_sha256,
        "model_md5": md5(subject.model),
        "contract_sha256": subject.contract_sha256,
        "identity": asdict(identity),
        "c_info": asdict(belongs),
        "tool": dict(tool),
        "compiler": network.compiler,
        "dialect": _dialect(output, network),
        "build": RELEASE if any(epoch.is_blob for epoch in network.epochs) else HIL,
        "internal_buffers": len(network.internals),
        "boards": _boards(_taken(output, network), boards),
        "network": f"{GENERATED}/{output.network_name}",
        "symbol": network.symbol,
        "images": {f"{GENERATED}/{name}": address for name, address in output.images.items()},
        "epochs": _epochs(output, network),
        "ends": _ends(network),
        "files": {
            name: {"bytes": len(data), "sha256": sha256_bytes(data)} for name, data in files.items()
        },
    }
    with new_directory(out, force=force) as folder:
        for name, data in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    return Written(out, manifest, output)


def _of_subject(subject: Subject) -> dict[str, bytes]:
    """What the network was made of, so that the folder can be judged alone."""
    if subject.contract_json is None:
        return {MODEL: subject.model}
    files = {**subject.files, CONTRACT: subject.contract_json}
    return {f"{BUNDLE}/{name}": data for name, data in sorted(files.items())}


def check_ends(model: bytes) -> None:
    """Refuse a model whose ends are no int8: the core would compute at them, and nothing be compared to the bit.

    Raises:
        BadInput: as told; or it is no model.
    """
    graph = read_tflite(model)
    ends = [graph.tensors[index] for index in (*graph.inputs, *graph.outputs)]
    strange = [tensor for tensor in ends if tensor.dtype != "int8"]
    if strange:
        raise BadInput(
            "backend neural_art takes models with int8 inputs and outputs",
            evidence=f"Received: {'; '.join(tensor.describe() for tensor in strange)}",
            next_step=FULL_INT8,
        )


def _check_asked(output: Output, board: str, build: str, version: Version) -> None:
    """Refuse what stedgeai made otherwise than it was asked.

    Raises:
        BadInput: its ends are no int8, the epoch controller runs a build for taps or none the other, no internal buffer
            is told, it lies in other memory than was given, or another version wrote the files.
    """
    network = output.network
    assert network is not None
    ends = [buffer for buffer in (*network.inputs, *network.outputs) if not buffer.constant]
    has_blobs = any(epoch.is_blob for epoch in network.epochs)
    problems = [f"{buffer.name} of {buffer.bits} bits" for buffer in ends if not buffer.is_int8]
    if has_blobs != (build == RELEASE):
        problems.append("the epoch controller" if has_blobs else "no epoch controller")
    if build == HIL and not network.internals and len(network.epochs) > 1:
        problems.append("no table of internal buffers")
    problems += strangers(board, _taken(output, network))
    told = output.compilation
    if told is not None and told.version.release != version.release:
        problems.append(f"files of version {told.version}, the program's is {version}")
    if problems:
        raise BadInput(
            f"stedgeai must write a {build} build with int8 ends, as it was asked",
            evidence=f"Received: {', '.join(problems)}",
            next_step="report it with the version of stedgeai: it passed over an option in silence",
        )


def _dialect(output: Output, network: NetworkSource) -> str | None:
    """The version whose forms the files have: by stedgeai's where it is told, else by the compiler's."""
    told = output.compilation
    if told is not None:
        return told.dialect.name
    return None if network.dialect is None else network.dialect.name


def _taken(output: Output, network: NetworkSource) -> tuple[Taken, ...]:
    """What the network uses of each pool, by c_info; where there is none, as far as network.c lists its buffers."""
    if output.c_info is not None:
        return taken(output.c_info)
    spans: dict[str, list[SourceBuffer]] = {}
    for buffer in (*network.inputs, *network.outputs, *network.internals):
        inside = (
            pool.name
            for pool in network.pools
            if not pool.joined and pool.address <= buffer.address < pool.address + pool.bytes
        )
        spans.setdefault(next(inside, "no pool"), []).append(buffer)
    return tuple(
        Taken(pool, min(b.address for b in found), max(b.address + b.bytes for b in found))
        for pool, found in spans.items()
    )


def _boards(used: tuple[Taken, ...], boards: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """For each board what of the network's memory is not the NPU's there: nothing where it fits."""
    found = {board: strangers(board, used, of_others=True) for board in boards}
    return {board: {"fits": not out, "outside": list(out)} for board, out in found.items()}


def _epochs(output: Output, network: NetworkSource) -> dict[str, Any]:
    told = output.compilation
    made: dict[str, Any] = {kind: len(network.of(kind)) for kind in (HARDWARE, HYBRID, SOFTWARE)}
    made["blobs"] = sum(epoch.is_blob for epoch in network.epochs)
    made["cycles"] = None if told is None else told.cycles
    made["in_software"] = (
        []
        if told is None
        else [
            {"epoch": epoch.number, "kind": epoch.kind, "ops": list(epoch.ops), "why": epoch.why}
            for epoch in told.epochs
            if epoch.why
        ]
    )
    return made


def _ends(network: NetworkSource) -> dict[str, Any]:
    return {
        "inputs": [asdict(buffer) for buffer in network.inputs if not buffer.constant],
        "outputs": [asdict(buffer) for buffer in network.outputs],
    }
