"""Whether a model that is for another board would fit an STM32N6, too: told before somebody buys one."""

from host.project import NO_ROOM
from model_gen.codegen.cm55.memory import DoesNotFit, Needs, check_fits
from model_gen.codegen.project.ports import n6_boards, port_memory

_PLACES = {"ram": "all in RAM", "nor": "weights in the external NOR"}


def elsewhere(found: Needs, board: str) -> str:
    """One line about every STM32N6; "" where `board` is one itself, as it fits then."""
    known = n6_boards()
    if board in known:
        return ""
    ram = sum(found.objects.values())
    told = "; ".join(f"{name}: {_fit(found, name)}" for name in known)
    return f"on an STM32N6, {found.constants:,} bytes of constants and {ram:,} of RAM: {told}"


def _fit(found: Needs, board: str) -> str:
    try:
        return f"fits, {_PLACES[check_fits(found, port_memory(board))]}"
    except DoesNotFit as error:
        return f"{NO_ROOM}: {error.short}"
