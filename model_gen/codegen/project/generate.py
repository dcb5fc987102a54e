"""Writes the firmware project of a model and a board: whole, self-contained, the same bytes every time."""

import os
from pathlib import Path

from host.bundle import Subject
from host.contract import Contract
from host.errors import BadInput
from host.installed import FIRMWARE
from host.listen.rule import Rule
from host.owned import check_replaceable
from host.project import DESCRIPTION, Port, Project, ProjectDescription, Tap
from model_gen.codegen import c_text
from model_gen.codegen.cm55.compile import BACKEND, Generated, banner, compile_model
from model_gen.codegen.project.elsewhere import elsewhere
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
from model_gen.codegen.project.judged import check_judged
from model_gen.codegen.project.limits import check_core
from model_gen.codegen.project.listening import render_stages
from model_gen.codegen.project.messages import messages
from model_gen.codegen.project.ports import (
    check_board,
    check_clock,
    check_heard,
    port_files,
    port_memory,
)
from model_gen.codegen.templates import render
from model_gen.codegen.tflite.graph import Tensor

FOLDED = "folded: constant since generation"


def generate(
    subject: Subject,
    board: str,
    out: Path,
    *,
    rounding: str = "tflite",
    stream: bool = False,
    application: Rule | None = None,
    weights: str = "auto",
    optimize: str = "speed",
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
    they fit. `optimize` is "speed", or "flash": weights are packed where that saves an eighth of a layer, and unpacked
    to RAM before it runs. `cpu_mhz` is one of the core's clocks that the board's port can set; None is the port's own.

    Raises:
        BadInput: an unknown board, a clock that its port cannot set, no frames to stream, a model that backend cm55
            or the judge of its rules does not take, a contract that does not fit its model, an `out` that holds
            something else, or a model that does not fit the board's memory map.
    """
    out = Path(os.path.realpath(out))
    check_board(board)
    check_clock(board, cpu_mhz)
    check_replaceable(out, force=force)
    contract = subject.contract
    stream = stream or application is not None
    if stream:
        check_stream(contract)
    if application is not None:
        check_heard(board, contract)
    generated = compile_model(
        subject.model,
        rounding=rounding,
        contract_json=subject.contract_json,
        contract=contract,
        stream=stream,
        memory=port_memory(board),
        weights=weights,
        optimize=optimize,
    )
    check_core(generated)
    check_judged(subject.model, rounding)
    if contract is not None:
        _check_contract(contract, generated)
        _check_no_state(generated)
    described = describe(
        *(subject, board, generated),
        rules=rounding,
        stream=stream,
        application=application,
        optimize=optimize,
    )
    link, recalled = messages()
    files = _project_files(contract, generated, described, link, cpu_mhz)
    write_files(files, out, force=force)
    told = elsewhere(generated.needs, board)
    return Project(out, described, ("messages",) if recalled else (), told)


def describe(
    subject: Subject,
    board: str,
    generated: Generated,
    *,
    rules: str,
    stream: bool = False,
    application: Rule | None = None,
    optimize: str = "speed",
) -> ProjectDescription:
    """The table of taps and ports that the host compares by."""
    program = generated.program
    graph = program.resolved.graph
    slots = {tensor: slot for slot, tensor in enumerate(generated.observed)}
    own = {state.tensor for state in graph.states if state.own}
    taps = []
    for view in program.resolved.views:
        # What an op keeps for itself is shown beside its output; a variable is none of the file's tensors.
        kept = [program.tensors[i] for i in view.op.inputs if i in own]
        for output in (view.output, *kept):
            if output.index in graph.kept - own:
                continue
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
                        step.number
                        for step in program.steps
                        if step.view.output.index == output.index
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
        state_bytes=sum(program.tensors[i].bytes for i in graph.kept),
        optimize=optimize,
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


def _check_no_state(generated: Generated) -> None:
    """Chunks of recordings are judged each by itself, in any order."""
    states = generated.program.resolved.graph.states
    if states:
        held = generated.program.tensors[states[0].tensor]
        raise BadInput(
            "a bundle's model must give the same for a chunk whatever came before it",
            evidence=f"Received: a model that keeps {len(states)} tensors from one inference to the next, "
            f"the first {held.describe()}",
            next_step="give the .tflite alone: its inputs are then the steps of a sequence",
        )


def _project_files(
    contract: Contract | None,
    generated: Generated,
    described: ProjectDescription,
    link: Files,
    cpu_mhz: int | None,
) -> Files:
    files: Files = {}
    files |= copies(FIRMWARE / "core", "core")
    files |= copies(FIRMWARE / "kernels", "kernels")
    files |= {f"board/{name}": content for name, content in port_files(described.board).items()}
    files |= {f"messages/{name}": content for name, content in link.items()}
    note = banner(described.model_sha256)
    texts = dict(generated.sources)
    rule = described.application
    stages = render_stages(contract, stream=described.stream, application=rule)
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
        npu=None,
        archive=None,
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


def _libraries(files: Files) -> tuple[Library, ...]:
    """Engine, frontend and core; the order of sources is the order of the names."""
    engine = sources(files, "kernels/", "model/nj_model", "model/nj_weights")
    return (library("nj_engine", engine, "kernels core model", "-O2"), *core_libraries(files))
