"""How often the loops of convolutions run; counts.py has those of the other kernels, and says what for."""

from math import prod

from model_gen.profile.work import Work

Counts = dict[str, float]
GROUP = 4  # output channels of a turn of the dense loop
BLOCK = 16  # bytes of a vector
_TURN = 8  # blocks of a turn
# Patches gathered at a time: model_gen/codegen/cm55/ops/convolution.py.
_BATCH_BYTES, _MAX_BATCH = 768, 32


def up(size: int, part: int) -> int:
    return -(-size // part)


def _inside(work: Work, axis: int) -> tuple[int, int]:
    """The outputs along an axis whose window lies in the image: first, and one past the last."""
    size, out = work.source[axis], work.target[axis]
    window, stride, pad = work.window[axis], work.stride[axis], work.pad[axis]
    first = min(up(pad, stride), out)
    room = size - window + pad
    return first, max(first, min(room // stride + 1, out)) if room >= 0 else first


def _whole(work: Work) -> int:
    first, behind = _inside(work, 1)
    return behind - first


def _stretches(work: Work, axis: int, together: int = 1) -> list[tuple[int, bool]]:
    """How many outputs along an axis are taken at once, and whether they see no padding: nj_inside.h."""
    first, behind = _inside(work, axis)
    whole = (behind - first) // together * together
    if whole < 2:  # one at a time
        whole = 0
    at_once = [(1, False)] * first + ([(whole, True)] if whole else [])
    rest = work.target[axis] - behind
    return at_once + [(1, True)] * (behind - first - whole) + [(1, False)] * rest


def conv_form(work: Work) -> str:
    if work.window == (1, 1) and work.pad == (0, 0):
        return " in place" if _is_one_run(work) else " row by row"
    _, width, channels = work.source
    reach = (work.target[1] - 1) * work.stride[1] + work.window[1]
    sides = work.pad[1] > 0 or reach > width
    stretch = channels if sides else work.window[1] * channels
    return " gathered" if stretch % BLOCK else " rows in place"


def _is_one_run(work: Work) -> bool:
    return work.stride == (1, 1) and work.source[1] == work.target[1]


def conv(work: Work) -> Counts:
    return {
        " in place": _conv_in_place,
        " row by row": _conv_in_place,
        " rows in place": _conv_rows,
        " gathered": _conv_gathered,
    }[conv_form(work)](work)


def _conv_in_place(work: Work) -> Counts:
    """The image is the patches."""
    height, width, _ = work.target
    length = height * width if _is_one_run(work) else width
    runs = height * width // length
    one_block = work.stride[1] * work.source[2] in (BLOCK // 2, BLOCK)
    return _patches(work, length, runs, one_block)


def _conv_rows(work: Work) -> Counts:
    """Windows are read where they lie: in rows of them, or at the sides in places."""
    height, width = work.window
    of_rows = height * up(width * work.source[2] // BLOCK, _TURN)
    of_places = height * width * up(work.source[2] // BLOCK, _TURN)
    runs: list[tuple[int, int]] = []  # pairs, and stretches of each
    alone = 0
    for rows, _ in _stretches(work, 0):
        for columns, inside in _stretches(work, 1, together=2):
            if columns > 1:
                runs += [(columns // 2, of_rows)] * rows
                continue
            if rows > 1:
                runs.append((rows // 2, of_rows if inside else of_places))
            alone += rows % 2
    runs += [(1, of_places)] * up(alone, 2)
    groups = up(work.target[2], GROUP)
    return {
        **_pairs(work, sum(pairs for pairs, _ in runs), len(runs)),
        "turns": groups * sum(pairs * turns for pairs, turns in runs),
        "steps": sum(pairs * turns for pairs, turns in runs),
        "stretches": sum(turns for _, turns in runs),
    }


def _conv_gathered(work: Work) -> Counts:
    """Patches are copied, a batch at a time."""
    height, width, _ = work.target
    row = work.window[1] * work.source[2]
    patch = up(work.window[0] * row, BLOCK) * BLOCK
    batch = max(2, min(_BATCH_BYTES // patch, _MAX_BATCH) // 2 * 2)
    places = height * width
    batches, rest = divmod(places, batch)
    first, behind = _inside(work, 0)
    inside = (behind - first) * _whole(work)
    found = {
        **_sum_of(
            _patches(work, batch, batches, patch == BLOCK),
            _patches(work, rest, int(rest > 0), patch == BLOCK),
        ),
        "runs gathered": (behind - first if inside else 0) + batches,
        "gathered": inside,
        "vectors gathered": inside * work.window[0] * up(row, BLOCK),
    }
    at_edges = places - inside
    if row > BLOCK:
        return {**found, **_edges(work, at_edges)}
    return {
        **found,
        "edges, narrow": at_edges,
        "rows of edges, narrow": at_edges * work.window[0],
    }


def _edges(work: Work, places: int) -> Counts:
    rows = places * work.window[0]
    return {
        "edges": places,
        "rows of edges": rows,
        "bytes of edges": rows * up(work.window[1] * work.source[2], BLOCK),
    }


def _sum_of(first: Counts, second: Counts) -> Counts:
    return {name: first.get(name, 0) + second.get(name, 0) for name in {**first, **second}}


def _patches(work: Work, length: int, runs: int, one_block: bool) -> Counts:
    """So many runs of patches that lie side by side; an odd last one of each goes by itself."""
    pairs = _pairs(work, runs * (length // 2), runs * (length > 1), one_block)
    return _sum_of(pairs, _pairs(work, runs * (length % 2), runs * (length % 2)))


def _pairs(work: Work, pairs: int, runs: int, one_block: bool = False) -> Counts:
    """The dense loop: pairs of places against groups of outputs over blocks of the patch, or over one alone."""
    groups = pairs * up(work.target[2], GROUP)
    blocks = up(prod(work.window) * work.source[2], BLOCK)
    found: Counts = {
        "runs": runs,
        "pairs": pairs,
        "groups": groups,
        "groups clamped": 0 if work.relu else groups,
    }
    if one_block:
        return {**found, "groups of one block": groups}
    return {
        **found,
        "pairs of several blocks": pairs,
        "blocks": groups * blocks,
        "turns": groups * up(blocks, _TURN),
    }


def depthwise_form(work: Work) -> str:
    return " of 9" if prod(work.window) == 9 and work.target[2] % 4 == 0 else " of any"


def depthwise(work: Work) -> Counts:
    channels = work.target[2]
    groups = up(channels, BLOCK)
    nine = depthwise_form(work) == " of 9"
    taps = prod(work.window) + prod(work.window) % 2
    side = BLOCK // channels if work.stride[1] == 1 and BLOCK % channels == 0 else 1
    blocks = runs = turns = steps = apart = 0
    for rows, rows_inside in _stretches(work, 0):
        for columns, inside in _stretches(work, 1, together=side):
            padded = not (rows_inside and inside)
            wide = side > 1 and columns >= side
            down = not wide and rows > columns
            lines, places = (
                (columns, rows) if down else (rows, columns // side if wide else columns)
            )
            if padded and not nine:  # its taps all move alike
                blocks, lines, places = blocks + rows * columns, rows * columns, 1
            blocks += 1
            runs += lines
            turns += lines * places
            steps += lines * places * (1 if wide else groups)
            moved = BLOCK if wide else (0 if down else work.stride[1] * channels)
            if not nine or (places > 1 and (padded or moved != groups * BLOCK)):
                apart += lines * places
    return {
        "blocks": blocks,
        "runs": runs,
        "taps set": blocks * prod(work.window),
        "turns": turns,
        "groups": steps,
        "groups clamped": 0 if work.relu else steps,
        "taps": 0 if nine else steps * taps,
        "moves apart": apart,
    }
