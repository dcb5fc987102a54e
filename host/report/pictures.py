"""Pictures as PNG bytes: spectrograms of host and board, and where a tensor differs."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from host.compare.tensors import TensorDifference
    from host.report.verdict import Spectrogram

INK = "#6b7280"  # readable on white and on near-black
WIDTH, HEIGHT = 4.69, 2.95  # of a panel, in inches: two of them fill the page's card
_STYLE = {
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def spectrograms_png(shown: "Spectrogram") -> bytes:
    """Host and board side by side on one scale, and where they differ, if they do."""
    same = np.array_equal(shown.host.view(np.uint32), shown.board.view(np.uint32))
    panels = [("host", shown.host), ("board, read back over the link", shown.board)]
    if not same:
        panels.append(("|board - host|", np.abs(shown.board - shown.host)))
    figure, axes = figure_of(len(panels), WIDTH, HEIGHT)
    # One scale for both sides; the few loudest points, mostly wind, would leave the rest black.
    loudest = max(float(np.percentile(shown.host, 99.8)), 1e-6)
    for axis, (title, image) in zip(axes, panels, strict=True):
        limits = {} if title.startswith("|") else {"vmin": 0.0, "vmax": loudest}
        axis.imshow(
            image, origin="lower", aspect="auto", cmap="magma", interpolation="nearest", **limits
        )
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("frame")
        axis.set_ylabel("bin")
    return png_of(figure)


def difference_png(difference: "TensorDifference") -> bytes:
    """Where and by how much a tensor differs."""
    from host.compare.tensors import distance

    return map_png(distance(difference.got, difference.want))


def map_png(steps: npt.NDArray[np.int64]) -> bytes:
    """A map of steps, NHWC: over rows and columns (largest over channels), and over channels."""
    image, labels = _plane(steps)
    channels = steps.reshape(-1, steps.shape[-1] if steps.ndim else 1).max(axis=0)
    figure, axes = figure_of(2, WIDTH, HEIGHT)
    largest = max(1, int(steps.max(initial=1)))
    shown = axes[0].imshow(
        np.ma.masked_equal(image, 0),
        aspect="auto",
        cmap="autumn_r",
        interpolation="nearest",
        vmin=0,
        vmax=largest,
    )
    axes[0].set_title("where it differs (largest step)", fontsize=10)
    axes[0].set_xlabel(labels[1])
    axes[0].set_ylabel(labels[0])
    scale = figure.colorbar(shown, ax=axes[0])
    scale.ax.tick_params(colors=INK)
    scale.outline.set_edgecolor(INK)
    scale.ax.yaxis.get_major_locator().set_params(integer=True)
    axes[1].bar(np.arange(channels.size), channels, color="#dc2626", width=1.0)
    axes[1].set_xlim(-0.5, channels.size - 0.5)
    axes[1].set_title("largest step of each channel", fontsize=10)
    axes[1].set_xlabel("channel")
    return png_of(figure)


def _plane(steps: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], tuple[str, str]]:
    if steps.ndim == 4 and (steps.shape[1] > 1 or steps.shape[2] > 1):
        plane: npt.NDArray[np.int64] = steps.max(axis=(0, 3))
        return plane, ("row", "column")
    if steps.ndim == 2 and steps.shape[0] > 1:
        return steps, ("row", "column")
    flat = steps.reshape(-1)
    width = min(64, flat.size)
    padded = np.zeros(-(-flat.size // width) * width, dtype=np.int64)
    padded[: flat.size] = flat
    return padded.reshape(-1, width), (f"element / {width}", f"element mod {width}")


def figure_of(panels: int, width: float, height: float) -> tuple[Any, Any]:
    """A figure of panels side by side, without paper, of `width` x `height` inches each."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width * panels, height), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, panels, squeeze=False)[0]
    figure.patch.set_alpha(0.0)
    for axis in axes:
        axis.patch.set_alpha(0.0)
        for side in (axis.xaxis, axis.yaxis):
            side.get_major_locator().set_params(integer=True)
    return figure, axes


def png_of(figure: Any) -> bytes:
    """The figure as PNG; the same figure always gives the same bytes."""
    import matplotlib as mpl

    stream = io.BytesIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return stream.getvalue()
