"""The text report of a generation or analysis, alone or in the middle of a log: both dialects, read by headings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from host.errors import BadInput
from host.reading import read_text
from model_gen.codegen.neural_art.compilation import (
    HARDWARE,
    HYBRID,
    SOFTWARE,
    Compilation,
    Epoch,
    Pool,
    SignedFile,
    Tool,
    holds_others,
)
from model_gen.codegen.neural_art.text_table import lines_of, ruled, size_of
from model_gen.codegen.neural_art.versions import Dialect, Version, dialect_of
from model_gen.codegen.neural_art.why import reason

MOST = 16 << 20  # bytes of a report
AGAIN = "give the report as stedgeai wrote it, or generate again"
_TOOL = re.compile(r"\s*ST Edge AI Core v(.+)")
_SIZE = r"([\d.]+ +[kMG]?B)"
_POOL = re.compile(
    r"\s*(\S+)\s+\[0x([0-9A-Fa-f]{1,16}) - 0x([0-9A-Fa-f]{1,16})\]: +"
    rf"{_SIZE} / +{_SIZE} .* weights: +{_SIZE} .* activations: +{_SIZE} .*"
)
_TOTAL = re.compile(rf"\s*Total: +{_SIZE} .* weights: +{_SIZE} +activations: +{_SIZE}")
_OLD_EPOCH = re.compile(r"epoch (\d{1,9})\s+(-SW-|HW|EC|\S+)\s*(?:\(\s*(.*?)\s*\))?")
_NEW_EPOCH = re.compile(r"\|\s*epoch_(\d{1,9})\s*\|\s*(\S+)\s*\|\s*(.*?)\s*\|")
# A program of the epoch controller, which runs these epochs one after the other.
_RANGE = re.compile(r"\|\s*epochs\s+(\d{1,9})\s*->\s*(\d{1,9})\s*\|\s*(\S+)\s*\|\s*(.*?)\s*\|")
_OLD_COUNT = re.compile(r"Total number of epochs: (\d{1,9}) of which (\d{1,9}) implemented in soft")
_NEW_COUNTS = {
    "": re.compile(r"Total number of epochs +(\d{1,9})"),
    SOFTWARE: re.compile(r">> pure software \(SW\) epochs +(\d{1,9})"),
    HYBRID: re.compile(r">> hybrid epochs \(.*\) +(\d{1,9})"),
    HARDWARE: re.compile(r">> pure hardware \(HW or EC\) epochs +(\d{1,9})"),
}
_Size = tuple[int, float]  # bytes, and by how much they may be off
_KINDS = {"HW": HARDWARE, "EC": HARDWARE, "-SW-": SOFTWARE, "SW": SOFTWARE}
_MODEL = re.compile(
    r"model(?:/c-model)?: macc=([\d,]+)(?:/\S+)?(?: \S+)? +weights=([\d,]+)(?:/\S+)?(?: \S+)? +activ"
)
_HASH = re.compile(r"\s*model_hash +: +0x([0-9a-f]{32})\b")
_RUNTIME = re.compile(r"\s*(NetworkRuntime\d+_CM55_GCC\.a)\s")


@dataclass(frozen=True)
class Layer:
    """An operation of the model as the report lists it: `macs` 0 where none are told."""

    name: str
    op: str
    macs: int


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        compilation: what was made; its sizes are rounded as the report rounds them.
        model_name: "" where it is not told.
        macs: of the model; None where they are not told.
        layers: of the model; empty where they are not listed.
        runtime: the runtime library that the sizes were measured with; None: none.
    """

    compilation: Compilation
    model_name: str
    macs: int | None
    layers: tuple[Layer, ...]
    runtime: str | None


def read_report(path: Path) -> Report:
    """The report in a file.

    Raises:
        BadInput: it cannot be read, is none, ends too early, contradicts itself, or a version that is not known
            wrote it.
    """
    return parse_report(read_text(path, "a report of stedgeai", limit=MOST, next_step=AGAIN))


def parse_report(text: str) -> Report:
    """The first report in a text.

    Raises:
        BadInput: as `read_report`.
    """
    lines = lines_of(text)
    told = next((found[1] for line in lines if (found := _TOOL.fullmatch(line))), None)
    if told is None:
        raise _damaged("a line `ST Edge AI Core v...`", "none")
    version, dialect = dialect_of(told, "a report of stedgeai")
    at = next((n for n, line in enumerate(lines) if line.strip() == "Compilation details"), None)
    layers = _layers(lines)
    macs, model_weights = _model_totals(lines)
    if layers and sum(layer.macs for layer in layers) != macs:
        raise _damaged(
            "as many multiply-accumulates in its layers as in all",
            f"{sum(layer.macs for layer in layers):,} and {macs}",
        )
    made = (
        _without_npu(lines, told, version, dialect, model_weights)
        if at is None
        else _with_npu(lines[at:], lines, told, version, dialect)
    )
    runtime = next((found[1] for line in lines if (found := _RUNTIME.match(line))), None)
    return Report(made, _after(lines, "Model name - "), macs, layers, runtime)


