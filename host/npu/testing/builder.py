"""One hardware epoch while it is put together: its units, streams and switch rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from host.errors import BadInput
from host.npu.testing.layers import BYTES, Quad, Tensor
from host.npu.testing.place import Image
from host.npu.testing.program import Address, Hardware, Port, Route, Stream, Unit, Value

UNITS = {"STRENG": 10, "CONVACC": 4, "ARITH": 4, "POOL": 2}
_SLACK = 64


@dataclass(frozen=True)
class Frames:
    """Which groups of `batch` channels come in which order.

    Frame f of `total` is group start + (f mod loop) * step + (f div loop) * advance; without
    `loop`, start + f * step. `window`: top, left, height, width of what is read. `pairs`: two bytes
    travel as one value of 16 bits.
    """

    batch: int
    total: int
    start: int = 0
    step: int = 1
    loop: int = 0
    advance: int = 0
    window: Quad | None = None
    pairs: bool = False


@dataclass
class Builder:
    """The parts of epoch `number`; `rng` decides which of the equal units are used."""

    number: int
    rng: Random
    places: Mapping[str, Address]
    image: Image
    units: list[Unit] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    made: dict[str, Port] = field(
        default_factory=dict
    )  # tensors that come out of a port in this epoch

    def __post_init__(self) -> None:
        self._free = {kind: self.rng.sample(range(count), count) for kind, count in UNITS.items()}

    def take(self, kind: str) -> Port:
        """Port 0 of a unit that nothing uses yet.

        Raises:
            BadInput: the chip has no more of them.
        """
        if not self._free[kind]:
            raise BadInput(
                f"epoch {self.number} needs more units than the chip has",
                evidence=f"Received: more than {UNITS[kind]} of {kind}.",
                next_step="put its layers into several epochs",
            )
        return Port(kind, self._free[kind].pop())

    def unit(self, port: Port, node: str, operation: str, fields: Mapping[str, Value]) -> None:
        """Configure a unit that was taken."""
        self.units.append(Unit(port.unit, port.number, node, operation, dict(fields)))

    def link(self, target: Port, source: Port, dropped: int = 0) -> None:
        """Connect two ports; of dropped + 1 frames only the last goes through."""
        if dropped:
            self.routes.append(Route(target, source, (dropped, 1), (False, True)))
        else:
            self.routes.append(Route(target, source))

    def stream(
        self,
        node: str,
        port: int,
        tensor: str,
        place: Address,
        out: bool,
        fields: Mapping[str, int],
        physical: bool = False,
    ) -> Port:
        """A stream engine at `place`; offsets in `fields` count from there."""
        engine = self.take("STRENG")
        shifted = {
            key: value + place.offset
            if key in ("offset_start", "offset_end", "offset_limit")
            else value
            for key, value in fields.items()
        }
        if shifted.get("raw") and self.rng.random() < 0.1:  # the size of a frame in the other way
            moved = shifted["nbits_out" if out else "nbits_in"]
            bits = 8 * (shifted["offset_end"] - shifted["offset_start"])
            shifted |= {"frame_count": bits // moved, "offset_end": shifted["offset_start"]}
        self.streams.append(
            Stream(engine.number, node, port, out, place.base, tensor, shifted, physical)
        )
        return engine

    def read(
        self,
        node: str,
        tensor: Tensor,
        frames: Frames,
        fields: Mapping[str, int] | None = None,
        *,
        port: int = 0,
        physical: bool = False,
    ) -> Port:
        """Where the frames of a stored `tensor` come from, a stream engine."""
        described = {**_walk(tensor, frames, self.rng.random() < 0.5), **(fields or {})}
        place = self.places[tensor.name]
        return self.stream(node, port, tensor.name, place, False, described, physical)

    def feed(
        self,
        target: Port,
        node: str,
        tensor: Tensor,
        frames: Frames,
        fields: Mapping[str, int] | None = None,
        *,
        physical: bool = False,
    ) -> None:
        """Bring `tensor` to a port: over the switch where this epoch makes it, else from memory."""
        if tensor.name in self.made:
            # All frames that there are, and then none: as chained layers have it now and then.
            counted = frames.total < 256 and self.rng.random() < 0.5
            count = (frames.total, 255) if counted else (0, 0)
            self.routes.append(Route(target, self.made[tensor.name], count))
        else:
            port = target.port
            self.link(target, self.read(node, tensor, frames, fields, port=port, physical=physical))

    def keep(
        self, source: Port, node: str, tensor: Tensor, batch: int, pairs: bool = False
    ) -> None:
        """`tensor` comes out of `source`, `batch` channels a frame; write it if it is stored."""
        self.made[tensor.name] = source
        if not tensor.stored:
            return
        groups = tensor.channels // batch
        frames = Frames(batch, groups, loop=groups, advance=groups, pairs=pairs)
        described = _walk(tensor, frames, self.rng.random() < 0.5)
        described["nbits_unsigned"] = int(tensor.kind == "u8")
        engine = self.stream(node, 0, tensor.name, self.places[tensor.name], True, described)
        self.link(engine, source)

    def finish(self, invalidated: tuple[Address, int] | None) -> Hardware:
        return Hardware(tuple(self.units), tuple(self.streams), tuple(self.routes), invalidated)


def _walk(tensor: Tensor, frames: Frames, run: bool) -> dict[str, int]:
    """The fields of a stream over `tensor`; `run`: as a run of bytes where it is one."""
    size = BYTES[tensor.kind]
    height, width, _ = tensor.shape
    together = tensor.together
    beat = 2 if frames.pairs else size
    if frames.batch * size % beat:
        raise BadInput(
            f"{frames.batch} channels cannot travel in pairs",
            evidence=f"Received: tensor {tensor.name}.",
            next_step="give an even number of channels at a time",
        )
    if together == frames.batch:
        group = height * width * together * size
    elif together == tensor.channels:
        group = frames.batch * size
    else:
        raise BadInput(
            f"{frames.batch} channels at a time cannot be reached in {tensor.name}",
            evidence=f"Received: blocks of {together} channels.",
            next_step="read whole blocks, or keep all channels together",
        )
    bits = 8 * beat
    start = frames.start * group
    fields = {
        "offset_limit": tensor.size + _SLACK,
        "frame_offset": frames.step * group,
        "loop_offset": frames.advance * group,
        "frame_loop_cnt": frames.loop,
        "frame_tot_cnt": frames.total,
        "nbits_in": bits,
        "nbits_out": bits,
        "nbits_unsigned": int(tensor.kind == "u8"),
    }
    if together == frames.batch and frames.window is None and run:
        return fields | {"raw": 1, "offset_start": start, "offset_end": start + group}
    top, left, rows, columns = frames.window or (0, 0, height, width)
    line = width * together * size
    fields |= {
        "offset_start": start + top * line + left * together * size,
        "fwidth": columns,
        "fheight": rows,
        "batch_depth": frames.batch * size // beat,
        "batch_offset": together * size,
    }
    if columns != width:
        fields["line_offset"] = line
    return fields
