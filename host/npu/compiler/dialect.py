"""The dialects: what differs between the compilers of stedgeai's versions."""

from dataclasses import dataclass

from host.errors import BadInput


@dataclass(frozen=True)
class Dialect:
    """How one version of the compiler writes a convolution.

    Attributes:
        name: stedgeai's version, "2.1" to "4.0".
        fused: scale and offset are one step of the ARITH unit, not two.
        drops_dead_channels: multipliers of channels whose real scale is tiny may be 0.
    """

    name: str
    fused: bool
    drops_dead_channels: bool = False


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("2.1", fused=False, drops_dead_channels=True),
        Dialect("2.2", fused=False),
        Dialect("3.0", fused=True),
        Dialect("4.0", fused=True),
    )
}


def dialect_named(name: str) -> Dialect:
    """The dialect of this name.

    Raises:
        BadInput: there is none.
    """
    if name not in DIALECTS:
        raise BadInput(
            "expected a dialect of the NPU's compiler",
            evidence=f"Received: {name!r}",
            next_step="give one of " + ", ".join(DIALECTS),
        )
    return DIALECTS[name]
