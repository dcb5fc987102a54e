"""Writes the firmware project around a generated network.c: whole, self-contained, the same bytes every time."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import host
from host.backends import NEURAL_ART
from host.bundle import MODEL, Subject, load_subject
from host.contract import Contract
from host.errors import BadInput
from host.installed import FIRMWARE
from host.listen.rule import Rule
from host.npu.board.runtime import Runtime
from host.npu.generated import GeneratedCode
from host.npu.network import Buffer, Network, find_code
from host.owned import check_replaceable
from host.project import DESCRIPTION, GENERATED, Project, ProjectDescription
from model_gen.codegen import c_text
from model_gen.codegen.c_text import Text
from model_gen.codegen.neural_art.firmware.describe import describe, observed, ops_of
from model_gen.codegen.neural_art.firmware.places import NEXT, Placed, placed
from model_gen.codegen.neural_art.firmware.sources import (
    IMAGES,
    NETWORK,
    NPU,
    image_names,
    images_c,
    model_c,
    network_c,
    our_runtime,
    runtime_files,
    st_network_c,
)
from model_gen.codegen.neural_art.firmware.st_runtime import FLAGS as ST_FLAGS
from model_gen.codegen.neural_art.firmware.st_runtime import ST, st_files, st_runtime
from model_gen.codegen.neural_art.firmware.taps import Seen, seen_of
from model_gen.codegen.neural_art.manifest import BUNDLE, MANIFEST, Written
from model_gen.codegen.neural_art.network_source import NetworkSource
from model_gen.codegen.neural_art.output_folder import Output, read_output
from model_gen.codegen.neural_art.regions import memories
from model_gen.codegen.project.files import (
    Files,
    Library,
    copies,
    core_libraries,
    library,
    sources,
    write_files,
)
from model_gen.codegen.project.frontend import check_stream
from model_gen.codegen.project.limits import check_counts
from model_gen.codegen.project.listening import render_stages
from model_gen.codegen.project.messages import messages
from model_gen.codegen.project.ports import check_clock, check_heard, port_files
from model_gen.codegen.templates import render
from model_gen.codegen.tflite.graph import Graph
from model_gen.codegen.tflite.reader import read_tflite

# network.c is data in the form of C: nobody mends its style. Its operators compute in the order that is written.
_LENIENT = ("-w", "-O1", "-DNDEBUG")
_OF_OURS = ("device", "interface", "runtime", "software")
_OF_ST = ("ll_aton", "device", "inc")
_ENGINE = ("-O2", "-ffp-contract=off", "-fno-strict-aliasing", "-D__int64_t_defined=1")


@dataclass(frozen=True)
class Given:
    """What a firmware is made around.

    Attributes:
        subject: what the network was compiled from.
        folder: with network.c and what it needs beside it.
        output: the files of that folder, read.
        graph: the model's, by which tensors are named after ops; None: they are epochs alone.
        manifest: neural_art.json, to be kept with the project; None: there is none.
    """

    subject: Subject
    folder: Path
    output: Output
    graph: Graph | None = None
    manifest: bytes | None = None


def given_of(written: Written) -> Given:
    """Of a folder that `nightjar generate --backend neural_art` wrote."""
    bundle = written.folder / BUNDLE
    subject = load_subject(bundle if bundle.exists() else written.folder / MODEL)
    return Given(
        subject,
        written.folder / GENERATED,
        written.output,
        read_tflite(subject.model),
        (written.folder / MANIFEST).read_bytes(),
    )


def given_in(folder: Path, subject: Subject) -> Given:
    """Of a folder with a network.c, whoever wrote it."""
    return Given(subject, folder, read_output(folder))


@dataclass(frozen=True)
class _Lenient:
    name: Text
    options: Text


@dataclass(frozen=True)
class _Npu:
    """What the project's CMakeLists.txt says of the network."""

    weights_at: Text | None
    lenient: tuple[_Lenient, ...]
    system: tuple[Text, ...]
    including: Text
    images: tuple[Text, ...]


@dataclass(frozen=True)
class _Planned:
    """A network as its firmware has it."""

    code: GeneratedCode
    source: NetworkSource
    inputs: tuple[Buffer, ...]
    seen: tuple[Seen, ...]
    placed: Placed
    st: Runtime | None


