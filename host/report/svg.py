"""Matplotlib's figures as SVG within a page: the page's own colours and font, light and dark."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Colours that stand for the page's; matplotlib needs some, and each is replaced by its variable.
INK, SOFT, LINE, BAR = "#010101", "#020202", "#030303", "#040404"
KINDS = ("#050501", "#050502", "#050503", "#050504", "#050505")
_VARIABLES = {
    INK: "--ink",
    SOFT: "--soft",
    LINE: "--line",
    BAR: "--bar",
    **{colour: f"--k{i}" for i, colour in enumerate(KINDS)},
}
WIDTH, HEIGHT = 4.0, 3.1  # of a plot, in inches
_STYLE = {
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.linewidth": 0.7,
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": SOFT,
    "axes.titlecolor": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "nightjar",
    "text.parse_math": False,  # names may hold dollars
}


@contextmanager
def plot(height: float = HEIGHT) -> Iterator[Any]:
    """Axes of a figure of its own; `svg_of` makes it text, still within the block."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser's fonts have it
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        axes.patch.set_visible(False)
        yield axes


def svg_of(axes: Any, name: str, says: str) -> str:
    """The figure of `axes` as an element; the same figure gives the same text.

    Args:
        name: distinct in the page, of letters; it goes before every id.
        says: what the plot shows, for who cannot see it; plain text without markup.
    """
    stream = io.StringIO()
    axes.figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r'((?:href="|url\()#)', rf"\g<1>{name}-", text)
    text = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font-size: \1px", text)
    text = re.sub(r"font-family: [^;\"]+;?\s*", "", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    head = re.match(r"<svg[^>]*>", text)
    assert head is not None
    box = re.search(r'viewBox="[^"]+"', head[0])
    assert box is not None
    return f'<svg {box[0]} role="img" aria-label="{says}">{text[head.end() :]}'