def _with_npu(
    details: Sequence[str], lines: Sequence[str], told: str, version: Version, dialect: Dialect
) -> Compilation:
    pools, weights, activations = _pools(details)
    compiler = _after(details, "Compiler version:")
    tools = (
        _core(lines, told),
        Tool("compiler", "" if compiler.startswith("0.0.0") else compiler, ""),
    )
    return Compilation(
        told_by="report",
        version=version,
        dialect=dialect,
        tools=tools,
        models=_hashed(lines),
        files=(),
        network="",
        network_signature="",
        epochs=_epochs(details),
        pools=pools,
        buffers=(),
        inputs=(),
        outputs=(),
        weights=weights,
        activations=activations,
        npu=True,
    )


def _without_npu(
    lines: Sequence[str], told: str, version: Version, dialect: Dialect, weights: int | None
) -> Compilation:
    """A build for the core alone: its layers are its epochs."""
    rows = list(ruled(lines, "c_id", "name", "#op"))
    epochs = []
    for number, label, macs in rows:
        if not re.fullmatch(r"\d{1,9}", number):
            continue
        name, _, op = label.partition(" (")
        ops = (op.partition(")")[0],)
        epochs.append(
            Epoch(
                number=int(number),
                name=name,
                kind=SOFTWARE,
                ops=ops,
                why=reason(SOFTWARE, ops, npu=False),
                macs=_number(macs),
            )
        )
    total = next((_number(macs) for number, _, macs in rows if number == "total"), None)
    if not epochs or weights is None or total != sum(epoch.macs or 0 for epoch in epochs):
        raise _damaged(
            "`Compilation details` of the NPU's compiler, or the operations of each layer and their total",
            f"{len(epochs)} layers and a total of {total}",
        )
    sizes = re.compile(r"(activations|weights) size +: (\d{1,12}) ")
    found = {match[1]: int(match[2]) for line in lines if (match := sizes.match(line))}
    return Compilation(
        told_by="report",
        version=version,
        dialect=dialect,
        tools=(_core(lines, told),),
        models=_hashed(lines),
        files=(),
        network=_after(lines, "c-name").lstrip(": "),
        network_signature="",
        epochs=tuple(epochs),
        pools=(),
        buffers=(),
        inputs=(),
        outputs=(),
        weights=found.get("weights", weights),
        activations=found.get("activations", 0),
        npu=False,
    )


def _core(lines: Sequence[str], told: str) -> Tool:
    return Tool("ST.EdgeAI.Core", told, _after(lines, "Parameters").lstrip(": "))


def _hashed(lines: Sequence[str]) -> tuple[SignedFile, ...]:
    found = next((match[1] for line in lines if (match := _HASH.match(line))), None)
    file = _after([line.strip() for line in lines], "model file").lstrip(": ")
    return () if found is None else (SignedFile(re.split(r"[\\/]", file)[-1], found),)


def _layers(lines: Sequence[str]) -> tuple[Layer, ...]:
    made = []
    for name, macs in ruled(lines, "layer", "macc"):
        if name:
            label, _, op = name.partition(" (")
            op = op.rstrip(")").rpartition(",")[2].strip()
            made.append(Layer(label, op, _number(macs) if macs else 0))
    return tuple(made)


def _model_totals(lines: Sequence[str]) -> tuple[int | None, int | None]:
    found = next((match for line in lines if (match := _MODEL.match(line))), None)
    return (None, None) if found is None else (_number(found[1]), _number(found[2]))


def _pools(lines: Sequence[str]) -> tuple[tuple[Pool, ...], int, int]:
    """The pools, and the bytes of weights and activations in all, each rounded as it stands there."""
    rows: list[tuple[Pool, tuple[_Size, ...]]] = []
    for line in lines:
        if found := _POOL.match(line):
            rows.append(_pool(found))
        elif found := _TOTAL.match(line):
            total = _sizes(*found.groups())
            break
    else:
        raise _damaged("its memory pools, and their total", f"{len(rows)} pools, and no total")
    spans = [(pool.address or 0, (pool.address or 0) + (pool.bytes or 0)) for pool, _ in rows]
    joined = [holds_others(span, spans) for span in spans]
    sizes = [row for _, row in rows]
    apart = [row for row, joins in zip(sizes, joined, strict=True) if not joins]
    if not (_adds_up(sizes, total) or _adds_up(apart, total)):
        raise _damaged(
            "pools that add up to their total",
            f"{[row[0][0] for row in sizes]}, and {total[0][0]:,}",
        )
    pools = tuple(
        replace(pool, joined=joins) for (pool, _), joins in zip(rows, joined, strict=True)
    )
    return pools, total[1][0], total[2][0]


