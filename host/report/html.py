"""A verdict as one self-contained HTML page: nothing is loaded from anywhere."""

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from host import __version__
from host.backends import NEURAL_ART
from host.coverage.coverage import Share
from host.coverage.table import percent
from host.printable import printable
from host.report.pictures import map_png, spectrograms_png
from host.report.verdict import LayerVerdict, MeasuredClock, Verdict, short_name
from host.results import write_result

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "report.html.j2"
UNREACHED = 12  # objects that the page names
_CACHES = ("off", "instructions", "data", "instructions and data")
NARROW = "\u202f"  # a space as narrow as between thousands, at which no line breaks


@dataclass(frozen=True)
class Bar:
    """One row of the layer table and of the cost chart. `width` is in percent of the widest."""

    layer: LayerVerdict
    name: str
    width: float
    share: str
    state: str  # exact | wrong | hidden


@dataclass(frozen=True)
class Reached:
    """How much of something the vectors reached. `width` is in percent."""

    name: str
    share: str
    bytes: str
    width: float


@dataclass(frozen=True)
class Fact:
    """One line of what was proved."""

    name: str
    value: str
    mono: bool = False


@dataclass(frozen=True)
class Words:
    """What a page calls the layers of a verdict, and who judged them."""

    part: str = "layer"
    parts: str = "Layers"
    number: str = "op"
    outputs: str = "op outputs"
    row: str = "One row for each op output, in order"
    order: str = "NHWC"
    judge: str = "the host reference"


_EPOCHS = Words(
    part="epoch",
    parts="Epochs",
    number="epoch",
    outputs="buffers that epochs finish",
    row="One row for each buffer that an epoch finishes, by epochs; a step that finishes several costs what its first "
    "row says",
    order="as it lies in memory",
    judge="the executor of the same network",
)


def write_html(path: Path, verdict: Verdict, *, title: str, note: str = "") -> None:
    """Write the page whole or not at all. `note` is one line under the headline."""
    write_result(path, render(verdict, title=title, note=note).encode())


def render(verdict: Verdict, *, title: str, note: str = "") -> str:
    """The page as text."""
    exhibits = verdict.exhibits
    return (
        environment()
        .get_template(TEMPLATE)
        .render(
            verdict=verdict,
            words=_EPOCHS if verdict.backend == NEURAL_ART else Words(),
            state=verdict.state,
            title=title,
            note=note,
            version=__version__,
            facts=_facts(verdict),
            link=[Fact(k.replace("_", " "), _count(v)) for k, v in verdict.proved.link.items()],
            bars=_bars(verdict),
            unit=short_name(verdict.proved.cost_unit, 20),
            counted=any(layer.instructions is not None for layer in verdict.layers),
            differs=any(layer.differing for layer in verdict.layers),
            reached=_reached(verdict),
            covered=_covered(verdict),
            unreached=() if verdict.coverage is None else verdict.coverage.unreached[:UNREACHED],
            first_name=""
            if verdict.first_difference is None
            else short_name(verdict.first_difference.name),
            spectrograms=[
                (shown.vector, data_uri(spectrograms_png(shown))) for shown in exhibits.spectrograms
            ],
            where="" if exhibits.steps is None else data_uri(map_png(exhibits.steps)),
            observed=sum(layer.observed for layer in verdict.layers),
            compared_bytes=sum(layer.bytes for layer in verdict.layers if layer.observed)
            * verdict.vectors,
        )
    )


