"""The report of a conversion as one self-contained HTML page."""

from pathlib import Path
from typing import Any

from host import __version__
from host.report.html import environment
from host.results import write_result

TEMPLATE = "conversion.html.j2"


def write_page(path: Path, report: dict[str, Any], checkpoint: str) -> None:
    """Write the page of a report `nightjar/convert/1` whole or not at all."""
    write_result(path, render(report, checkpoint).encode())


def render(report: dict[str, Any], checkpoint: str) -> str:
    """The page as text."""
    layers = (report["layers"] or {}).get("layers", [])
    most = max((abs(layer["gain"]) for layer in layers), default=0.0) or 1.0
    return (
        environment()
        .get_template(TEMPLATE)
        .render(
            report=report,
            checkpoint=checkpoint,
            version=__version__,
            seeds=[_seed(one) for one in report["seeds"]],
            layers=[
                {
                    "name": layer["layer"],
                    "op": layer["op"],
                    "gain": f"{100 * layer['gain']:.1f} %",
                    "error": f"{layer['error']:.4g}",
                    "width": f"{100 * max(0.0, layer['gain']) / most:.1f}",
                }
                for layer in layers
            ],
            error=f"{report['layers']['error']:.4g}" if report["layers"] else "",
        )
    )


def _seed(one: dict[str, Any]) -> list[str]:
    gates = one["gates"]
    return [
        "none" if one["seed"] is None else str(one["seed"]),
        f"{gates['mean_cosine']:.4f}",
        f"{gates['p5_cosine']:.4f}",
        _metric(gates["float_ap"]),
        _metric(gates["int8_ap"]),
        _metric(gates["float_top1"]),
        _metric(gates["int8_top1"]),
    ]


def _metric(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
