"""Epochs of the NPU in a network.c: structs, switch tables, and the calls that take them."""

from collections.abc import Iterator

from host.npu.testing.dialect import ARITH, CONVACC, FLAGS, LOOPS, POOL, STREAM, VECTORS, Dialect
from host.npu.testing.program import Address, Hardware, Port, Route, Stream, Unit, Value
from host.npu.testing.signature_text import signature

_KINDS = {
    "CONVACC": ("Convacc", "CONV_ACC_V2", CONVACC),
    "ARITH": ("Arithacc", "ARITH_ACC_V2", ARITH),
    "POOL": ("Poolacc", "POOL_ACC_V2", POOL),
}


def hardware(number: int, epoch: Hardware, dialect: Dialect) -> Iterator[str]:
    """The two functions of epoch `number`.

    Raises:
        BadInput: the dialect has no words for it.
    """
    yield from signature(f"LL_ATON_Start_EpochBlock_{number}", dialect)
    for unit in epoch.units:
        yield from _unit(number, unit, dialect)
    for stream in (*_some(epoch, False), *_some(epoch, True)):
        yield from _stream(number, stream, dialect)
    prefix = "STREAM_SWITCH_0" if dialect.newer else "switch"
    table = f"{prefix}_init_in_{number}"
    yield f"  static const LL_Switch_InitTypeDef {table}[] = {{"
    yield from (_row(route) for route in epoch.routes)
    yield "  };"
    yield f"  LL_Switch_Init({table}, {len(epoch.routes)});"
    yield from invalidated(epoch)
    yield from _enabled(number, epoch, "Enable")
    yield "}"
    yield from signature(f"LL_ATON_End_EpochBlock_{number}", dialect)
    table = f"{prefix}_deinit_in_{number}"
    yield f"  static const LL_Switch_DeinitTypeDef {table}[] = {{"
    yield from (_row(route) for route in epoch.routes)
    yield "  };"
    yield f"  LL_Switch_Deinit({table}, {len(epoch.routes)});"
    yield from _enabled(number, epoch, "Disable")
    yield "}"


def invalidated(epoch: Hardware) -> Iterator[str]:
    """The call that drops a range from the processor's cache, where the epoch has one."""
    if epoch.invalidated:
        place, size = epoch.invalidated
        address = f"((uintptr_t)(ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR({_at(place)})))"
        yield f"  LL_ATON_Cache_MCU_Invalidate_Range({address}, {size});"


def _some(epoch: Hardware, out: bool) -> list[Stream]:
    return [stream for stream in epoch.streams if stream.out == out]


def _unit(number: int, unit: Unit, dialect: Dialect) -> Iterator[str]:
    call, name, known = _KINDS[unit.kind]
    struct = f"{unit.node}_init{number}"
    yield f"  /* Unit= {unit.number} [{name} {unit.number}] */"
    yield f"  /* kind={unit.operation} node={unit.node} */"
    yield f"  static const LL_{call}_InitTypeDef {struct} = {{"
    names = [*known, *(key for key in unit.fields if key not in known and key not in VECTORS)]
    if unit.kind == "CONVACC" and dialect.newer:
        names.append("vshift")
    for key in names:
        yield f"    .{key} = {_value(key, unit.fields.get(key, 0))},"
    if unit.kind == "ARITH":
        for key in VECTORS:
            yield f"    .{key} = {_value(key, unit.fields.get(key))},"
    yield "  };"
    yield f"  LL_{call}_Init({unit.number}, &{struct});"


def _value(key: str, value: Value) -> str:
    if isinstance(value, Address):
        virtual = f"ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR({_at(value)})"
        return f"{{((unsigned char *)({virtual})) {_hex(value)}}}"
    if value is None:
        return "{0}"
    if isinstance(value, tuple):
        return "{" + ", ".join(map(str, value)) + "}"
    return f"(short){value}" if key == "C_scalar" else str(value)


def _at(place: Address) -> str:
    return f"0x{place.base:08x}UL + {place.offset}"


def _hex(place: Address) -> str:
    return f"/* Equivalent hex address = 0x{place.absolute:08x}UL */"


def _stream(number: int, stream: Stream, dialect: Dialect) -> Iterator[str]:
    way = "out" if stream.out else "in"
    struct = f"{stream.node}_dma_init_{way}_{stream.port}_{number}"
    base = f"0x{stream.base:08x}UL"
    pointer = f"ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR({base})" if stream.physical else f"({base})"
    yield f"  /* Unit= {stream.number} [STREAM_ENG_V2 {stream.number}] */"
    yield f"  static const LL_Streng_TensorInitTypeDef {struct} = {{"
    yield f"    .dir = {int(stream.out)},"
    yield from (f"    .{key} = {stream.fields.get(key, 0)}," for key in FLAGS)
    start = f"{{(unsigned char *){pointer} {_hex(Address(stream.base, 0))}}}"
    yield f"    .addr_base = {start}, /* {stream.tensor} */"
    yield from (f"    .{key} = {stream.fields.get(key, 0)}," for key in STREAM)
    yield from (
        f"    .{key} = {value},"
        for key, value in stream.fields.items()
        if key not in (*FLAGS, *STREAM)
    )
    if dialect.second_loop:
        yield from (f"    .{key} = 0," for key in LOOPS)
    yield "  };"
    yield f"  LL_Streng_TensorInit({stream.number}, &{struct}, 1);"


def _row(route: Route) -> str:
    source = f"ATONN_SRCPORT({_port(route.source)})"
    parts = [("Dest()", f"ATONN_DSTPORT({_port(route.target)})")]
    for context in range(2 if any(route.frames) else 1):
        parts += [
            (f"Source({context})", source),
            (f"Context({context})", str(int(route.enabled[context]))),
            (f"Frames({context})", str(route.frames[context])),
        ]
    return "    { " + "".join(f"LL_Switch_Init_{name} = {value}, " for name, value in parts) + "},"


def _port(port: Port) -> str:
    return f"STRSWITCH, 0, {port.unit}, {port.number}, {port.port}"


def _enabled(number: int, epoch: Hardware, verb: str) -> Iterator[str]:
    names = [f"{{STRENG, {stream.number}}}" for stream in _some(epoch, True)]
    names += [f"{{{unit.kind}, {unit.number}}}" for unit in epoch.units]
    names += [f"{{STRENG, {stream.number}}}" for stream in _some(epoch, False)]
    table = f"{verb}_epoch_{number}_all_units"
    yield f"  static const LL_ATON_{verb}Units_InitTypeDef {table}[] = {{"
    yield from (f"    {{ {name} }}," for name in names)
    yield "  };"
    yield f"  LL_ATON_{verb}Units_Init({table}, {len(names)});"
