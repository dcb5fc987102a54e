"""Small network.c files, for tests of what compiles and runs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RAM = 0x34000000
FLASH = 0x70000000


@dataclass(frozen=True)
class Listed:
    """A buffer of the lists."""

    name: str
    address: int
    size: int
    epoch: int = 0
    type: str = "DataType_INT8"
    user: bool = False


@dataclass(frozen=True)
class Code:
    """A network.c; `blocks` are the bodies of start and end functions, one pair an epoch."""

    blocks: Sequence[tuple[str, str]] = ()
    inputs: Sequence[Listed] = (Listed("given", RAM, 16),)
    internals: Sequence[Listed] | None = ()
    outputs: Sequence[Listed] = (Listed("made", RAM + 64, 16, 1),)
    before: str = ""
    version: tuple[int, int, int, int] = (1, 1, 1, 14)
    name: str = "Default"
    flash: bool = False

    def text(self) -> str:
        major, minor, micro, dev = self.version
        flash = "/* global pool 2 is 1 KB */\n" + _pool(2, "xSPI2", FLASH, "READ_ONLY")
        return (
            "/* global pool 1 is 1 KB */\n"
            + _pool(1, "AXISRAM", RAM, "READ_WRITE")
            + (flash if self.flash else "")
            + '#include "ll_aton_NN_interface.h"\n#include "ll_aton.h"\n#include "ll_aton_lib.h"\n'
            + '#include "ll_aton_version.h"\n#include "ll_sw.h"\n'
            + f"#if LL_ATON_VERSION_MAJOR != {major} || LL_ATON_VERSION_MINOR != {minor}"
            + f" || LL_ATON_VERSION_MICRO != {micro} || LL_ATON_VERSION_DEV != {dev}\n"
            + '#  error "Possible mismatch"\n#endif\n'
            + self.before
            + self._users()
            + "".join(self._block(i, block) for i, block in enumerate(self.blocks, 1))
            + self._items()
            + self._list("Input", self.inputs)
            + self._list("Internal", self.internals)
            + self._list("Output", self.outputs)
        )

    def write(self, folder: Path, name: str = "network.c") -> Path:
        """The file in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(self.text())
        return path

    def _users(self) -> str:
        return "".join(
            f"static void *user_{way}[4];\nLL_ATON_User_IO_Result_t LL_ATON_Set_User_{way}_Buffer_{self.name}"
            "(uint32_t num, void *buffer, uint32_t size)\n"
            f"{{ (void)size; user_{way}[num] = buffer; return LL_ATON_User_IO_NOERROR; }}\n"
            for way in ("Input", "Output")
        )

    def _block(self, number: int, block: tuple[str, str]) -> str:
        return "".join(
            f"static void LL_ATON_{way}_EpochBlock_{number}(const void *epoch_block)\n{{\n"
            f"  LL_ATON_LIB_UNUSED(epoch_block);\n{body}\n}}\n"
            for way, body in zip(("Start", "End"), block, strict=True)
        )

    def _items(self) -> str:
        blocks = "".join(
            f"    {{.start_epoch_block = LL_ATON_Start_EpochBlock_{i},"
            f" .end_epoch_block = LL_ATON_End_EpochBlock_{i}, .epoch_num = {i},"
            f" .last_epoch_num = {i}}},\n"
            for i in range(1, len(self.blocks) + 1)
        )
        return (
            f"const EpochBlock_ItemTypeDef *LL_ATON_EpochBlockItems_{self.name}(void) {{\n"
            f"  static const EpochBlock_ItemTypeDef blocks[] = {{\n{blocks}"
            "    {.flags = EpochBlock_Flags_last_eb}};\n  return blocks;\n}\n"
        )

    def _list(self, role: str, buffers: Sequence[Listed] | None) -> str:
        head = f"const LL_Buffer_InfoTypeDef *LL_ATON_{role}_Buffers_Info_{self.name}(void)\n{{\n"
        if buffers is None:
            return head + "  return NULL;\n}\n"
        entries = "".join(
            f'    {{.name = "{b.name}", .addr_base = {{(unsigned char *){b.address:#x}UL}},'
            f" .offset_end = {b.size}, .epoch = {b.epoch}, .type = {b.type},"
            f" .is_user_allocated = {int(b.user)}, .nbits = 8}},\n"
            for b in buffers
        )
        return (
            f"{head}  static const LL_Buffer_InfoTypeDef list[] = {{\n{entries}"
            "    {.name = NULL}};\n  return list;\n}\n"
        )


def copy(source: str, target: str, count: int = 16) -> str:
    """The body of a start function that moves bytes; addresses are expressions of pointers."""
    return f"""
  static LL_Streng_TensorInitTypeDef in_1 = {{ .raw = 1, .nbits_in = 8, .nbits_out = 8,
    .offset_end = {count}, .frame_tot_cnt = 1,
  }};
  in_1.addr_base.p = (unsigned char *)({source});
  LL_Streng_TensorInit(3, &in_1, 1);
  static const LL_Streng_TensorInitTypeDef out_1 = {{
    .dir = 1, .raw = 1, .nbits_in = 8, .nbits_out = 8, .offset_end = {count}, .frame_tot_cnt = 1,
    .addr_base = {{(unsigned char *)({target})}}, /* copied_out */
  }};
  LL_Streng_TensorInit(4, &out_1, 1);
  static const LL_Switch_InitTypeDef rows[] = {{
    {{ LL_Switch_Init_Dest() = ATONN_DSTPORT(STRSWITCH, 0, STRENG, 4, 0),
      LL_Switch_Init_Source(0) = ATONN_SRCPORT(STRSWITCH, 0, STRENG, 3, 0),
      LL_Switch_Init_Context(0) = 1, LL_Switch_Init_Frames(0) = 0, }},
  }};
  LL_Switch_Init(rows, 1);
  static const LL_ATON_EnableUnits_InitTypeDef units[] = {{ {{ {{STRENG, 3}} }}, {{ {{STRENG, 4}} }} }};
  LL_ATON_EnableUnits_Init(units, 2);"""


def _pool(index: int, postfix: str, address: int, access: str) -> str:
    return (
        f"/* index={index} file postfix={postfix} name=pool{index} offset={address:#x}"
        f"  absolute_mode size=4088 {access} THROUGHPUT=HIGH */\n"
    )