def generate(
    given: Given,
    board: str,
    out: Path,
    *,
    st: Path | None = None,
    stream: bool = False,
    application: Rule | None = None,
    cpu_mhz: int | None = None,
    force: bool = False,
) -> Project:
    """Write the firmware project of a network for `board` to the folder `out`, whole or not at all.

    Args:
        given: the network.
        board: an STM32N6.
        st: an installation of ST's, whose runtime runs the network; None: ours does.
        out: the folder; one that was written so and not changed is replaced, one with the same bytes left alone.
        stream: whether the firmware takes samples as they arrive.
        application: what is a detection; it streams then, and has the application mode.
        cpu_mhz: of the core; None: the port's own.
        force: whether `out` is replaced whatever is in it.

    Raises:
        BadInput: the board has no NPU, the executor does not take the network, its memory is not the NPU's own, its
            input is not the one that the contract's frontend writes, or `out` holds something else.
    """
    out = Path(os.path.realpath(out))
    memories(board)
    check_clock(board, cpu_mhz)
    check_replaceable(out, force=force)
    contract = given.subject.contract
    stream = stream or application is not None
    if stream:
        check_stream(contract)
    if application is not None:
        check_heard(board, contract)
    planned = _plan(given, st)
    check_counts(
        inputs=len(planned.inputs),
        steps=len(planned.source.epochs),
        taps=len(observed(planned.seen)),
    )
    if contract is not None:
        _check_contract(contract, planned.inputs)
    ops = (
        {}
        if given.graph is None
        else ops_of(given.output, given.graph, len(planned.inputs), planned.seen)
    )
    described = describe(
        given.subject,
        board,
        planned.source,
        planned.inputs,
        planned.seen,
        ops,
        bytes_used=_bytes_used(planned),
        stream=stream,
    )
    described = replace(described, application=application)
    link, recalled = messages()
    files = _project_files(given, planned, described, link, cpu_mhz)
    write_files(files, out, force=force)
    return Project(out, described, ("messages",) if recalled else ())


def _plan(given: Given, st: Path | None) -> _Planned:
    source = given.output.network
    assert source is not None  # read_output has found network.c
    with Network.open(find_code(given.folder)) as network:
        buffers = [one for which in network.buffers.values() for one in which]
        # One that joins others begins in the first of them: where it is used, the buffers say, if they are told.
        joined = {one.name for one in source.pools if one.joined and network.lists_internals}
        pools = [one for one in network.code.pools if one.name not in joined]
        return _Planned(
            network.code,
            source,
            network.inputs,
            seen_of(source, network.buffers["internal"], network.outputs),
            placed(network.images, pools, buffers),
            None if st is None else st_runtime(st, network.code),
        )


def _bytes_used(planned: _Planned) -> int:
    """From the first to the last byte of RAM that a buffer takes."""
    buffers = (*planned.inputs, *(one.buffer for one in planned.seen))
    return max(b.address + b.size for b in buffers) - min(b.address for b in buffers)


def _check_contract(contract: Contract, inputs: Sequence[Buffer]) -> None:
    """The frontend writes the network's only input; its size and quantization must be the contract's."""
    wanted = contract.frontend.rows * contract.frontend.frames
    first = inputs[0]
    scale = np.float32(first.scale or 0)
    if (
        len(inputs) != 1
        or first.dtype != "int8"
        or first.size != wanted
        or not np.isclose(scale, np.float32(contract.input.scale), rtol=1e-6, atol=0)
        or first.offset != contract.input.zero_point
    ):
        raise BadInput(
            "the contract does not fit the network",
            evidence=f"Received: a frontend of {wanted} values, {contract.input}; a network with {len(inputs)} inputs, "
            f"the first {first.dtype}, {first.size} bytes, scale {first.scale}, zero point {first.offset}",
            next_step=NEXT,
        )


def _banner(described: ProjectDescription) -> Text:
    return c_text.phrase(
        f"Generated by nightjar {host.__version__}, backend {NEURAL_ART}, "
        f"from the model with SHA-256 {described.model_sha256}. Do not edit."
    )


