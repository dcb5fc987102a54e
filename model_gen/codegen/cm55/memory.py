"""What a model takes of a board's memory, layer by layer, and whether it fits: known before anything is printed.

A board's memory.json lists its regions; each holds one kind of thing. Weights lie among the constants where they fit
there, else in a region of their own where the board has one: an STM32N6's external NOR. The needs are lower bounds:
constants, arena, staging and the frontend's buffers are known exactly, code by its least. So what is refused here
cannot fit, and what slips through by a hair is refused by the linker.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from host.contract import Contract
from host.errors import BadInput
from host.reference.frontend_tables import make_tables
from model_gen.codegen.cm55.lower import Program
from model_gen.codegen.cm55.plan import Block, Plan, peak_step
from model_gen.codegen.cm55.texts import ModelText
from model_gen.codegen.tflite.graph import short_name

SCHEMA = "nightjar/memory/1"
KINDS = ("code", "constants", "data", "stack")
PLACES = {"ram": "constants", "nor": "weights"}  # of the weights -> the kind of region
STEP_CODE = 8  # bytes: the least that a step's function and its entry in the table of steps take
_BLAMED = 5  # layers that a refusal names
_MIN_LANES = 4  # of the frontend's scratch: fewer side by side exist on no board


@dataclass(frozen=True)
class Region:
    """A stretch of a board's memory of `bytes`, which holds one of KINDS, or "weights" alone."""

    name: str
    bytes: int
    holds: str


@dataclass(frozen=True)
class MemoryMap:
    """A board's regions, and the least bytes of each kind that the firmware takes with the emptiest model."""

    board: str
    regions: tuple[Region, ...]
    firmware: dict[str, int]


@dataclass(frozen=True)
class Live:
    """A piece of the arena that is held in the step of the peak: op `op` (None: a model input) writes `tensor`.

    `scratch` says that it is the working memory of that op's kernel.
    """

    op: int | None
    name: str
    tensor: str
    bytes: int
    scratch: bool


@dataclass(frozen=True)
class LayerConstants:
    """Bytes of weights and tables of one op; what two ops share is counted with the first."""

    op: int
    name: str
    tensor: str
    bytes: int


@dataclass(frozen=True)
class Needs:
    """What a model takes. `objects` are the writable arrays by name; each must lie in one region whole.

    `weights` are those of `constants` that may lie in a region of their own.
    """

    constants: int
    weights: int
    layers: tuple[LayerConstants, ...]
    objects: dict[str, int]
    steps: int
    peak_step: int
    peak: tuple[Live, ...]


def memory_map(folder: Path, board: str) -> MemoryMap | None:
    """The memory map of `board` in a folder of its port; None where there is none."""
    path = folder / "memory.json"
    if not path.is_file():
        return None
    raw = json.loads(path.read_text())
    regions = tuple(Region(r["name"], r["bytes"], r["holds"]) for r in raw["regions"])
    if (
        raw["schema"] != SCHEMA
        or set(raw["firmware"]) != set(KINDS)
        or {r.holds for r in regions} - {*KINDS, *PLACES.values()}
    ):
        raise BadInput(
            f"a board's memory.json must follow {SCHEMA}",
            evidence=f"Received: {path}",
        )
    return MemoryMap(board, regions, raw["firmware"])


def needs(
    program: Program,
    plan: Plan,
    text: ModelText,
    contract: Contract | None,
    *,
    stream: bool = False,
) -> Needs:
    """Sizes by layer. `text` needs no printed lines; `stream`: with a ring of frames."""
    objects = {"arena": plan.bytes, "staging": text.staging_bytes}
    if text.state_bytes:
        objects |= {"state": text.state_bytes, "state before the input": text.state_bytes}
    constants = weights = sum(array.bytes for array in text.arrays)
    if contract is not None:
        tables, features, scratch = _frontend_bytes(contract)
        constants += tables
        objects |= {"features": features, "frontend scratch": scratch}
        objects |= {"ring of frames": features} if stream else {}
    step = peak_step(plan)
    return Needs(
        constants=constants,
        weights=weights,
        layers=tuple(
            LayerConstants(
                view.op.index, view.op.name, view.output.name, text.constants[view.op.index]
            )
            for view in program.resolved.views
            if view.op.index in text.constants
        ),
        objects=objects,
        steps=len(program.steps),
        peak_step=step,
        peak=tuple(
            _live(program, block)
            for block in sorted(plan.blocks.values(), key=lambda b: (-b.bytes, b.key))
            if block.first <= step <= block.last
        ),
    )


def _live(program: Program, block: Block) -> Live:
    if block.key < 0:
        view = program.steps[-1 - block.key].view
        return Live(view.op.index, view.op.name, view.output.name, block.bytes, scratch=True)
    tensor = program.tensors[block.key].name
    for step in program.steps:
        if step.view.output.index == block.key:
            return Live(step.view.op.index, step.view.op.name, tensor, block.bytes, scratch=False)
    return Live(None, "input", tensor, block.bytes, scratch=False)