def environment() -> "Environment":
    """What renders this folder's templates: strict, escaping, with the filters `count` and `breakable`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["count"] = _count
    made.filters["breakable"] = _breakable
    return made


def _beside_tflite(verdict: Verdict) -> list[Fact]:
    """The second comparison of a verdict on the NPU."""
    if verdict.tflite is None:
        reason = verdict.tflite_reason
        return [Fact("beside TFLite", f"not compared: {reason}")] if reason else []
    told = [line.strip() for line in verdict.tflite.lines()]
    return [
        Fact("beside TFLite", "; ".join(told)),
        Fact("TFLite", f"{verdict.tflite.reference}; {verdict.tflite.statement}"),
    ]


def _moved(verdict: Verdict) -> list[Fact]:
    """What the vectors moved."""
    if verdict.reach is None:
        return []
    return [Fact("moved", verdict.reach.line.removeprefix("vectors: "))]


def _beside_judge(verdict: Verdict) -> list[Fact]:
    """What other kernels say of the judge."""
    if verdict.second is None:
        reason = verdict.second_reason
        return [Fact("beside the judge", f"nobody: {reason}")] if reason else []
    return [Fact("beside the judge", "; ".join(line.strip() for line in verdict.second.lines()))]


def _facts(verdict: Verdict) -> list[Fact]:
    proved = verdict.proved
    return [
        Fact("board", verdict.where),
        *([Fact("booted from", verdict.boot)] if verdict.boot else []),
        Fact("backend", verdict.backend),
        Fact("build-id", verdict.build_id, True),
        Fact("ELF", proved.elf_sha256, True),
        Fact("image CRC-32, computed by the firmware", verdict.image_crc, True),
        Fact("model", verdict.model_sha256, True),
        Fact("contract", proved.contract_sha256, True),
        Fact("reference", verdict.reference),
        *_beside_tflite(verdict),
        *_moved(verdict),
        *_beside_judge(verdict),
        Fact("rounding", proved.rounding or "no op rounds"),
        Fact("compiler", proved.compiler),
        Fact("protocol", str(proved.protocol)),
        Fact("cost unit", proved.cost_unit),
        *(Fact("budget of the NPU", line) for line in proved.npu_budget),
        *_chip(verdict),
        Fact(
            "runs", f"{_count(proved.tapped_runs)} tapped, {_count(proved.untapped_runs)} untapped"
        ),
        Fact("digests compared", _count(proved.digests)),
        Fact("recalled, not computed anew", ", ".join(verdict.recalled) or "nothing"),
        *(Fact(f"not applicable: {one.what}", one.reason) for one in verdict.not_applicable),
    ]


def _chip(verdict: Verdict) -> list[Fact]:
    """What the chip says of itself, and where its firmware lies; the time that its cycles took."""
    proved, cost = verdict.proved, verdict.cost
    if not proved.clocks:
        return []
    lies = (f"{section} {memory}" for section, memory in proved.placement.items())
    time = [f"{us:,.1f} \u00b5s" for us in (cost.frontend_us, cost.model_us) if us is not None]
    return [
        Fact("unique id", proved.uid, True),
        Fact("clocks, the core's first", ", ".join(f"{hz / 1e6:g} MHz" for hz in proved.clocks)),
        *_measured(proved.measured_clock),
        Fact("caches", _CACHES[proved.caches & 3]),
        Fact("memory of each section", "; ".join(lies)),
        *([Fact("time, frontend and model", ", ".join(time))] if time else []),
    ]


def _measured(clock: MeasuredClock | None) -> list[Fact]:
    """The core's clock by the host's time."""
    if clock is None:
        return []
    least, most = (f"{hz / 1e6:.4g}" for hz in (clock.least, clock.most))
    return [Fact("core's clock, measured", f"{clock.hz / 1e6:.4g} MHz ({least} to {most})")]


def _reached(verdict: Verdict) -> list[Reached]:
    """The whole firmware's code and constants."""
    if verdict.coverage is None:
        return []
    shares = {"code executed": verdict.coverage.code, "constants read": verdict.coverage.constants}
    return [
        Reached(
            name,
            _percent(share),
            f"{_count(share.reached)} of {_count(share.bytes)}",
            share.percent,
        )
        for name, share in shares.items()
    ]


def _covered(verdict: Verdict) -> dict[int, tuple[str, str]]:
    """Shares of code and constants by the index of an op."""
    layers = () if verdict.coverage is None else verdict.coverage.layers
    return {layer.index: (_percent(layer.code), _percent(layer.constants)) for layer in layers}


def _percent(share: Share) -> str:
    return percent(share).replace(" ", NARROW)


def _bars(verdict: Verdict) -> list[Bar]:
    costs = [layer.instructions or 0 for layer in verdict.layers]
    widest, total = max(costs, default=0), sum(costs)
    bars = []
    for layer, cost in zip(verdict.layers, costs, strict=True):
        state = "wrong" if layer.differing else "exact" if layer.observed else "hidden"
        width = 100 * cost / widest if widest else 0.0
        share = f"{100 * cost / total:.1f}{NARROW}%" if total else ""
        bars.append(Bar(layer, short_name(layer.name, 44), round(width, 2), share, state))
    return bars


def data_uri(png: bytes) -> str:
    """A picture for the page itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _count(value: int | None) -> str:
    """A number with narrow spaces between thousands, at which no line breaks; a dash for None."""
    return "-" if value is None else f"{value:,}".replace(",", NARROW)


def _breakable(text: str) -> Markup:
    """A name as HTML that breaks at its own joints first, and not behind what stands for a part that was cut off."""
    joint = r"[/;.]" if re.search(r"[/;.]", text) else "_"
    shown = str(escape(printable(text))).replace("…", "…\u2060")
    return Markup(re.sub(f"({joint})", r"\1<wbr>", shown))


def _shown(value: object) -> object:
    """Text with nothing in it that shows as something else; autoescape makes the rest of it harmless."""
    return printable(value, keep=NARROW) if type(value) is str else value