def _project_files(
    given: Given,
    planned: _Planned,
    described: ProjectDescription,
    link: Files,
    cpu_mhz: int | None,
) -> Files:
    note = _banner(described)
    contract = given.subject.contract
    names = image_names(planned.placed.images)
    files: Files = {
        **copies(FIRMWARE / "core", "core"),
        **(our_runtime() if planned.st is None else runtime_files(ST) | st_files(planned.st)),
        **{f"board/{name}": content for name, content in port_files(described.board).items()},
        **{f"messages/{name}": content for name, content in link.items()},
        **{f"{GENERATED}/{name}": content for name, content in given.output.files.items()},
    }
    for image in planned.placed.images:
        files[f"{GENERATED}/{names[image.address]}"] = image.content
    if given.manifest is not None:
        files[MANIFEST] = given.manifest
    texts = {
        "model/nj_npu_model.c": model_c(
            note,
            described,
            planned.source,
            planned.inputs,
            planned.seen,
            0 if contract is None else contract.frontend.chunk_samples,
        ),
        IMAGES: images_c(note, planned.placed, names),
        NETWORK: (network_c if planned.st is None else st_network_c)(note, planned.code),
    }
    stages = render_stages(contract, stream=described.stream, application=described.application)
    for name, text in stages.items():
        texts[f"model/{name}"] = f"/* {note} */\n{text}"
    files |= {name: text.encode() for name, text in texts.items()}
    files[DESCRIPTION] = described.to_json()
    lists = render(
        "CMakeLists.txt",
        banner=note,
        libraries=_libraries(files, planned),
        weights="nor" if planned.placed.in_nor else "ram",
        listening=described.application is not None,
        cpu_mhz=cpu_mhz,
        npu=_npu(planned, names, files),
        archive=None if planned.st is None else c_text.word(f"{ST}/{planned.st.library.name}"),
    )
    readme = render(
        "neural_art_README.md",
        banner=note,
        board=c_text.word(described.board),
        network=c_text.word(f"{GENERATED}/{planned.code.path.name}"),
        steps=described.steps,
        taps=len(observed(planned.seen)),
    )
    files |= {"CMakeLists.txt": lists.encode(), "README.md": readme.encode()}
    return dict(sorted(files.items()))


def _npu(planned: _Planned, names: dict[int, str], files: Files) -> _Npu:
    external = planned.placed.in_nor
    network = _LENIENT if planned.st is not None else (*_LENIENT, *_version(planned.code))
    lenient = [_Lenient(c_text.word(NETWORK), _options(*network))]
    lenient += [_Lenient(name, _options("-w")) for name in sources(files, f"{ST}/")]
    return _Npu(
        None if external is None else c_text.constant(f"0x{external.address:08x}"),
        tuple(lenient),
        () if planned.st is None else tuple(c_text.word(f"{ST}/{part}") for part in _OF_ST),
        c_text.word(IMAGES),
        tuple(c_text.word(f"{GENERATED}/{name}") for name in names.values()),
    )


def _options(*flags: str) -> Text:
    return c_text.joined(";", map(c_text.flag, flags))


def _version(code: GeneratedCode) -> list[str]:
    """The version of the headers that a network.c asks for: ours take all of them."""
    parts = zip(("MAJOR", "MINOR", "MICRO", "DEV"), code.version, strict=True)
    return [f"-DLL_ATON_VERSION_{name}={number}" for name, number in parts]


def _libraries(files: Files, planned: _Planned) -> tuple[Library, ...]:
    """Engine (the network and what runs it), frontend and core."""
    engine = sources(files, f"{NPU}/", "kernels/", "model/nj_npu_", f"{ST}/")
    flags: tuple[str, ...]
    if planned.st is None:
        instance = f"-DNJ_NPU_INSTANCE={int(planned.code.instance)}"
        flags = (*_ENGINE, "-DNJ_NPU_DATA_CACHE", instance)
        own = " ".join(("kernels", *(f"{NPU}/{name}" for name in _OF_OURS)))
    else:
        flags = (*_ENGINE, *ST_FLAGS)
        own = f"{NPU}/{ST}"
    includes = f"core model {NPU} {own} {GENERATED}"
    return (library("nj_engine", engine, includes, *flags), *core_libraries(files))