def _frontend_bytes(contract: Contract) -> tuple[int, int, int]:
    """(tables, features, the least scratch) of the contract's frontend."""
    frontend = contract.frontend
    tables = make_tables(frontend)
    arrays = (
        *(tables.window, tables.order, tables.twiddle, tables.split),
        *(tables.band, tables.weight, tables.cosine),
    )
    length = 0 if frontend.spectrum == "none" else frontend.fft_length
    return (
        sum(array.nbytes for array in arrays),
        4 * (frontend.mel_bands or frontend.bins) * frontend.frames,
        4 * _MIN_LANES * (length + length // 2),
    )


def check_fits(found: Needs, memory: MemoryMap | None, weights: str = "auto") -> str:
    """Refuse what cannot fit; without a map everything does.

    Args:
        weights: where they are to lie, one of PLACES, or "auto": in RAM where they fit.

    Returns:
        Where they lie, one of PLACES.

    Raises:
        BadInput: what it needs, what there is, and the layers to blame.
    """
    if weights == "nor" and (memory is None or not _room(memory, PLACES["nor"])):
        raise BadInput(
            "weights lie in an external NOR only on a board that has one",
            evidence=f"Received: --weights nor for {memory.board if memory else 'a computer'}",
            next_step="leave --weights out",
        )
    if memory is None:
        return "ram"
    there = _place_weights(found, memory, weights)
    _check_constants(found, memory, there)
    _check_data(found, memory)
    code = memory.firmware["code"] + STEP_CODE * found.steps
    if code > _room(memory, "code"):
        raise _refusal(memory, f"code of at least {code:,} bytes", "code", f"{found.steps} steps")
    return there


def _place_weights(found: Needs, memory: MemoryMap, weights: str) -> str:
    fit = found.constants + memory.firmware["constants"] <= _room(memory, "constants")
    wants_nor = weights == "nor" or (weights == "auto" and not fit)
    return "nor" if wants_nor and _room(memory, PLACES["nor"]) else "ram"


def _check_constants(found: Needs, memory: MemoryMap, place: str) -> None:
    if place == "nor":
        room = _room(memory, "weights")
        if found.weights > room:
            what = f"weights of {found.weights:,} bytes"
            raise _refusal(memory, what, "weights", _blamed(found))
    wanted = found.constants + memory.firmware["constants"]
    wanted -= found.weights if place == "nor" else 0
    if wanted <= _room(memory, "constants"):
        return
    what = f"constants of {wanted:,} bytes ({found.constants:,} of weights and tables)"
    raise _refusal(memory, what, "constants", _blamed(found))


def _blamed(found: Needs) -> str:
    largest = sorted(found.layers, key=lambda layer: (-layer.bytes, layer.op))[:_BLAMED]
    blamed = "; ".join(f"{_title(x.op, x.name, x.tensor)}: {x.bytes:,} bytes" for x in largest)
    return f"the largest layers are {blamed}"


def _check_data(found: Needs, memory: MemoryMap) -> None:
    wanted = sum(found.objects.values()) + memory.firmware["data"]
    largest = max(_rooms(memory, "data").values(), default=0)
    if wanted <= _room(memory, "data") and max(found.objects.values()) <= largest:
        return
    listed = ", ".join(f"{name} {size:,}" for name, size in found.objects.items())
    blamed = "; ".join(
        f"{_title(x.op, x.name, x.tensor)}{' (scratch)' if x.scratch else ''}: {x.bytes:,} bytes"
        for x in found.peak[:_BLAMED]
    )
    what = f"RAM of at least {wanted:,} bytes ({listed}), each in one region"
    raise _refusal(
        memory, what, "data", f"alive at the arena's peak, step {found.peak_step}, are {blamed}"
    )


class DoesNotFit(BadInput):
    """A model that a board has no room for; `short` says of what, without the layers to blame."""

    short = ""


def _refusal(memory: MemoryMap, what: str, kind: str, blame: str) -> DoesNotFit:
    there = ", ".join(f"{name} {size:,}" for name, size in _rooms(memory, kind).items())
    error = DoesNotFit(
        f"the model does not fit the memory of the board {memory.board}",
        evidence=f"Received: {what}; the board has {there or 'none'} bytes for {kind}; {blame}",
        next_step="make those layers smaller, or take a board with more memory; `nightjar inspect` shows every layer",
    )
    error.short = f"{what}; it has {there or 'none'}"
    return error


def _rooms(memory: MemoryMap, kind: str) -> dict[str, int]:
    return {region.name: region.bytes for region in memory.regions if region.holds == kind}


def _room(memory: MemoryMap, kind: str) -> int:
    return sum(_rooms(memory, kind).values())


def _title(op: int | None, name: str, tensor: str) -> str:
    place = f"op {op}, {name}" if op is not None else name
    return f"{place} '{short_name(tensor)}'"
