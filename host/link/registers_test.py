"""Fault registers in words."""

from host.link.messages import FaultEvent
from host.link.registers import FirmwareFault, describe_fault, fault_names

# What QEMU gives for a write to 0x00000008 with the null page forbidden.
NULL_WRITE = FaultEvent(0x82, 0x40000000, 0, 8, 0x10000124, 0x10000101, 0x30000400)


def test_bits_are_named() -> None:
    assert fault_names(NULL_WRITE) == ["DACCVIOL data access to forbidden memory", "FORCED"]
    both = FaultEvent(1 << 16 | 1 << 25, 0, 0, 0, 0, 0, 0)
    assert fault_names(both) == ["UNDEFINSTR undefined instruction", "DIVBYZERO division by zero"]


def test_every_register_is_shown_and_the_address_only_when_valid() -> None:
    text = describe_fault(NULL_WRITE)
    assert "at address 0x00000008" in text
    for name in ("PC 0x10000124", "LR 0x10000101", "SP 0x30000400", "CFSR 0x00000082"):
        assert name in text
    assert "at address" not in describe_fault(FaultEvent(0x2, 0, 0, 8, 0, 0, 0))
    bus = FaultEvent(0x8200, 0, 0x5000_0000, 8, 0, 0, 0)
    assert "at address 0x50000000" in describe_fault(bus)
    assert "no cause bit" in describe_fault(FaultEvent(0, 0, 0, 0, 0, 0, 0))


def test_places_are_added_by_the_caller() -> None:
    failure = FirmwareFault(NULL_WRITE).symbolized(lambda address: f"x.c:{address & 0xFF}")
    assert failure.fault == NULL_WRITE
    assert "PC 0x10000124 (x.c:36), LR 0x10000101 (x.c:1)" in failure.evidence
    assert failure.exit_code == 19
