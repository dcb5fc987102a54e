"""How much was exercised, as numbers: what a verdict says, and bytes that a cache can keep."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from host.files import sha256_bytes

SCHEMA = "nightjar/coverage/1"


@dataclass(frozen=True)
class Share:
    """So many of so many bytes.

    Raises:
        ValueError: there are more of them than there are.
    """

    bytes: int
    reached: int

    def __post_init__(self) -> None:
        if not 0 <= self.reached <= self.bytes:
            raise ValueError(f"Received: {self.reached} of {self.bytes} bytes")

    @property
    def percent(self) -> float:
        """0 to 100; of nothing, all."""
        return 100.0 * self.reached / self.bytes if self.bytes else 100.0


@dataclass(frozen=True)
class Layer:
    """What the steps of op `index` of the .tflite reached.

    code: of the functions that they ran in. constants: of the objects that are this op's, or that
    they read, and of the literal pools of those functions. What several layers share counts for
    each.
    """

    index: int
    code: Share
    constants: Share


@dataclass(frozen=True)
class Unreached:
    """What no vector reached of one function or object.

    `symbol` is its name; "(padding)" is all that lies idle between the symbols of `section`,
    "(unnamed)" what has no symbol, as string literals. `kind`: code, constants (of a function: its
    literal pools), padding or unnamed. `bytes` of `total` were not reached. `place`: file:line of a
    function, "" where it is not known.
    """

    symbol: str
    section: str
    kind: str
    bytes: int
    total: int
    place: str


@dataclass(frozen=True)
class Coverage:
    """Bytes of instructions executed, and bytes of constants read.

    Code from reset on, constants from the first request on; both over the sections .text,
    .engine_text, .rodata and .engine_rodata; literal pools are constants. `layers`: of every op, in
    order; an op that was folded away has no bytes. `unreached`: largest first; its bytes are
    exactly those that `code` and `constants` lack.

    Raises:
        ValueError: they are not.
    """

    code: Share
    constants: Share
    layers: tuple[Layer, ...]
    unreached: tuple[Unreached, ...]

    def __post_init__(self) -> None:
        lacking = sum(share.bytes - share.reached for share in (self.code, self.constants))
        named = sum(item.bytes for item in self.unreached)
        if lacking != named:
            raise ValueError(f"{lacking} bytes were not reached, {named} are named")

    def as_json(self) -> dict[str, Any]:
        """For a verdict."""
        return asdict(self)

    def to_bytes(self) -> bytes:
        """A line with the schema and the SHA-256 of the rest, which is JSON; always the same."""
        body = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":")).encode()
        return f"{SCHEMA} {sha256_bytes(body)}\n".encode() + body

    @classmethod
    def from_bytes(cls, data: bytes) -> "Coverage":
        """What `to_bytes` gave.

        Raises:
            ValueError: it is of another version, or damaged.
        """
        head, _, body = data.partition(b"\n")
        if head != f"{SCHEMA} {sha256_bytes(body)}".encode():
            raise ValueError(f"no whole {SCHEMA}. Received: {head[:100]!r}")
        try:
            raw = json.loads(body)
            return cls(
                code=Share(**raw["code"]),
                constants=Share(**raw["constants"]),
                layers=tuple(
                    Layer(one["index"], Share(**one["code"]), Share(**one["constants"]))
                    for one in raw["layers"]
                ),
                unreached=tuple(Unreached(**one) for one in raw["unreached"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"no {SCHEMA}: {error}") from error
