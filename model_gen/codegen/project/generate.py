"""Writes the firmware project of a model and a board: whole, self-contained, the same bytes every time."""

import os
from dataclasses import dataclass
from pathlib import Path

from host.build_stamp import NAME as STAMP
from host.bundle import Subject
from host.contract import Contract
from host.elf_record import record_path
from host.errors import BadInput
from host.listen.rule import Rule
from host.owned import LIST, check_replaceable, new_directory
from host.project import DESCRIPTION, ELF, Port, Project, ProjectDescription, Tap
from model_gen.codegen import c_text
from model_gen.codegen.c_text import Text
from model_gen.codegen.cm55.compile import BACKEND, Generated, banner, compile_model
from model_gen.codegen.project.frontend import check_stream, render_frontend
from model_gen.codegen.project.limits import check_core
from model_gen.codegen.project.listening import render_listening
from model_gen.codegen.project.messages import messages
from model_gen.codegen.project.ports import check_board, check_clock, port_files, port_memory
from model_gen.codegen.templates import FIRMWARE, render
from model_gen.codegen.tflite.graph import Tensor

BUILD = "build"  # the folder in a project that CMake writes
# What is written into it: by CMake, by ninja or make, by the linking, by `nightjar build`.
BUILT = tuple(
    f"{BUILD}/{name}"
    for name in (
        *("CMakeCache.txt", "CMakeFiles/*", "cmake_install.cmake", "compile_commands.json"),
        *("*/CMakeFiles/*", "*/cmake_install.cmake", "build.ninja", ".ninja_*", "Makefile"),
        *(
            "*/Makefile",
            "*.a",
            "*.ld",
            "nj_*.elf",  # beside the firmware: board/beside.cmake
            Path(ELF).name,
            record_path(Path(ELF)).name,
            STAMP,
            ".nightjar.*",
        ),
    )
)
_COPIED = (".c", ".h")
FOLDED = "folded: constant since generation"

Files = dict[str, bytes]  # path in the project, with slashes -> content


@dataclass(frozen=True)
class Library:
    """A static library of the project's CMakeLists.txt."""

    name: Text
    sources: tuple[Text, ...]
    includes: Text
    options: Text


def generate(
    subject: Subject,
    board: str,
    out: Path,
    *,
    rounding: str = "tflite",
    stream: bool = False,
    application: Rule | None = None,
    weights: str = "auto",
    cpu_mhz: int | None = None,
    force: bool = False,
) -> Project:
    """Write the firmware project of `subject` for `board` to the folder `out`, whole or not at all.

    An earlier project at `out` is replaced, unless somebody has changed it or put something into
    it; with `force` in any case. Where it is already the very same, nothing is touched, so that its
    build stays valid.

    `rounding` is "tflite" (what the pinned TFLite's reference does, op by op) or "tflm". With
    `stream` the firmware also takes samples as they arrive, for which it keeps a ring of frames as
    large as its features. With `application` it streams, and has the application mode, whose detections are those of
    that rule. `weights` is "ram", "nor" (a board's external one), or "auto": in RAM where
    they fit. `cpu_mhz` is one of the core's clocks that the board's port can set; None is the port's own.

    Raises:
        BadInput: an unknown board, a clock that its port cannot set, no frames to stream, a model that backend cm55
            does not take, a contract that does not fit its model, an `out` that holds something else, or a model that
            does not fit the board's memory map.
    """
    out = Path(os.path.realpath(out))
    check_board(board)
    check_clock(board, cpu_mhz)
    check_replaceable(out, force=force)
    contract = subject.contract
    stream = stream or application is not None
    if stream:
        check_stream(contract)
    generated = compile_model(
        subject.model,
        rounding=rounding,
        contract_json=subject.contract_json,
        contract=contract,
        stream=stream,
        memory=port_memory(board),
        weights=weights,
    )
    check_core(generated)
    if contract is not None:
        _check_contract(contract, generated)
    described = describe(
        subject, board, generated, rules=rounding, stream=stream, application=application
    )
    link, recalled = messages()
    files = _project_files(contract, generated, described, link, cpu_mhz)
    if not _is_there(files, out):
        with new_directory(out, disposable=BUILT, force=force) as folder:
            for name, content in files.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    return Project(out, described, ("messages",) if recalled else ())


def describe(
    subject: Subject,
    board: str,
    generated: Generated,
    *,
    rules: str,
    stream: bool = False,
    application: Rule | None = None,
) -> ProjectDescription:
    """The table of taps and ports that the host compares by."""
    program = generated.program
    graph = program.resolved.graph
    slots = {tensor: slot for slot, tensor in enumerate(generated.observed)}
    taps = []
    for view in program.resolved.views:
        output = view.output
        seen = output.index in slots
        taps.append(
            Tap(
                index=view.op.index,
                tensor=output.index,
                name=output.name,
                op=view.op.name,
                shape=output.shape,
                dtype=output.dtype,
                bytes=output.bytes,
                observed=seen,
                reason="" if seen else program.folded.get(output.index, FOLDED),
                slot=slots.get(output.index),
                step=generated.tap_step(output.index) if seen else None,
                cost_steps=tuple(
                    step.number for step in program.steps if step.view.output.index == output.index
                ),
            )
        )
    return ProjectDescription(
        board=board,
        backend=BACKEND,
        model_sha256=subject.model_sha256,
        contract_sha256=subject.contract_sha256,
        rounding=program.rounding(),
        rules=rules,
        arena_bytes=generated.plan.bytes,
        steps=max(len(program.steps), 1),
        inputs=tuple(_port(program.tensors[index]) for index in graph.inputs),
        outputs=tuple(_port(program.tensors[index]) for index in graph.outputs),
        taps=tuple(taps),
        stream=stream,
        application=application,
    )


