"""What a validation measured, by its report, its c_info or the log around them: on the board where it ran on one."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host.errors import BadInput
from host.reading import load_json, read_text
from model_gen.codegen.neural_art.compilation import SignedFile
from model_gen.codegen.neural_art.fields import Fields
from model_gen.codegen.neural_art.text_table import lines_of, spaced, under
from model_gen.codegen.neural_art.versions import Version, dialect_of

MOST = 16 << 20  # bytes of a report or log
AGAIN = "give the report as stedgeai wrote it, or validate again"
_WHAT = "a validation's report"
_ROUNDED = 0.00051  # milliseconds by which a time that is told may be off
_STATISTICS = ("min", "max", "mean", "std")
_MD5 = re.compile(r"0x([0-9a-f]{32})")


@dataclass(frozen=True)
class Metrics:
    """One row of the evaluation: `values` by their names in the header, None for n.a.; +inf may be among them."""

    name: str
    values: dict[str, float | None]
    tensor: str


@dataclass(frozen=True)
class Measured:
    """An epoch's, or a layer's, time on the target.

    Attributes:
        name: for instance EpochBlock_2; "" where it is not told.
        milliseconds: of one sample.
        cycles: of the core: as the report splits them, before, during and after the hardware's part.
    """

    name: str
    milliseconds: float
    cycles: tuple[int, ...]


@dataclass(frozen=True)
class Statistic:
    """A tensor's values over all samples: its name, type and shape as the report gives them, min, max, mean, std."""

    name: str
    type: str
    values: dict[str, float]


@dataclass(frozen=True)
class Validation:
    """A validation.

    Attributes:
        version: of stedgeai.
        models: the files of the model, signed.
        device: what the target says it is; "" where it is not told.
        runtime: the runtime library as the target tells it; "" likewise.
        samples: how many; None where it is not told.
        milliseconds: of one sample; None likewise.
        epochs: times of each.
        tensors: the network's inputs and outputs.
        metrics: the evaluation, in the order of its rows.
    """

    version: Version
    models: tuple[SignedFile, ...]
    device: str
    runtime: str
    samples: int | None
    milliseconds: float | None
    epochs: tuple[Measured, ...]
    tensors: tuple[Statistic, ...]
    metrics: tuple[Metrics, ...]


def read_validation(path: Path) -> Validation:
    """The validation in a file: a report, a log, or a c_info of a validation (.json).

    Raises:
        BadInput: it cannot be read, is none, ends too early, or a version that is not known wrote it.
    """
    if path.suffix == ".json":
        return parse_c_info(load_json(path, "c_info", next_step=AGAIN))
    return parse_validation(read_text(path, _WHAT, limit=MOST, next_step=AGAIN))


def parse_validation(text: str) -> Validation:
    """The validation that a text tells, read by the headers of its tables.

    Raises:
        BadInput: as `read_validation`.
    """
    # Logs have empty lines anywhere, inside tables too.
    lines = [line.strip() for line in lines_of(text) if line.strip()]
    told = next((line for line in lines if line.startswith("ST Edge AI Core v")), "")
    version, _ = dialect_of(told, _WHAT)
    at = _at(lines, "Evaluation report (summary)")
    header, rows = _table(lines[at:], "Output ")
    metrics = tuple(_metrics(under(header, row, _WHAT)) for row in rows)
    if not metrics:
        raise _damaged("a row of its evaluation", "none")
    profile = dict(spaced_pair for line in lines if (spaced_pair := _pair(line)) is not None)
    duration = re.match(r"(\d{1,9}(?:\.\d{1,9})?) ms by sample", profile.get("duration", ""))
    samples = profile.get("nb sample(s)", "")
    return Validation(
        version=version,
        models=(),
        device=profile.get("device.desc", ""),
        runtime=profile.get("runtime lib", ""),
        samples=int(samples) if re.fullmatch(r"\d{1,9}", samples) else None,
        milliseconds=float(duration[1]) if duration else None,
        epochs=_epochs(lines),
        tensors=_tensors(lines),
        metrics=metrics,
    )


