"""What the text of a network.c tells of itself: its compiler, its pools, its epochs and its buffers.

It is read, not compiled: host.npu runs it.
"""

import re
from dataclasses import dataclass

from host.errors import BadInput
from model_gen.codegen.neural_art.compilation import HARDWARE, HYBRID, SOFTWARE
from model_gen.codegen.neural_art.runtime import version_in
from model_gen.codegen.neural_art.versions import DIALECTS, Dialect

MARK = "LL_ATON_EpochBlockItems_"  # that no other file defines
AGAIN = "give network.c as stedgeai wrote it, or generate again"
_FLAGS = {"pure_hw": HARDWARE, "hybrid": HYBRID, "pure_sw": SOFTWARE}
_POOL = re.compile(
    r"/\* index=\d+ file postfix=(\S+) name=(\S+) offset=0x([0-9A-Fa-f]{1,16}) +absolute_mode "
    r"size=(\d{1,18}) (vpool )?(READ_WRITE|READ_ONLY) "
)
_ITEM = re.compile(r"\.(blob_address|flags|epoch_num|last_epoch_num) = ([^,\n]+),")
_REAL, _INTEGER = r"-?\d{1,20}(\.\d{1,30})?(e[+-]?\d{1,2})?", r"-?\d{1,9}"
_ARRAY = re.compile(r"static const (?:float|int16_t) (\w+)\[\] = \{([^}]*)\};")


@dataclass(frozen=True)
class SourcePool:
    """A pool as a comment lists it; `joined` where it only joins others."""

    file: str
    name: str
    address: int
    bytes: int
    writable: bool
    joined: bool


@dataclass(frozen=True)
class SourceEpoch:
    """An entry of the list of epochs: its kind, whether it is a blob, and the epochs in it, as far as they are told."""

    kind: str
    is_blob: bool
    first: int | None
    last: int | None


@dataclass(frozen=True)
class SourceBuffer:
    """A buffer of one of the tables: where it lies, what it is, and its quantization."""

    name: str
    address: int
    bytes: int
    constant: bool
    epoch: int
    bits: int
    signed: bool
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]

    @property
    def is_int8(self) -> bool:
        return self.bits == 8 and self.signed


@dataclass(frozen=True)
class NetworkSource:
    """A network.c.

    Attributes:
        compiler: the version that its headers must be, for instance 1.1.3-262.
        options: of the compiler, by their names without dashes.
        symbol: what the names of its functions end with.
        inputs, outputs, internals: its tables of buffers; constants stand among the inputs. `internals` is empty
            without --all-buffers-info.
    """

    compiler: str
    options: dict[str, str]
    symbol: str
    pools: tuple[SourcePool, ...]
    epochs: tuple[SourceEpoch, ...]
    inputs: tuple[SourceBuffer, ...]
    outputs: tuple[SourceBuffer, ...]
    internals: tuple[SourceBuffer, ...]

    @property
    def constants(self) -> tuple[SourceBuffer, ...]:
        return tuple(buffer for buffer in self.inputs if buffer.constant)

    @property
    def dialect(self) -> Dialect | None:
        """The dialect of its compiler; None where several have that compiler, and no build of it is known."""
        exact = [d for d in DIALECTS if self.compiler in dict(d.builds).values()]
        numbers = tuple(int(part) for part in self.compiler.partition("-")[0].split("."))
        near = exact or [d for d in DIALECTS if d.compiler == numbers]
        return near[0] if len(near) == 1 else None

    def of(self, kind: str) -> tuple[SourceEpoch, ...]:
        """The epochs of a kind."""
        return tuple(epoch for epoch in self.epochs if epoch.kind == kind)


def parse_network(text: str) -> NetworkSource:
    """What a network.c tells.

    Raises:
        BadInput: it is none, or ends too early.
    """
    text = text.replace("\r\n", "\n")
    compiler = version_in(text)
    found = re.search(rf"\b{MARK}(\w+)\(void\) *\{{(.*?)\n\}}", text, re.DOTALL)
    if compiler is None or found is None:
        raise _damaged("the version of its headers and its list of epochs", "neither, or one alone")
    options = re.findall(r"^ \* --([\w-]+) = (.*)$", text[: found.start()], re.MULTILINE)
    return NetworkSource(
        compiler=compiler,
        options={name: value.strip('" ') for name, value in options},
        symbol=found[1],
        pools=tuple(_pool(*match.groups()) for match in _POOL.finditer(text)),
        epochs=_epochs(found[2]),
        inputs=_buffers(text, "Input", found[1]),
        outputs=_buffers(text, "Output", found[1]),
        internals=_buffers(text, "Internal", found[1]),
    )


