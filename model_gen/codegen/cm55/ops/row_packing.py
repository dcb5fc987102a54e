"""Weights in fewer bytes, row by row of 16 (struct nj_packed_weights of nj_layers.h says how), and back."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_gen.codegen.cm55.ops.packing import BLOCK, GROUP
from model_gen.codegen.tflite.graph import Array

PLAIN, SPARSE = 8, 9  # kinds of a row beside so many planes
TABLE = 16  # values of a channel that a table holds
BEHIND = (
    72  # bytes that a damaged stream may read behind its end: a block of four rows, 18 each at most
)
_Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Packed:
    """Rows of weights: their kinds, their bytes, and the values of each channel where they are indices.

    group_rows: rows of a group of 4 channels. tables: int8 [channels, 16] or None.
    """

    rows: int
    group_rows: int
    kinds: _Bytes
    data: _Bytes
    tables: Array | None

    @property
    def bytes(self) -> int:
        tables = 0 if self.tables is None else self.tables.size
        return len(self.kinds) + len(self.data) + BEHIND + tables

    @property
    def unpacked(self) -> int:
        return self.rows * BLOCK

    def count(self, kind: int) -> int:
        """How many rows are of a kind."""
        return int((_halves(self.kinds)[: self.rows] == kind).sum())


def pack(weights: Array) -> Packed:
    """int8 [group][block][channel of 4][16] in the fewest bytes, by values or by tables."""
    by_values = _pack(weights, None)
    values = _tables(weights)
    if values is None:
        return by_values
    by_tables = _pack(weights, values)
    return by_tables if by_tables.bytes < by_values.bytes else by_values


def unpack(packed: Packed) -> Array:
    """int8 [rows * 16], read as nj_layers.h says and by nothing that `pack` uses."""
    found = []
    at = 0
    for row in range(packed.rows):
        kind = int(packed.kinds[row // 2]) >> (4 if row % 2 else 0) & 15
        if kind == PLAIN:
            found.append(packed.data[at : at + BLOCK].view(np.int8))
            at += BLOCK
        elif kind == SPARSE:
            there = int.from_bytes(packed.data[at : at + 2].tobytes(), "little")
            at += 2
            line = np.zeros(BLOCK, np.int8)
            for i in range(BLOCK):
                if there & (1 << i):
                    line[i] = packed.data[at].view(np.int8)
                    at += 1
            found.append(line)
        else:
            numbers = [0] * BLOCK
            for plane in range(kind):
                bits = int.from_bytes(packed.data[at : at + 2].tobytes(), "little")
                at += 2
                negative = plane == 0 and packed.tables is None
                numbers = [
                    2 * number + (-1 if negative else 1) * (bits >> i & 1)
                    for i, number in enumerate(numbers)
                ]
            if packed.tables is not None:
                channel = GROUP * (row // packed.group_rows) + row % GROUP
                numbers = [int(packed.tables[channel, number]) for number in numbers]
            found.append(np.array(numbers, np.int8))
    assert at == len(packed.data)
    return np.concatenate(found) if found else np.zeros(0, np.int8)


def _tables(weights: Array) -> Array | None:
    """[channels, 16], 0 first and then by frequency, or None where a channel has more values."""
    lines = _by_channel(weights)
    tables = np.zeros((len(lines), TABLE), np.int8)
    for channel, line in enumerate(lines):
        values, counts = np.unique(line, return_counts=True)
        if len(values) > TABLE:
            return None
        order = np.lexsort((values, -counts, values != 0))
        tables[channel, : len(values)] = values[order]
    return tables


def _by_channel(weights: Array) -> Array:
    """[channels, weights of each]."""
    groups = weights.shape[0]
    return np.ascontiguousarray(weights.transpose(0, 2, 1, 3)).reshape(groups * GROUP, -1)


def _pack(weights: Array, tables: Array | None) -> Packed:
    groups, blocks = weights.shape[:2]
    rows = weights.reshape(-1, BLOCK)
    if tables is None:
        numbers = rows.astype(np.int32)
        reach = np.maximum(numbers, -1 - numbers).max(
            axis=1
        )  # what two's complement has a sign beside
        bits = _length(reach) + ((numbers != 0).any(axis=1)).astype(np.int32)
    else:
        # The first place in the channel's table; unused places repeat 0, which lies first or is not met.
        of = tables.reshape(groups, 1, GROUP, 1, TABLE)
        numbers = (weights[..., None] == of).argmax(axis=-1).reshape(-1, BLOCK).astype(np.int32)
        bits = _length(numbers.max(axis=1))
    sparse = 2 + np.count_nonzero(rows, axis=1)
    kinds = np.where(sparse < 2 * bits, SPARSE, bits).astype(np.uint8)
    data = [_row(int(kind), rows[i], numbers[i]) for i, kind in enumerate(kinds)]
    even = np.append(kinds, np.zeros(len(kinds) % 2, np.uint8))
    return Packed(
        rows=len(rows),
        group_rows=blocks * GROUP,
        kinds=(even[::2] | even[1::2] << 4).astype(np.uint8),
        data=np.concatenate([np.zeros(0, np.uint8), *data]),
        tables=tables,
    )


def _row(kind: int, values: Array, numbers: Array) -> _Bytes:
    if kind == PLAIN:
        return values.view(np.uint8)
    if kind == SPARSE:
        there = np.packbits(values != 0, bitorder="little")
        return np.concatenate([there, values[values != 0].view(np.uint8)])
    planes = [numbers >> bit & 1 for bit in range(kind - 1, -1, -1)]
    return np.packbits(np.array(planes, np.uint8).reshape(-1), bitorder="little")


def _length(numbers: Array) -> Array:
    """Bits of whole numbers that are not negative."""
    return np.searchsorted(1 << np.arange(8), numbers, side="right").astype(np.int32)


def _halves(kinds: _Bytes) -> _Bytes:
    return np.stack([kinds & 15, kinds >> 4], axis=1).reshape(-1)
