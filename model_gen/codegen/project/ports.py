"""Which boards have a port, and the folders of firmware/boards that make each up."""

from pathlib import Path

from host.contract import Contract
from host.errors import BadInput
from host.installed import BOARDS
from host.n6_microphone import require_rate
from host.nearest import did_you_mean
from model_gen.codegen.cm55.memory import MemoryMap, memory_map

_COPIED = (".c", ".h", ".ld", ".cmake")
_CORTEX_M55 = "cortex_m55"
_STM32N6 = (_CORTEX_M55, "stm32n6")
_MICROPHONE = "stm32n6570-dk"  # which has one
_CLOCKS = (600, 800)  # MHz of its core: nj_clock.c
# What is shared first; a file of a later folder stands for one of the same name before it.
_PARTS: dict[str, tuple[str, ...]] = {
    "native": ("native",),
    "nucleo-n657x0-q": (*_STM32N6, "nucleo_n657x0_q"),
    "stm32n6570-dk": (*_STM32N6, "stm32n6570_dk"),
    "virtual": (_CORTEX_M55, "virtual"),
}


def boards() -> list[str]:
    """The names of the boards that have a port."""
    return sorted(_PARTS)


def n6_boards() -> list[str]:
    """Those of them that are an STM32N6."""
    return [name for name in boards() if _STM32N6[-1] in _PARTS[name]]


def check_board(name: str) -> None:
    """Refuse a board that has no port.

    Raises:
        BadInput: naming the nearest that has one.
    """
    if name not in _PARTS:
        raise BadInput(
            f"board must be one of {', '.join(boards())}.{did_you_mean(name, boards())}",
            evidence=f"Received: {name!r}",
        )


def check_clock(name: str, cpu_mhz: int | None) -> None:
    """Refuse a clock of the core that a board's port cannot set; None is the port's own.

    Raises:
        BadInput: saying which it can.
    """
    clocks = _CLOCKS if name in n6_boards() else ()
    if cpu_mhz is not None and cpu_mhz not in clocks:
        can = " or ".join(f"{mhz} MHz" for mhz in clocks)
        raise BadInput(
            f"the core of {name} runs at {can}"
            if clocks
            else f"{name} has no clock that can be set",
            evidence=f"Received: {cpu_mhz} MHz",
        )


def check_heard(name: str, contract: Contract | None) -> None:
    """Refuse a contract whose rate the board's microphone cannot be sampled at; only the STM32N6570-DK has one.

    Raises:
        BadInput: saying at which it can.
    """
    if name == _MICROPHONE and contract is not None:
        require_rate(contract.frontend.sample_rate)


def port_folders(name: str) -> list[Path]:
    """The folders of a board's port."""
    return [BOARDS / part for part in _PARTS[name]]


def port_files(name: str) -> dict[str, bytes]:
    """What a project's folder `board` holds, by name."""
    return {
        path.name: path.read_bytes()
        for folder in port_folders(name)
        for path in sorted(folder.iterdir())
        if path.suffix in _COPIED
    }


def write_port(name: str, folder: Path) -> None:
    """Write `port_files` to a folder; what is there already is not touched, so that its build stays valid."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in port_files(name).items():
        path = folder / file
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)


def port_memory(name: str) -> MemoryMap | None:
    """The memory map of a board; None where it has none to speak of (native)."""
    for folder in reversed(port_folders(name)):
        found = memory_map(folder, name)
        if found is not None:
            return found
    return None