def _pool(file: str, name: str, at: str, size: str, joined: str | None, rights: str) -> SourcePool:
    return SourcePool(
        file, name, int(at, 16), int(size), rights == "READ_WRITE", joined is not None
    )


def _epochs(body: str) -> tuple[SourceEpoch, ...]:
    made: list[SourceEpoch] = []
    for entry in re.split(r"\n    \{", body)[1:]:
        fields = dict(_ITEM.findall(entry))
        flags = {
            flag.strip().removeprefix("EpochBlock_Flags_")
            for flag in fields.get("flags", "").split("|")
        }
        if "last_eb" in flags:
            return tuple(made)
        kinds = [kind for flag, kind in _FLAGS.items() if flag in flags]
        if len(kinds) != 1:
            raise _damaged("flags of one kind in each epoch", fields.get("flags", "none"))
        made.append(
            SourceEpoch(
                kind=kinds[0],
                is_blob="blob" in flags,
                first=_whole(fields.get("epoch_num")),
                last=_whole(fields.get("last_epoch_num")),
            )
        )
    raise _damaged("an end of its list of epochs", f"{len(made)} epochs")


def _buffers(text: str, which: str, symbol: str) -> tuple[SourceBuffer, ...]:
    start = text.find(f"*LL_ATON_{which}_Buffers_Info_{symbol}(void)\n{{")
    end = text.find("\n}\n", start)
    if start < 0 or end < 0:
        raise _damaged(f"its table of {which} buffers", "none, or half of it")
    body = text[start:end]
    arrays = dict(_ARRAY.findall(body))
    made: list[SourceBuffer] = []
    for entry in re.split(r"\n    \{", body)[1:]:
        fields = dict(re.findall(r"\.(\w+) = (.*?),?(?: //.*)?$", entry, re.MULTILINE))
        name = fields.get("name", "")
        if name == "NULL":
            return tuple(made)
        base = re.search(r"\(0x([0-9A-Fa-f]{1,16})UL\)", fields.get("addr_base", ""))
        first, last = _whole(fields.get("offset_start")), _whole(fields.get("offset_end"))
        bits, epoch = _whole(fields.get("nbits")), _whole(fields.get("epoch"))
        if None in (first, last, bits, epoch) or not name.startswith('"'):
            raise _damaged(f"a name and a place of each {which} buffer", name)
        assert first is not None
        assert last is not None
        made.append(
            SourceBuffer(
                name=name.strip('"'),
                address=first + (int(base[1], 16) if base else 0),
                bytes=last - first,
                constant=fields.get("is_param") == "1",
                epoch=epoch or 0,
                bits=bits or 0,
                signed=fields.get("Qunsigned") == "0",
                scales=tuple(map(float, _numbers(arrays.get(fields.get("scale", "")), _REAL))),
                zero_points=tuple(
                    map(int, _numbers(arrays.get(fields.get("offset", "")), _INTEGER))
                ),
            )
        )
    if made:
        raise _damaged(f"an end of its table of {which} buffers", f"{len(made)} buffers")
    return ()  # `return NULL;`: the compiler was not asked for them


def _numbers(listed: str | None, form: str) -> list[str]:
    """The numbers, of a form, of an array of C; none where there is no such array.

    Raises:
        BadInput: something else is among them.
    """
    found = [] if listed is None else [number.strip() for number in listed.split(",")]
    if not all(re.fullmatch(form, number) for number in found):
        raise _damaged("numbers in its arrays", (listed or "")[:80])
    return found


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\d{1,18}", text) else None


def _damaged(wanted: str, received: str) -> BadInput:
    return BadInput(
        f"network.c must have {wanted}", evidence=f"Received: {received[:200]}", next_step=AGAIN
    )
