"""What the fault registers of a Cortex-M say, and the failure that carries them."""

from collections.abc import Callable

from host.errors import FirmwareFailure
from host.link.messages import FaultEvent

# Armv8-M Architecture Reference Manual, CFSR and HFSR.
_CFSR = {
    0: "IACCVIOL instruction fetch from forbidden memory",
    1: "DACCVIOL data access to forbidden memory",
    3: "MUNSTKERR forbidden memory when leaving an exception",
    4: "MSTKERR forbidden memory when entering an exception",
    5: "MLSPERR forbidden memory when saving floating-point state",
    8: "IBUSERR instruction bus error",
    9: "PRECISERR data bus error",
    10: "IMPRECISERR data bus error, place unknown",
    11: "UNSTKERR bus error when leaving an exception",
    12: "STKERR bus error when entering an exception",
    13: "LSPERR bus error when saving floating-point state",
    16: "UNDEFINSTR undefined instruction",
    17: "INVSTATE invalid state",
    18: "INVPC invalid exception return",
    19: "NOCP coprocessor off or absent",
    20: "STKOF stack overflow",
    24: "UNALIGNED unaligned access",
    25: "DIVBYZERO division by zero",
}
_MMARVALID, _BFARVALID = 1 << 7, 1 << 15
_HFSR = {1: "VECTTBL vector table unreadable", 30: "FORCED", 31: "DEBUGEVT"}


def fault_names(fault: FaultEvent) -> list[str]:
    """The bits that are set, by name and meaning."""
    names = [text for bit, text in _CFSR.items() if fault.cfsr >> bit & 1]
    return names + [text for bit, text in _HFSR.items() if fault.hfsr >> bit & 1]


def describe_fault(fault: FaultEvent, symbolize: Callable[[int], str] | None = None) -> str:
    """One line with every register; with `symbolize`, PC and LR also as file:line."""

    def place(address: int) -> str:
        where = f" ({symbolize(address)})" if symbolize is not None else ""
        return f"{address:#010x}{where}"

    parts = [", ".join(fault_names(fault)) or "no cause bit is set"]
    if fault.cfsr & _MMARVALID:
        parts.append(f"at address {fault.mmfar:#010x}")
    elif fault.cfsr & _BFARVALID:
        parts.append(f"at address {fault.bfar:#010x}")
    parts.append(
        f"PC {place(fault.pc)}, LR {place(fault.lr)}, SP {fault.sp:#010x}, CFSR {fault.cfsr:#010x}, "
        f"HFSR {fault.hfsr:#010x}, BFAR {fault.bfar:#010x}, MMFAR {fault.mmfar:#010x}"
    )
    return "; ".join(parts)


class FirmwareFault(FirmwareFailure):
    """The firmware reported a fault; `fault` has the registers."""

    def __init__(self, fault: FaultEvent, symbolize: Callable[[int], str] | None = None) -> None:
        super().__init__(
            "the firmware faulted",
            evidence=describe_fault(fault, symbolize),
            next_step="look at the line that the PC names; flash or reset the board before the next run",
        )
        self.fault = fault

    def symbolized(self, symbolize: Callable[[int], str]) -> "FirmwareFault":
        """The same failure with PC and LR as file:line."""
        return FirmwareFault(self.fault, symbolize)
