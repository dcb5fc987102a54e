"""The list of epoch blocks of a network.c."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from host.npu.testing.dialect import Dialect


@dataclass(frozen=True)
class Block:
    """An entry: functions or NULL, the epochs that it covers, masks of stream engines, its blob."""

    start: str
    end: str
    flags: tuple[str, ...]
    first: int
    last: int
    written: int = 0
    read: int = 0
    blob: str = ""


def block_list(name: str, blocks: Sequence[Block], dialect: Dialect) -> Iterator[str]:
    """The function that returns them."""
    kind = "LL_ATON_RT_EpochBlockItem_t" if dialect.instance else "EpochBlock_ItemTypeDef"
    yield f"const {kind} *LL_ATON_EpochBlockItems_{name}(void) {{"
    yield f"  static const {kind} ll_atonn_rt_epoch_block_array[] = {{"
    for block in blocks:
        flags = ("epoch_start", "epoch_end", *block.flags)
        yield "    {"
        yield f"      .start_epoch_block = {block.start},"
        yield f"      .end_epoch_block = {block.end},"
        if block.blob:
            yield f"      .blob_address = (uintptr_t)({block.blob}),"
        yield f"      .wait_mask = 0x{block.written:08x},"
        yield "      .flags = " + " | ".join(f"EpochBlock_Flags_{flag}" for flag in flags) + ","
        yield "#ifdef LL_ATON_EB_DBG_INFO"
        yield f"      .epoch_num = {block.first},"
        yield f"      .last_epoch_num = {block.last},"
        if not block.blob:
            yield f"      .in_streng_mask = 0x{block.read:08x},"
            yield f"      .out_streng_mask = 0x{block.written:08x},"
            yield "      .estimated_npu_cycles = 0,"
            yield "      .estimated_tot_cycles = 0,"
        yield "#endif // LL_ATON_EB_DBG_INFO"
        yield "    },"
    yield "    {"
    yield "      .flags = EpochBlock_Flags_last_eb,"
    yield "    },"
    yield "  };"
    yield "  return ll_atonn_rt_epoch_block_array;"
    yield "}"
