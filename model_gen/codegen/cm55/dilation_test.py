"""Chains of SPACE_TO_BATCH_ND, convolution, BATCH_TO_SPACE_ND against the reference, which runs them op by op."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.cm55.exactness_test import check
from model_gen.codegen.testing.models import builder, rewired
from model_gen.codegen.testing.single_ops import constant, q, weights, window

Pair = tuple[int, int]


@dataclass(frozen=True)
class Chain:
    """`image`, `block`, `kernel`: rows and columns. A `line` is an image of one row that loses it before the chain and
    gets it back around the convolution, as a 1-D layer does."""

    image: Pair
    block: Pair
    kernel: Pair
    pads: tuple[Pair, Pair] = ((0, 0), (0, 0))
    crops: tuple[Pair, Pair] = ((0, 0), (0, 0))
    depthwise: bool = False
    line: bool = False
    same: bool = False
    dilation: int = 1
    stride: int = 1
    activation: int = 0
    spaces: Pair | None = None  # block of the second op
    relabelled: tuple[int, ...] = ()  # tensors that a reshape of a line gives another zero point

    @property
    def name(self) -> str:
        return "DEPTHWISE_CONV_2D" if self.depthwise else "CONV_2D"

    def model(self, *, source: Any = None) -> bytes:
        """The chain, then a RELU, so that its end is no output of the model."""
        channels, outputs = 3, 6
        inner = [
            (n + sum(p)) // b for n, p, b in zip(self.image, self.pads, self.block, strict=True)
        ]
        reach = [(k - 1) * self.dilation for k in self.kernel]
        made = [n if self.same else n - r for n, r in zip(inner, reach, strict=True)]
        made = [-(-n // self.stride) for n in made]
        batch = self.block[0] * self.block[1]
        out = [n * b - sum(c) for n, b, c in zip(made, self.block, self.crops, strict=True)]
        first = 1 if self.line else 0
        wide = q((batch, *inner, channels), 0.05, 9)
        four = (batch, *made, outputs)

        def flat(shape: tuple[int, ...]) -> tuple[int, ...]:
            return (shape[0], *shape[2:]) if self.line else shape

        tensors = [
            source or q(flat((1, *self.image, channels)), 0.05, 9),
            constant(list(self.block[first:])),
            constant([list(p) for p in self.pads[first:]]),
            q(flat(wide.shape), 0.05, 9),
            wide,  # 4: what the convolution reads
            weights((1, *self.kernel, outputs), 3)
            if self.depthwise
            else weights((outputs, *self.kernel, channels), 0),
            constant([900, -800, 0, 55, 7, -1]),
            q(four, 0.07, -3),  # 7: what it writes
            q(flat(four), 0.07, -3),
            constant([list(c) for c in self.crops[first:]]),
            q(flat((1, *out, outputs)), 0.07, -3),  # 10
            q(flat((1, *out, outputs)), 0.08, 5),
            constant(1),
            constant(list(flat(four))),
            constant(list((self.spaces or self.block)[first:])),
        ]
        for index in self.relabelled:
            tensors[index] = replace(tensors[index], zero_point=tensors[index].zero_point + 7)
        options: dict[str, int] = window(
            padding=0 if self.same else 1,
            strideH=self.stride,
            strideW=self.stride,
            dilationHFactor=self.dilation,
            dilationWFactor=self.dilation,
            fusedActivationFunction=self.activation,
        )
        if self.depthwise:
            options["depthMultiplier"] = outputs // channels
        kind = "DepthwiseConv2DOptions" if self.depthwise else "Conv2DOptions"
        read, written = (4, 7) if self.line else (3, 8)
        ops: list[Any] = [("SPACE_TO_BATCH_ND", [0, 1, 2], [3], None, 1)]
        if self.line:
            ops.append(("EXPAND_DIMS", [3, 12], [4], None, 1))
        ops.append((self.name, [read, 5, 6], [written], {kind: options}, 3))
        if self.line:
            ops.append(("RESHAPE", [7, 13], [8], None, 1))
        ops += [("BATCH_TO_SPACE_ND", [8, 14, 9], [10], None, 1), ("RELU", [10], [11], None, 1)]
        return bytes(builder().model(ops, tensors))


PLAIN = Chain((8, 9), (2, 3), (3, 2))


def drawn(seed: int) -> Chain:
    """Any blocks, kernels, paddings and crops that fit."""
    rng = np.random.default_rng(seed)

    def one(*choices: int) -> int:
        return int(rng.choice(choices))

    line = seed % 3 == 0
    same, dilation = bool(one(0, 0, 1)), one(1, 1, 2)
    edges: list[tuple[int, int, int, Pair, Pair]] = []
    for d in range(2):
        block, kernel = (1, 1) if line and d == 0 else (one(1, 2, 3, 4), one(1, 2, 3))
        inner = (kernel - 1) * dilation + one(1, 2, 5)
        before = one(0, 1, block)
        image = max(1, inner * block - before - one(0, 1, 2))
        pads = (before, inner * block - before - image) if block > 1 or not line else (0, 0)
        if block == 1 and line:
            image = inner if d else 1
        made = (inner if same else inner - (kernel - 1) * dilation) * block
        front = min(one(0, 0, 1), pads[0], made - 1)
        edges.append((image, block, kernel, pads, (front, min(one(0, 1, 2), made - 1 - front))))
    (h, bh, kh, ph, ch), (w, bw, kw, pw, cw) = edges
    if line:
        ph, ch = (0, 0), (0, 0)
    return Chain(
        *((h, w), (bh, bw), (kh, kw), (ph, pw), (ch, cw), one(0, 1) == 1, line, same, dilation),
        activation=one(0, 1, 3),
    )


@pytest.mark.parametrize("seed", range(18))
def test_chain_is_one_dilated_convolution(seed: int, tmp_path: Path) -> None:
    chain = drawn(seed)
    host = check(chain.model(), tmp_path)
    assert [s.view.op.name for s in host.generated.program.steps] == [chain.name, "RELU"]
    assert len(host.generated.program.folded) == (4 if chain.line else 2)


@pytest.mark.parametrize(
    "chain",
    [
        replace(PLAIN, stride=2),
        replace(PLAIN, spaces=(3, 2)),
        replace(PLAIN, crops=((1, 0), (0, 0))),
        replace(PLAIN, kernel=(1, 1), pads=((0, 2), (0, 0))),
        Chain((1, 9), (1, 3), (1, 2), line=True, relabelled=(7,)),
    ],
    ids=["stride", "other blocks", "crop in front", "padding behind one place", "relabelled"],
)
def test_other_chains_are_refused_by_name(chain: Chain) -> None:
    with pytest.raises(BadInput, match="SPACE_TO_BATCH_ND: only the pair of them around one"):
        plan_model(chain.model())


def test_chain_whose_inside_is_read_is_refused() -> None:
    """An output of the model must exist."""
    with pytest.raises(BadInput, match="op 0, SPACE_TO_BATCH_ND: only the pair"):
        plan_model(rewired(PLAIN.model(), outputs=[8, 11]))


def test_more_than_one_image_is_refused() -> None:
    with pytest.raises(BadInput, match="op 0, SPACE_TO_BATCH_ND: only the pair"):
        plan_model(PLAIN.model(source=q((2, 8, 9, 3), 0.05, 9)))


def test_blocks_that_do_not_divide_are_refused() -> None:
    with pytest.raises(BadInput, match="does not divide into blocks"):
        plan_model(PLAIN.model(source=q((1, 8, 8, 3), 0.05, 9)))
