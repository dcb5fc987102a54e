"""How often the loops of a transposed convolution run: rows of convolutions (struct nj_packed_transpose)."""

import numpy as np

from model_gen.codegen.cm55.ops.transpose_conv import Part, as_convolutions
from model_gen.profile.convolutions import BLOCK, GROUP, Counts, up
from model_gen.profile.work import Work


def _parts(work: Work) -> list[Part]:
    shape = (work.target[2], *work.window, work.source[2])
    return as_convolutions(
        np.zeros(shape, np.int8), work.stride, work.pad, work.source, work.target
    )


def transposed_form(work: Work) -> str:
    """Whether the rows of its windows are read where they lie."""
    part = _parts(work)[0]
    if work.stride == (1, 1):
        return " as one"
    sides = part.left > 0 or part.places - 1 - part.left + part.width > work.source[1]
    stretch = work.source[2] if sides else part.width * work.source[2]
    return " gathered" if stretch % BLOCK else ""


def transposed(work: Work) -> Counts:
    """Pairs of places against groups of channels, in blocks of the patch."""
    rows = groups = blocks = copied = 0
    for part in _parts(work):
        pairs = part.rows * up(part.places, 2)
        patch = up(part.weights.shape[1] * part.width * work.source[2], BLOCK)
        rows += part.rows
        groups += pairs * up(part.channels, GROUP)
        blocks += pairs * up(part.channels, GROUP) * patch
        copied += part.rows * part.places * patch
    return {"rows": rows, "groups": groups, "blocks": blocks, "vectors": copied}
