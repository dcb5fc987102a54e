"""The picture of a comparison: the steps of each layer, its own and end to end."""

from collections.abc import Sequence

import numpy as np

from host.npu.comparison.compare import LayerComparison
from host.report.pictures import HEIGHT, WIDTH, figure_of, png_of

_OWN, _END = "#c98a1b", "#6b7280"


def steps_png(layers: Sequence[LayerComparison]) -> bytes:
    """Left the largest steps of each layer; right the share of its values that are equal."""
    figure, axes = figure_of(2, WIDTH, HEIGHT)
    ops = np.arange(len(layers))
    kinds = (
        ("its own", _OWN, [x.forced for x in layers]),
        ("end to end", _END, [x.end for x in layers]),
    )
    for name, colour, steps in kinds:
        axes[0].step(ops, [one.largest for one in steps], where="mid", color=colour, label=name)
        shares = [100 * one.equal / max(one.elements, 1) for one in steps]
        axes[1].step(ops, shares, where="mid", color=colour, label=name)
    axes[0].set_title("largest difference, steps", fontsize=10)
    axes[1].set_title("equal values, %", fontsize=10)
    axes[0].set_ylim(bottom=0)
    axes[1].set_ylim(0, 103)
    for axis in axes:
        axis.set_xlabel("observed layer, in order")
        axis.legend(frameon=False, fontsize=8)
    return png_of(figure)
