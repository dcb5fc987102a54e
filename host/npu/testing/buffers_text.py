"""The lists of buffers of a network.c."""

from collections.abc import Iterator

from host.npu.testing.layers import BYTES
from host.npu.testing.program import Buffer, Program

_TYPES = {
    "i8": ("INT8", 7, 0),
    "u8": ("UINT8", 8, 1),
    "i16": ("FXP", 15, 0),
    "f32": ("FLOAT", 0, 1),
}


def buffer_lists(program: Program) -> Iterator[str]:
    """Inputs, outputs and internal tensors, each a function."""
    for role in ("input", "output", "internal"):
        chosen = [buffer for buffer in program.buffers if buffer.role == role]
        function = f"LL_ATON_{role.capitalize()}_Buffers_Info_{program.name}"
        yield f"const LL_Buffer_InfoTypeDef *{function}(void)"
        yield "{"
        for buffer in chosen:
            yield from _arrays(buffer)
        yield "  static const LL_Buffer_InfoTypeDef buff_info[] = {"
        for buffer in chosen:
            yield from _entry(buffer)
        yield "    {"
        yield "      .name = NULL,"
        yield "    }"
        yield "  };"
        yield "  return buff_info;"
        yield "}"


def _position(buffer: Buffer) -> str:
    if buffer.block == buffer.shape[2]:
        return "Last"
    return "First" if buffer.block == 1 else "Mixed"


def _memory_shape(buffer: Buffer) -> list[int]:
    height, width, channels = buffer.shape
    return {
        "Last": [1, height, width, channels],
        "First": [1, channels, height, width],
        "Mixed": [1, channels // buffer.block, height, width, buffer.block],
    }[_position(buffer)]


def _list(values: list[int]) -> str:
    return "{ " + ", ".join(map(str, values)) + " }"


def _arrays(buffer: Buffer) -> Iterator[str]:
    name = f"buff_info_{buffer.name}"
    yield f"  static const uint32_t {name}_shape[] = {_list([1, *buffer.shape])};"
    yield f"  static const uint32_t {name}_mem_shape[] = {_list(_memory_shape(buffer))};"
    if buffer.kind in ("i8", "u8"):
        yield f"  static const float {name}_quant_scale[] = {{ {buffer.scale!r} }};"
        yield f"  static const int16_t {name}_quant_offset[] = {{ {buffer.zero} }};"


def _entry(buffer: Buffer) -> Iterator[str]:
    name = f"buff_info_{buffer.name}"
    kind, q, unsigned = _TYPES[buffer.kind]
    start = buffer.address.offset
    base = f"0x{buffer.address.base:08x}UL"
    yield "    {"
    yield f'      .name = "{buffer.name}",'
    yield f"      .addr_base = {{(unsigned char *)({base}) /* Equivalent hex address = {base} */}},"
    yield f"      .offset_start = {start},"
    yield f"      .offset_end = {start + buffer.size},"
    yield f"      .offset_limit = {start + buffer.size + 64},"
    yield "      .is_user_allocated = 0,"
    yield "      .is_param = 0,"
    yield f"      .epoch = {buffer.epoch},"
    yield f"      .batch = {buffer.block},"
    yield f"      .mem_shape = {name}_mem_shape,"
    yield f"      .mem_ndims = {len(_memory_shape(buffer))},"
    yield f"      .chpos = CHPos_{_position(buffer)},"
    yield f"      .Qm = {q},"
    yield "      .Qn = 0,"
    yield f"      .Qunsigned = {unsigned},"
    yield f"      .type = DataType_{kind},"
    yield f"      .nbits = {8 * BYTES[buffer.kind]},"
    yield "      .ndims = 4,"
    yield f"      .shape = {name}_shape,"
    if buffer.kind in ("i8", "u8"):
        yield "      .per_channel = 0,"
        yield f"      .scale = {name}_quant_scale,"
        yield f"      .offset = {name}_quant_offset,"
    yield "    },"
