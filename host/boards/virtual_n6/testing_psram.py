"""XSPI1 and the PSRAM, driven register by register as ST's drivers do, over the bus of a virtual chip."""

from host.boards.virtual_n6.trace_test import Chip

RCC, SVMCR3, XSPI1, XSPIM = 0x56028000, 0x5602483C, 0x58025000, 0x5802B400
PORT_O, PORT_P, WINDOW = 0x56023800, 0x56023C00, 0x90000000
CR, DCR1, DCR3, DCR4, SR, FCR, DLR, AR, DR = 0, 0x08, 0x10, 0x14, 0x20, 0x24, 0x40, 0x48, 0x50
CCR, TCR, IR, WCCR, WTCR, WIR = 0x100, 0x108, 0x110, 0x180, 0x188, 0x190
INDIRECT_WRITE, INDIRECT_READ, MAPPED = (mode << 28 | 1 for mode in (0, 1, 3))
ABORT, SECOND = 1 << 1, 1 << 24
ADDRESSED = 4 | 4 << 8 | 1 << 11 | 3 << 12
EIGHT, SIXTEEN = (lines << 24 | 1 << 27 for lines in (4, 5))
DQS = 1 << 29
KIND_EIGHT, KIND_SIXTEEN, SIZE = 2 << 24, 6 << 24, 24 << 16
READ, READ_LINEAR, READ_REGISTER = 0x00, 0x20, 0x40
WRITE, WRITE_LINEAR, WRITE_REGISTER, RESET = 0x80, 0xA0, 0xC0, 0xFF
LATENCY = 5  # that both have after a power-on
PAGE = 2048


def connect(chip: Chip, *, but: str = "") -> None:
    """Supply, pins, clocks and controller, as ST's board package gives them; `but` is forgotten."""
    steps = {
        "clock of port O": (RCC + 0xA5C, 1 << 14),
        "clock of port P": (RCC + 0xA5C, 1 << 15),
        "clock of PWR": (RCC + 0xA5C, 1 << 18),
        "clock of XSPI1": (RCC + 0xA60, 1 << 5),
        "clock of XSPIM": (RCC + 0xA60, 1 << 13),
        "supply": (SVMCR3, 1 << 8 | 1 << 25),
        "selection, DQS and clock": (PORT_O, 2 << 0 | 2 << 4 | 2 << 6 | 2 << 8),
        "functions of port O": (PORT_O + 0x20, 0x99909),
        "data": (PORT_P, 0xAAAAAAAA),
        "functions of data 0 to 7": (PORT_P + 0x20, 0x99999999),
        "functions of data 8 to 15": (PORT_P + 0x24, 0x99999999),
        "device": (XSPI1 + DCR1, KIND_EIGHT | SIZE | 4 << 8),
        "boundary": (XSPI1 + DCR3, 11 << 16),
        "refresh": (XSPI1 + DCR4, 129),
    }
    for name, (address, value) in steps.items():
        if name != but:
            chip.write(address, value)


def order(
    chip: Chip, mode: int, instruction: int, form: int, dummy: int, count: int, address: int
) -> None:
    chip.write(XSPI1 + CR, mode)
    chip.write(XSPI1 + DLR, max(count - 1, 0))
    chip.write(XSPI1 + TCR, dummy)
    chip.write(XSPI1 + CCR, form)
    chip.write(XSPI1 + IR, instruction)
    chip.write(XSPI1 + AR, address)


def take(chip: Chip, count: int) -> bytes:
    found = b"".join(chip.read(XSPI1 + DR).to_bytes(4, "little") for _ in range(0, count, 4))
    assert chip.read(XSPI1 + SR) & 2, "complete"
    chip.write(XSPI1 + FCR, 2)
    return found[:count]


def put(chip: Chip, data: bytes) -> None:
    for at in range(0, len(data), 4):
        chip.write(XSPI1 + DR, int.from_bytes(data[at : at + 4], "little"))
    assert chip.read(XSPI1 + SR) & 2, "complete"
    chip.write(XSPI1 + FCR, 2)


def mode_register(chip: Chip, number: int, dummy: int = LATENCY - 1) -> bytes:
    order(chip, INDIRECT_READ, READ_REGISTER, ADDRESSED | EIGHT | DQS, dummy, 2, number)
    return take(chip, 2)


def set_mode_register(chip: Chip, number: int, value: int) -> None:
    order(chip, INDIRECT_WRITE, WRITE_REGISTER, ADDRESSED | EIGHT, 0, 2, number)
    put(chip, bytes([value, 0xA5]))


def read(
    chip: Chip,
    address: int,
    count: int,
    *,
    instruction: int = READ_LINEAR,
    lines: int = EIGHT,
    dummy: int = LATENCY - 1,
    dqs: int = DQS,
) -> bytes:
    order(chip, INDIRECT_READ, instruction, ADDRESSED | lines | dqs, dummy, count, address)
    return take(chip, count)


def write(
    chip: Chip,
    address: int,
    data: bytes,
    *,
    instruction: int = WRITE_LINEAR,
    lines: int = EIGHT,
    dummy: int = LATENCY - 1,
    dqs: int = DQS,
) -> None:
    order(chip, INDIRECT_WRITE, instruction, ADDRESSED | lines | dqs, dummy, len(data), address)
    put(chip, data)


def start_over(chip: Chip) -> None:
    order(chip, INDIRECT_WRITE, RESET, 4 | 4 << 8 | 2 << 12, 0, 0, 0)


def map_window(
    chip: Chip,
    *,
    lines: int = EIGHT,
    dummy: int = LATENCY - 1,
    dummy_written: int = LATENCY - 1,
    instruction: int = READ_LINEAR,
    instruction_written: int = WRITE_LINEAR,
    dqs_written: int = DQS,
) -> None:
    """As ST's driver does, in an indirect mode first, in which an address with no data behind it begins nothing."""
    chip.write(XSPI1 + CR, INDIRECT_WRITE)
    chip.write(XSPI1 + WTCR, dummy_written)
    chip.write(XSPI1 + WCCR, ADDRESSED | lines | dqs_written)
    chip.write(XSPI1 + WIR, instruction_written)
    chip.write(XSPI1 + AR, 0)
    assert not chip.read(XSPI1 + SR) & 1 << 5, "BUSY"
    chip.write(XSPI1 + TCR, dummy)
    chip.write(XSPI1 + CCR, ADDRESSED | lines | DQS)
    chip.write(XSPI1 + IR, instruction)
    chip.write(XSPI1 + AR, 0)
    chip.write(XSPI1 + CR, MAPPED)


def go_wide(chip: Chip) -> None:
    """Sixteen data lines and the longest latencies, 7: what ST's board package sets."""
    chip.write(XSPI1 + DCR1, KIND_SIXTEEN | SIZE | 4 << 8)
    set_mode_register(chip, 0, 0x30)
    set_mode_register(chip, 4, 0x20)
    set_mode_register(chip, 8, 0x40)


def word(data: bytes | bytearray) -> int:
    return int.from_bytes(data, "little")