def _pool(found: re.Match[str]) -> tuple[Pool, tuple[_Size, ...]]:
    """A pool, and its bytes that are used, of weights and of activations."""
    first, end = int(found[2], 16), int(found[3], 16)
    if end < first:
        raise _damaged("a range of each pool", found[0].strip())
    used, _, weights, activations = _sizes(*found.groups()[3:])
    pool = Pool(
        name=found[1],
        file="",
        address=first,
        bytes=end - first,
        used=used[0],
        weights=weights[0],
        activations=activations[0],
        exact=used[1] == 0,
    )
    return pool, (used, weights, activations)


def _sizes(*texts: str) -> tuple[_Size, ...]:
    made = []
    for text in texts:
        size = size_of(text)
        if size is None:
            raise _damaged("sizes such as 46.875 kB", text)
        made.append(size)
    return tuple(made)


def _adds_up(rows: Sequence[tuple[_Size, ...]], total: tuple[_Size, ...]) -> bool:
    """Whether each column adds up to its total, as far as their rounding allows."""
    return all(
        abs(sum(row[column][0] for row in rows) - size)
        <= sum(row[column][1] + 1 for row in rows) + slack
        for column, (size, slack) in enumerate(total)
    )


def _epochs(lines: Sequence[str]) -> tuple[Epoch, ...]:
    at = next((n for n, line in enumerate(lines) if line.strip() == "Epochs details"), None)
    if at is None:
        raise _damaged("`Epochs details`", "none")
    made: list[Epoch] = []
    counts = _counts(lines[at:])
    for line in lines[at:]:
        if line.strip().startswith("=" * 20):
            break
        found = _OLD_EPOCH.fullmatch(line.strip()) or _NEW_EPOCH.fullmatch(line.strip())
        if found:
            made.append(_epoch(int(found[1]), found[2], found[3] or ""))
        elif found := _RANGE.fullmatch(line.strip()):
            first, end = int(found[1]), int(found[2]) + 1
            # More than are counted are refused below, and no report counts as many.
            end = min(end, first + counts[""] + 1, first + (1 << 16))
            made += [_epoch(number, found[3], found[4]) for number in range(first, end)]
    seen = {kind: sum(epoch.kind == kind for epoch in made) for kind in counts if kind}
    if seen | {"": len(made)} != counts or len({epoch.number for epoch in made}) != len(made):
        raise _damaged("as many epochs as it counts", f"{seen}, counted {counts}")
    return tuple(made)


def _epoch(number: int, kind: str, details: str) -> Epoch:
    name = _KINDS.get(kind)
    if name is None and re.fullmatch(r"(?i)hyb\w*|(hw/sw|sw/hw)|\?\?", kind):
        name = HYBRID
    if name is None:
        raise _damaged("epochs of the kinds HW, EC, SW and hybrid", kind)
    ops = tuple(filter(None, re.split(r"[,\s]+", details)))
    return Epoch(number, f"epoch_{number}", name, ops, why=reason(name, ops, npu=True))


def _counts(lines: Sequence[str]) -> dict[str, int]:
    """How many epochs there are of each kind that is counted, and under "" in all."""
    for line in lines:
        if found := _OLD_COUNT.match(line.strip()):
            whole, software = int(found[1]), int(found[2])
            return {"": whole, SOFTWARE: software}
    counts = {}
    for kind, pattern in _NEW_COUNTS.items():
        match = next((m for line in lines if (m := pattern.match(line.strip()))), None)
        if match is None:
            raise _damaged("the number of its epochs of each kind", kind or "none")
        counts[kind] = int(match[1])
    return counts


def _after(lines: Sequence[str], start: str) -> str:
    """What follows `start` in the first line that begins with it; "" where there is none."""
    found = (line[len(start) :].strip() for line in lines if line.startswith(start))
    return next(found, "")


def _number(text: str) -> int:
    digits = text.replace(",", "")
    if not re.fullmatch(r"\d{1,18}", digits):
        raise _damaged("whole numbers", text)
    return int(digits)


def _damaged(wanted: str, received: str) -> BadInput:
    return BadInput(
        f"a report of stedgeai must have {wanted}",
        evidence=f"Received: {received[:200]}",
        next_step=AGAIN,
    )