def _port(tensor: Tensor) -> Port:
    quantization = tensor.quantization
    return Port(
        tensor=tensor.index,
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        bytes=tensor.bytes,
        scale=0.0 if quantization is None else quantization.scales[0],
        zero_point=0 if quantization is None else quantization.zero_points[0],
    )


def _check_contract(contract: Contract, generated: Generated) -> None:
    """The frontend writes the model's only input; its size and quantization must be the contract's."""
    ports = [generated.program.tensors[i] for i in generated.program.resolved.graph.inputs]
    wanted = contract.frontend.rows * contract.frontend.frames
    given = _port(ports[0])
    if (
        len(ports) != 1
        or given.dtype != "int8"
        or ports[0].elements != wanted
        or (given.scale, given.zero_point) != (contract.input.scale, contract.input.zero_point)
    ):
        raise BadInput(
            "the contract does not fit its model",
            evidence=f"Received: a frontend of {wanted} values, {contract.input}; "
            f"a model with {len(ports)} inputs, the first {given}",
            next_step="make the bundle again with `nightjar quantize`",
        )


def _is_there(files: Files, out: Path) -> bool:
    """Whether just these files lie at `out`, besides their list and what CMake built."""
    found = {
        name
        for path in out.rglob("*")
        if path.is_file()
        and (name := path.relative_to(out).as_posix()) != LIST
        and not name.startswith(f"{BUILD}/")
    }
    return found == set(files) and all(
        (out / name).stat().st_size == len(content) and (out / name).read_bytes() == content
        for name, content in files.items()
    )


def _project_files(
    contract: Contract | None,
    generated: Generated,
    described: ProjectDescription,
    link: Files,
    cpu_mhz: int | None,
) -> Files:
    files: Files = {}
    files |= _copies(FIRMWARE / "core", "core")
    files |= _copies(FIRMWARE / "kernels", "kernels")
    files |= {f"board/{name}": content for name, content in port_files(described.board).items()}
    files |= {f"messages/{name}": content for name, content in link.items()}
    note = banner(described.model_sha256)
    texts = dict(generated.sources)
    rule = described.application
    stages = render_frontend(contract, stream=described.stream, listening=rule is not None)
    if rule is not None:
        assert contract is not None
        stages |= render_listening(rule, contract.labels)
    for name, text in stages.items():
        texts[name] = f"/* {note} */\n{text}"
    files |= {f"model/{name}": text.encode() for name, text in texts.items()}
    files[DESCRIPTION] = described.to_json()
    lists = render(
        "CMakeLists.txt",
        banner=note,
        libraries=_libraries(files),
        weights=generated.weights,
        listening=rule is not None,
        cpu_mhz=cpu_mhz,
    )
    compiler = "gcc" if described.board == "native" else "arm-none-eabi-gcc with newlib"
    rounding = ", ".join(f"{op} {rule}" for op, rule in described.rounding.items())
    readme = render(
        "README.md",
        banner=note,
        board=c_text.word(described.board),
        compiler=c_text.phrase(compiler),
        rules=c_text.word(described.rules),
        rounding=c_text.phrase(rounding or "none needed"),
        arena_bytes=described.arena_bytes,
        steps=described.steps,
    )
    files |= {"CMakeLists.txt": lists.encode(), "README.md": readme.encode()}
    return dict(sorted(files.items()))


def _copies(source: Path, target: str) -> Files:
    """The C of a folder and its subfolders; tests and caches stay behind."""
    return {
        f"{target}/{path.relative_to(source).as_posix()}": path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file()
        and path.suffix in _COPIED
        and "testing" not in path.relative_to(source).parts
    }


def _libraries(files: Files) -> tuple[Library, ...]:
    """Engine, frontend and core; the order of sources is the order of the names."""

    def sources(*prefixes: str) -> tuple[Text, ...]:
        names = (n for n in sorted(files) if n.endswith(".c") and n.startswith(prefixes))
        return tuple(map(c_text.word, names))

    def library(name: str, sources: tuple[Text, ...], includes: str, *flags: str) -> Library:
        folders = c_text.joined(" ", map(c_text.word, includes.split()))
        options = c_text.joined(" ", map(c_text.flag, flags))
        return Library(c_text.identifier(name), sources, folders, options)

    frontend = sources("core/frontend/", "model/nj_frontend_")
    engine = sources("kernels/", "model/nj_model", "model/nj_weights")
    core = tuple(name for name in sources("core/") if name not in frontend)
    return (
        library("nj_engine", engine, "kernels core model", "-O2"),
        library(
            "nj_frontend",
            frontend,
            "core core/frontend model",
            *("-O3", "-ffp-contract=off", "-fno-fast-math"),
            # FLT_EVAL_METHOD 16 (half precision of its own) becomes 0, which says the same of float.
            "-fpermitted-flt-eval-methods=c11",
        ),
        library("nj_core", core, "core core/link", "-O2"),
    )
