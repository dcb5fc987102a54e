"""What tells processors apart whose compiled code or math library may differ."""

import platform
from pathlib import Path


def processor() -> str:
    """Model and instruction set extensions, where Linux tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = ("flags", "Features", "model name", "cpu family", "model")
    found = {line.split(":")[0].strip(): line for line in reversed(lines) if ":" in line}
    return "\n".join(found.get(name, "") for name in names)