def parse_c_info(raw: Any) -> Validation:
    """The validation that a c_info of one tells.

    Raises:
        BadInput: as `read_validation`.
    """
    top = Fields.of(raw, "a validation's c_info", AGAIN)
    environment = top.object("environment")
    tool = next(environment.objects("tools"), None)
    if tool is None:
        raise environment.misfit("tools", "a tool", [])
    version, _ = dialect_of(tool.text("version"), "a validation's c_info")
    models = []
    for file in tool.object("input_model").objects("model_files"):
        signature = _MD5.fullmatch(file.text("signature", ""))
        models.append(SignedFile(file.text("name"), signature and signature[1]))
    metrics = []
    for row in top.object("validation").objects("val_metrics"):
        values = {name: _value(value) for name, value in row.content.items() if name != "desc"}
        metrics.append(Metrics(row.text("desc"), values, ""))
    epochs = []
    for one in top.objects("aton_execution_time", empty=True):
        spent = one.number("duration_ms")
        epochs.append(Measured("", spent, one.wholes("counters")))
    return Validation(
        version=version,
        models=tuple(models),
        device=environment.text("device", ""),
        runtime="",
        samples=None,
        milliseconds=sum(one.milliseconds for one in epochs) if epochs else None,
        epochs=tuple(epochs),
        tensors=(),
        metrics=tuple(metrics),
    )


def _pair(line: str) -> tuple[str, str] | None:
    """A line `name   :   value` of the summaries."""
    found = re.fullmatch(r"(\S[^:]*?) +: +(.*)", line)
    return None if found is None else (found[1], found[2].strip())


def _metrics(row: Any) -> Metrics:
    values = {
        name: _value(value) for name, value in row.items() if name not in ("Output", "tensor")
    }
    return Metrics(row["Output"], values, row.get("tensor", ""))


def _value(told: Any) -> float | None:
    """A metric; None for n.a.

    Raises:
        BadInput: it is neither.
    """
    if told in ("n.a.", None):
        return None
    try:
        number = float(str(told).rstrip("%"))
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise _damaged("numbers in its evaluation", str(told))
    return number


def _epochs(lines: Sequence[str]) -> tuple[Measured, ...]:
    found = _table(lines, "c_id ")
    made = []
    for row in found[1]:
        cells = under(found[0], row, _WHAT)
        counts = re.findall(r"\d[\d,]*", cells.get("CPU cycles", ""))
        spent = _value(cells.get("dur (ms)", ""))
        if spent is None:
            raise _damaged("a time of each epoch", row)
        cycles = tuple(int(count.replace(",", "")) for count in counts)
        made.append(Measured(cells.get("name", ""), spent, cycles))
    total = next((spaced(line) for line in lines if line.startswith("total ")), None)
    if made and total is not None:
        whole = _value(total[1]) if len(total) > 1 else None
        sums = sum(one.milliseconds for one in made)
        if whole is None or abs(whole - sums) > _ROUNDED * (len(made) + 1):
            raise _damaged("times that add up to their total", f"{sums:.3f} and {whole} ms")
    return tuple(made)


def _tensors(lines: Sequence[str]) -> tuple[Statistic, ...]:
    header, rows = _table(lines, "tensor ")
    made = []
    for row in rows:
        cells = under(header, row, _WHAT)
        values = {name: _value(cells.get(name)) for name in _STATISTICS}
        kept = {name: value for name, value in values.items() if value is not None}
        made.append(Statistic(cells.get("name", ""), cells.get("type[shape]:size", ""), kept))
    return tuple(made)


def _table(lines: Sequence[str], start: str) -> tuple[str, list[str]]:
    """The header that begins so, and the rows between the rule under it and the next; nothing where there is none."""
    for place, line in enumerate(lines[:-1]):
        if line.startswith(start) and len(spaced(line)) > 3 and _is_rule(lines[place + 1]):
            rows: list[str] = []
            for row in lines[place + 2 :]:
                if _is_rule(row):
                    return line, rows
                rows.append(row)
            raise _damaged(f"a rule at the end of the table {start.strip()}", "none")
    return "", []


def _is_rule(line: str) -> bool:
    return len(line) > 20 and set(line) == {"-"}


def _at(lines: Sequence[str], heading: str) -> int:
    if heading not in lines:
        raise _damaged(f"`{heading}`", "none")
    return lines.index(heading)


def _damaged(wanted: str, received: str) -> BadInput:
    return BadInput(
        f"{_WHAT} must have {wanted}", evidence=f"Received: {received[:200]}", next_step=AGAIN
    )
