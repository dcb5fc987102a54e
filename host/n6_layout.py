"""Where everything lies on an STM32N6, as firmware/boards/stm32n6/nj_layout.h says it."""

import re
from functools import cache

from host.installed import BOARDS

HEADER = BOARDS / "stm32n6/nj_layout.h"
_DEFINE = re.compile(r"^#define (NJ_[A-Z0-9_]+) (0x[0-9A-F]+|\d+)$", re.MULTILINE)


@cache
def layout() -> dict[str, int]:
    """Every number of the header by its name without the prefix: `layout()["NOR_WEIGHTS"]`, addresses and bytes."""
    text = HEADER.read_text(encoding="utf-8")
    return {name.removeprefix("NJ_"): int(value, 0) for name, value in _DEFINE.findall(text)}
