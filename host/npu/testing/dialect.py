"""What differs between the network.c files of the tool's versions."""

from dataclasses import dataclass

from host.errors import BadInput


@dataclass(frozen=True)
class Dialect:
    """One way to write a network.c.

    Attributes:
        name: version of the tool.
        version: of the headers that the file includes.
        description: of the compiler, in the file's head.
        second_loop: streams have fields for a second level of loops, which the chip has not.
        newer: of 1.1.3: what is enciphered is told, CONVACC has a variable shift, tensors and switch tables
            have their later names.
        instance: functions of an epoch take the network's instance too, and epochs have their later name.
    """

    name: str
    version: tuple[int, int, int, int]
    description: str
    second_loop: bool
    newer: bool
    instance: bool


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("2.1", (1, 1, 0, 31), "atonn-v1.1.0-31-nightjar", False, False, False),
        Dialect("2.2", (1, 1, 1, 14), "atonn-v1.1.1-14-nightjar", True, False, False),
        # As the headers of ST's public package STM32N6-GettingStarted-ReID have it.
        Dialect("3.0", (1, 1, 3, 8), "atonn-v1.1.3-8-nightjar", True, True, False),
        Dialect("4.0", (1, 1, 3, 262), "atonn-v1.1.3-262-nightjar", True, True, True),
    )
}


def dialect(name: str) -> Dialect:
    """The dialect of that name.

    Raises:
        BadInput: there is none.
    """
    if name not in DIALECTS:
        raise BadInput(
            "no such dialect of network.c",
            evidence=f"Received: {name!r}; known: {', '.join(DIALECTS)}.",
            next_step="name one of them",
        )
    return DIALECTS[name]


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Fields of the structs; what a program does not say is zero.
CONVACC = _names("""
    simd fsub accumulate accumulate_first accumulate_gen_first rounding_f saturation_f round_mode_f
    f_unsigned k_unsigned deepmode dss2mode kseten zfbias inbytes_f shift_f shift_a rounding_o
    saturation_o round_mode_o relu_mode_o outbytes_o shift_o raw_o fWidth fHeight kernelWidth
    kernelHeight nKernels batchDepth hstride vstride left_padding right_padding top_padding
    bot_padding left_crop right_crop top_crop bot_crop""")
ARITH = _names("""
    rounding_x saturation_x round_mode_x inbytes_x outbytes_x shift_x rounding_y saturation_y
    round_mode_y inbytes_y outbytes_y combinebc clipout shift_y rounding_o saturation_o round_mode_o
    relu_mode_o outbytes_o shift_o scalar dualinput operation bcast Ax_shift By_shift C_shift fWidth
    fHeight fChannels batchDepth clipmin clipmax A_scalar B_scalar C_scalar""")
VECTORS = _names("A_vector B_vector C_vector vec_precision")
POOL = _names("""
    operation avgnopad inputX inputY outputX outputY poolWinX poolWinY strideX strideY topCrop
    bottomCrop leftCrop rightCrop topPad bottomPad leftPad rightPad batchSize shift_f shift_o
    dualLine nbytes rounding_f saturation_f round_mode_f inbytes_f outbytes_f rounding_o
    saturation_o round_mode_o relu_mode_o outbytes_o mulval pad_val_en pad_val""")
STREAM = _names("""
    offset_start offset_end offset_limit frame_count fwidth fheight batch_depth batch_offset
    frame_offset line_offset loop_offset frame_loop_cnt frame_tot_cnt nbits_in nbits_out""")
FLAGS = _names("raw raw_out continuous noblk align_right nbits_unsigned")
LOOPS = _names("loop_offset2 frame_loop_cnt2")
