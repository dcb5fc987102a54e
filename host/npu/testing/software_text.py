"""Software epochs of a network.c."""

from collections.abc import Iterator

from host.npu.testing.dialect import Dialect
from host.npu.testing.program import Address, Software, TensorView


def software(number: int, epoch: Software, dialect: Dialect) -> Iterator[str]:
    """The body of an epoch that the processor computes."""
    place = epoch.target.address
    yield from _cache("Invalidate", place, epoch.target)
    if epoch.operation == "Transpose":
        yield from _transpose(number, epoch, dialect)
    else:
        yield from _quantization(epoch)
    yield from _cache("Clean", place, epoch.target)


def _pointer(place: Address) -> str:
    at = f"0x{place.base:08x}UL + {place.offset}"
    return f"((unsigned char *)(ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR({at})))"


def _count(view: TensorView) -> int:
    height, width, channels = view.shape
    return height * width * channels


def _cache(verb: str, place: Address, view: TensorView) -> Iterator[str]:
    address = (
        f"((uintptr_t)(ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR(0x{place.base:08x}UL + {place.offset})))"
    )
    yield f"  LL_ATON_Cache_MCU_{verb}_Range({address}, {_count(view) * view.nbits // 8});"


def _view(name: str, view: TensorView) -> Iterator[str]:
    (height, width, channels), (rows, columns, deep) = view.shape, view.strides
    size = _count(view)
    dims = {"b": 1, "h": height, "w": width, "c": channels}
    strides = {"b": size * view.nbits // 8, "h": rows, "w": columns, "c": deep}
    yield from (f"    .{name}.dim.tensor_{key} = {value}," for key, value in dims.items())
    yield f"    .{name}.dim.num_elem = {size},"
    yield from (f"    .{name}.stride.{key} = {value}," for key, value in strides.items())
    yield f"    .{name}.mem.start_offset = {_pointer(view.address)},"
    yield f"    .{name}.format.is_signed = {int(view.signed)},"


def _constant(name: str, place: Address | None, signed: bool) -> Iterator[str]:
    assert place is not None  # every quantization has a scale and a zero point
    yield f"    .{name}.mem.start_offset = {_pointer(place)},"
    yield f"    .{name}.format.is_signed = {int(signed)},"
    yield f"    .{name}.dim.num_elem = 1,"


def _quantization(epoch: Software) -> Iterator[str]:
    kind = f"{epoch.operation}linear"
    side = "i" if epoch.operation == "Dequantize" else "o"
    variable = f"{epoch.node}_sw_info"
    yield f"  {kind}_sw_info {variable} = {{"
    yield from _view("general.input", epoch.source)
    yield from _constant(f"{side}s", epoch.scale, False)
    yield from _constant(f"{side}zp", epoch.zero, epoch.zero_signed)
    yield from _view("general.output", epoch.target)
    yield f"    .general.type = LL_SW_{kind.upper()},"
    yield "  };"
    yield f"  ll_sw_forward_{kind.lower()}(&{variable});"


def _transpose(number: int, epoch: Software, dialect: Dialect) -> Iterator[str]:
    node = f"{epoch.node}_{number}"
    kind = "LL_Buffer_InfoTypeDef" if dialect.newer else "LL_LIB_TensorShape_TypeDef"
    for way, view in (("in", epoch.source), ("out", epoch.target)):
        size = _count(view) * view.nbits // 8
        start = view.address.offset
        axes_of = ", ".join(map(str, (1, *view.shape)))
        yield f"  static const uint32_t {node}_shape_{way}[] = {{ {axes_of} }};"
        yield f"  static const {kind} {node}_tensor_{way}[] = {{"
        yield "    {"
        yield f"      .addr_base = {{(unsigned char *)(0x{view.address.base:08x}UL)}},"
        yield f"      .offset_start = {start},"
        yield f"      .offset_end = {start + size},"
        yield f"      .offset_limit = {start + size + 64},"
        yield "      .ndims = 4,"
        yield f"      .nbits = {view.nbits},"
        yield f"      .shape = {node}_shape_{way},"
        yield "      .batch = 1,"
        yield "    }"
        yield "  };"
        offsets = ", ".join(map(str, (size, *view.strides)))
        yield f"  static const uint32_t {node}_offsets_{way}[] = {{ {offsets} }};"
    axes = [0, *(axis + 1 for axis in epoch.permutation)]
    target = [axes.index(axis) for axis in range(4)]
    for name, values in (("perm", axes), ("target", target)):
        listed = ", ".join(map(str, values))
        yield f"  static const uint8_t {node}_{name}[] = {{ {listed} }};"
    given = ", ".join(
        (
            f"&{node}_tensor_in[0], {node}_offsets_in, &{node}_tensor_out[0], {node}_offsets_out",
            f"{node}_target, {node}_perm, 0, 1",
            *(("nn_instance",) if dialect.instance else ()),
        )
    )
    yield f"  LL_ATON_LIB_DMA_Transpose({given});"
