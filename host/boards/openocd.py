"""OpenOCD on one probe, as gdb's own child. Not seen on a board."""

import shlex

PROGRAM = "openocd"
TARGET = "target/stm32n6x.cfg"
_RESET = "reset_config srst_only srst_nogate"
UNDER_RESET = "connect_assert_srst"


def piped(probe: str, *, under_reset: bool = False, quiet: bool = False) -> str:
    """What gdb's `target remote` takes to start it.

    Args:
        probe: serial number of the probe.
        under_reset: whether it connects while it holds the chip in reset.
        quiet: whether it says nothing of its own.
    """
    steps = ["gdb_port pipe", *(["log_output /dev/null"] if quiet else [])]
    steps += [f"adapter serial {probe}", f"{_RESET} {UNDER_RESET}" if under_reset else _RESET]
    steps += ["init", "stm32n6x.cpu arp_examine"]
    words = [PROGRAM, "-f", "interface/stlink.cfg", "-c", "transport select swd", "-f", TARGET]
    words += ["-c", "stm32n6x.cpu configure -defer-examine", "-c", "adapter speed 8000"]
    words += [word for step in steps for word in ("-c", step)]
    return f"| {shlex.join(words)}"
