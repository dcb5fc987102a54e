"""Weights and multipliers in the order in which the packed kernels read them (nj_layers.h says which)."""

import numpy as np

from model_gen.codegen.cm55.ops.registry import Constants
from model_gen.codegen.tflite.graph import Array

GROUP = 4  # output channels that one turn of the dense loop takes
BLOCK = 16  # steps of one Helium vector
TURN = 8  # blocks that the dense loop takes in one turn
READS_BEHIND = BLOCK - 1


def fits(requant: Array, zero_point: int, low: int, high: int) -> tuple[bool, bool]:
    """(whether the packed kernels can rescale so, whether as relu): `requant` int32 [channels, 2] of multiplier and
    shift, `low` and `high` the range of steps that the activation leaves."""
    relu = (zero_point, low, high) == (-128, -128, 127)
    return bool(requant[:, 1].max() <= (0 if relu else -1)), relu


def dense_weights(rows: Array) -> Constants:
    """int8 [outputs, patch] as [group][block][channel of the group][16]; see nj_packed_convolution."""
    outputs, patch = rows.shape
    width = -(-patch // BLOCK) * BLOCK
    padded = np.zeros((outputs, width), np.int8)
    padded[:, :patch] = rows
    grouped = padded[_groups(outputs)].reshape(-1, GROUP, width // BLOCK, BLOCK)
    return Constants("int8_t", grouped.transpose(0, 2, 1, 3))


def dense_requants(bias: Array, requant: Array) -> Constants:
    """int32 [outputs] and [outputs, 2] as [group][int32 bias [4], int32 multiplier [4], int8 shift [4]]."""
    table = np.stack([bias, requant[:, 0], requant[:, 1]], 1).astype("<i4")
    grouped = table[_groups(len(bias))].reshape(-1, GROUP, 3).transpose(0, 2, 1)
    words = np.ascontiguousarray(grouped[:, :2]).view(np.int8).reshape(len(grouped), -1)
    return Constants("int8_t", np.concatenate([words, grouped[:, 2].astype(np.int8)], axis=1))


def depthwise_groups(taps: Array, bias: Array, requant: Array) -> Constants:
    """int8 [taps, channels], int32 [channels] and [channels, 2] as the groups of nj_packed_depthwise."""
    if BLOCK % taps.shape[1] == 0:  # the lanes of a group take places side by side
        copies = BLOCK // taps.shape[1]
        taps, bias, requant = (
            np.tile(taps, copies),
            np.tile(bias, copies),
            np.tile(requant, (copies, 1)),
        )
    count, channels = taps.shape
    groups = -(-channels // BLOCK)
    weights = np.zeros((even(count), groups * BLOCK), np.int8)
    weights[:count, :channels] = taps
    table = np.zeros((groups * BLOCK, 3), np.int32)
    table[:channels] = np.stack([bias, requant[:, 0], requant[:, 1]], 1)
    order = [lane + 4 * i for lane in (0, 2, 1, 3) for i in range(4)]
    constants = table.reshape(groups, BLOCK, 3)[:, order].reshape(groups, 4, 4, 3)
    packed = np.concatenate(
        [
            weights.reshape(-1, groups, BLOCK).transpose(1, 0, 2).reshape(groups, -1),
            np.ascontiguousarray(constants.transpose(0, 1, 3, 2), "<i4")
            .view(np.int8)
            .reshape(groups, -1),
        ],
        axis=1,
    )
    return Constants("int8_t", packed)


def padding_row(channels: int, zero_point: int) -> Constants:
    """The input's zero point, one for each channel that is walked."""
    return Constants("int8_t", np.full(-(-channels // BLOCK) * BLOCK, zero_point, np.int8))


def turns(blocks: int) -> int:
    """Turns of the dense loop over a stretch of so many blocks."""
    return -(-blocks // TURN)


def even(taps: int) -> int:
    return taps + taps % 2


def _groups(outputs: int) -> Array:
    """Output channels in whole groups, the last one repeated."""
    return np.minimum(np.arange(-(-outputs // GROUP) * GROUP), outputs - 1)
