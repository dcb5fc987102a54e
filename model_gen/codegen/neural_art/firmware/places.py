"""Where the memory of a generated network lies on an STM32N6, and what its firmware must do for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from host.errors import BadInput
from host.n6_layout import layout
from host.npu.generated import Pool
from host.npu.memory import Image
from host.npu.network import Buffer

# Where the executor puts what an application would place (host/npu/interface/nj_npu_describe.c): no memory of the chip.
LEFT_TO_THE_APPLICATION = range(0xA0000000, 0xB0000000)
_WINDOW = 0x10000000  # of addresses, for each external memory
NEXT = "generate the network with `nightjar generate --backend neural_art`, whose memory pools are free"


@dataclass(frozen=True)
class Placed:
    """The images of a network.

    Attributes:
        in_ram: copied to the NPU's RAM by the firmware, which carries them among its constants.
        in_nor: what the external NOR holds, where the network reads it; None: nothing.
    """

    in_ram: tuple[Image, ...]
    in_nor: Image | None

    @property
    def images(self) -> tuple[Image, ...]:
        """All of them."""
        return self.in_ram if self.in_nor is None else (*self.in_ram, self.in_nor)


def placed(images: Sequence[Image], pools: Sequence[Pool], buffers: Sequence[Buffer]) -> Placed:
    """The images, by what memory each is for.

    Raises:
        BadInput: the network leaves inputs or outputs without a place, or uses memory that is the firmware's, that
            nobody maps, or two stretches of the NOR.
    """
    left = [one for one in buffers if one.address in LEFT_TO_THE_APPLICATION]
    if left:
        names = ", ".join(f"{one.name} of {one.size} bytes" for one in left[:6])
        raise BadInput(
            "the compiler must have placed a network's inputs and outputs: this firmware gives them no memory",
            evidence=f"Received: user-allocated buffers, which the application would place: {names}",
            next_step="run stedgeai again without --no-inputs-allocation and --no-outputs-allocation, or"
            " `nightjar generate --backend neural_art`, which does",
        )
    at = layout()
    ram = range(at["AXISRAM3"], at["CACHEAXI_RAM"])
    nor = range(at["NOR_APPLICATION"] + at["IMAGE_HEADER_BYTES"], at["NOR_END"])
    strange = [
        f"pool {pool.name} at {_shown(pool.address)}"
        for pool in pools
        if pool.used
        and pool.address not in (ram if pool.writable else nor)
        and pool.address not in ram
    ]
    strange += [
        f"buffer {one.name} at {_shown(one.address)}"
        for one in buffers
        if not one.parameter and one.size and not _inside(one.address, one.size, ram)
    ]
    strange += [
        f"image {image.path.name} at {_shown(image.address)}"
        for image in images
        if not any(_inside(image.address, len(image.content), memory) for memory in (ram, nor))
    ]
    external = [image for image in images if image.address in nor]
    if len(external) > 1:
        strange += [f"{len(external)} stretches of the NOR"]
    if strange:
        raise BadInput(
            "a network's memory must be the NPU's own: AXISRAM3 to 6, and one stretch of the NOR",
            evidence=f"Received: {'; '.join(strange[:6])}",
            next_step=NEXT,
        )
    return Placed(
        tuple(image for image in images if image.address in ram),
        external[0] if external else None,
    )


def _shown(address: int) -> str:
    """An address, with the memory that it is in where that is known and not the NPU's."""
    at = layout()
    known = {
        "AXISRAM1, the firmware's": range(at["AXISRAM1"], at["AXISRAM2"]),
        "AXISRAM2, the firmware's": range(at["AXISRAM2"], at["AXISRAM3"]),
        "PSRAM, which this firmware does not map": range(at["PSRAM"], at["PSRAM"] + _WINDOW),
    }
    names = [f" ({name})" for name, memory in known.items() if address in memory]
    return f"{address:#x}{''.join(names)}"


def _inside(address: int, size: int, memory: range) -> bool:
    return address in memory and address + size <= memory.stop
