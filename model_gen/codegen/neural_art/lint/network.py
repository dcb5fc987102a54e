"""A network.c as the rules read it: its records, its links, its buffers, its memory; never run."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from host.errors import BadInput
from host.npu.compiler.network_constants import (
    Memory,
    NetworkConstants,
    UnitRecord,
    Vector,
    read_network_constants,
)
from host.npu.generated import GeneratedCode, read_generated
from host.npu.memory import images_of
from model_gen.codegen.neural_art.network_source import NetworkSource, parse_network

_LINK = re.compile(
    r"Dest\(\) = ATONN_DSTPORT\(STRSWITCH, 0, (?P<to>[A-Z]+), (?P<unit>\d+), \d+\)(?P<sources>[^}]*)"
)
_SOURCE = re.compile(r"ATONN_SRCPORT\(STRSWITCH, 0, ([A-Z]+), (\d+), \d+\)")
_EPOCH = re.compile(r"Start_EpochBlock_(\d+)\(")


@dataclass(frozen=True)
class Link:
    """A row of a stream switch: from one unit to another, "ACTIV 0" to "CONVACC 2"."""

    source: str
    target: str
    epoch: int
    line: int


@dataclass(frozen=True)
class Code:
    """A network.c.

    Attributes:
        generated: its text, its dialect, its pools.
        source: its options, epochs and buffers.
        constants: the records of its units; None where programs of the epoch controller hold them.
        memory: its constants; None where their files are not beside it.
        missing: why `memory` is None.
    """

    generated: GeneratedCode
    source: NetworkSource
    constants: NetworkConstants | None
    memory: Memory | None
    missing: str = ""

    def records(self, kind: str) -> tuple[UnitRecord, ...]:
        """The records of a kind; none where a program of the epoch controller holds them."""
        return () if self.constants is None else self.constants.of_kind(kind)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Every connection of an epoch, once."""
        made: dict[tuple[str, str, int], Link] = {}
        epoch = -1
        for number, text in enumerate(self.generated.text.split("\n"), 1):
            started = _EPOCH.search(text)
            epoch = int(started[1]) if started else epoch
            for found in _LINK.finditer(text):
                for unit, which in _SOURCE.findall(found["sources"]):
                    target = f"{found['to']} {found['unit']}"
                    link = Link(f"{unit} {which}", target, epoch, number)
                    made.setdefault((link.source, target, epoch), link)
        return tuple(made.values())

    @cached_property
    def products(self) -> tuple["Product", ...]:
        """Its convolutions, in the order of the text."""
        if self.constants is None:
            return ()
        seen = dict.fromkeys(
            re.sub(r"(_ca_pipe_\d+|_subm_\d+)+$", "", record.node)
            for record in self.records("convacc")
            if not record.node.startswith("Pad_")
        )
        found = (self._product(node) for node in seen)
        return tuple(product for product in found if product is not None)

    def _product(self, node: str) -> "Product | None":
        units = [
            record
            for record in self.records("convacc")
            if re.fullmatch(rf"{re.escape(node)}(_subm_\d+)?(_ca_pipe_\d+)?", record.node)
        ]
        last = [unit for unit in units if unit.integer("outbytes_o") == 2]
        if not last:
            return None
        scale, bias = (self._step(node, kind) for kind in ("mul_scale", "off_bias"))
        return Product(
            node=node,
            epoch=last[-1].epoch,
            line=last[-1].line,
            shift=last[-1].integer("shift_o"),
            passes=max(max(1, unit.integer("afilt_tot")) for unit in units),
            scale=scale,
            bias=bias,
        )

    def _step(self, node: str, kind: str) -> UnitRecord | None:
        pattern = re.compile(rf"{re.escape(node)}_{kind}(_\d+)?")
        return next((r for r in self.records("arith") if pattern.fullmatch(r.node)), None)

    def multipliers(self, product: "Product") -> Vector | None:
        """A_k of a convolution; None where they are nowhere, or their file is not there."""
        record = product.scale or product.bias
        if record is None or self.memory is None:
            return None
        count, address = record.integer("fChannels"), record.integer("A_vector")
        if address and count:
            return self.memory.vector(address, count, 16)
        streams = [
            s for s in self.records("stream") if (s.node, s.role) == (record.node, "input 1")
        ]
        batch = record.integer("batchDepth")
        if not streams or record is product.bias or not batch:
            scalar = record.integer("A_scalar")
            return np.array([scalar]) if scalar and record.integer("scalar") else None
        start = streams[0].integer("addr_base") + streams[0].integer("offset_start")
        width = streams[0].integer("offset_end") - streams[0].integer("offset_start")
        parts = [self.memory.vector(start + i * width, batch, 16) for i in range(count // batch)]
        return np.concatenate(parts)


@dataclass(frozen=True)
class Product:
    """A convolution or fully connected layer of a network.c.

    Attributes:
        node: the compiler's name.
        epoch, line: of the unit that ends it.
        shift: cs.
        passes: through 16 bits.
        scale: the step that multiplies; None in a fused one.
        bias: the step that adds.
    """

    node: str
    epoch: int
    line: int
    shift: int
    passes: int
    scale: UnitRecord | None
    bias: UnitRecord | None

    @property
    def where(self) -> str:
        return f"{self.node}, epoch {self.epoch}"

    @property
    def unit(self) -> float | None:
        """Output steps of one A_k times one x1; None where the steps are not both there."""
        if self.bias is None:
            return None
        if self.scale is None:
            return float(2.0 ** -self.bias.integer("shift_o"))
        down = self.scale.integer("shift_o") + self.bias.integer("shift_o")
        return float(self.bias.integer("A_scalar") * 2.0**-down)


def read_code(path: Path) -> Code:
    """A network.c with what lies beside it.

    Raises:
        BadInput: it is none, or damaged.
    """
    generated = read_generated(path)
    constants = None
    if "_InitTypeDef" in generated.text:
        constants = read_network_constants(generated.text)
    memory, missing = None, ""
    try:
        images = images_of(generated)
        memory = Memory(tuple((image.address, image.content) for image in images))
    except BadInput as error:
        missing = error.what
    return Code(generated, parse_network(generated.text), constants, memory, missing)
