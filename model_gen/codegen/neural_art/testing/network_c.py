"""network.c of a small network, as far as its text tells of itself: nothing in it computes anything."""

from model_gen.codegen.neural_art.testing.written import (
    FLASH,
    FLASH_BYTES,
    INNER_SCALE,
    INNER_ZERO,
    OUT_SCALE,
    OUT_ZERO,
    RAM_BYTES,
    SCALE,
    WEIGHT_SCALE,
    ZERO,
    Small,
)


def network_c(small: Small) -> str:
    """The text of network.c."""
    numbers = small.compiler.split()[0].replace("-", ".").split(".")
    parts = zip(("MAJOR", "MINOR", "MICRO", "DEV"), numbers, strict=True)
    mismatch = " || ".join(f"LL_ATON_VERSION_{part} != {number}" for part, number in parts)
    options = {
        "native-float": "true",
        "onnx-input": '"bird_OE.onnx"',
        **({"enable-epoch-controller": "true"} if small.controller else {}),
        **({} if small.controller else {"all-buffers-info": "true"}),
    }
    inner = (INNER_SCALE, INNER_ZERO)
    convolved = _buffer("Conv2D_2_off_bias_out_1", small.ram, 512, 256, 2, quantized=inner)
    internal = [] if small.controller else [convolved]
    weights = (WEIGHT_SCALE, 0)
    inputs = [
        _buffer("Input_0_out_0", small.ram, 0, 16, 0, quantized=(SCALE, ZERO)),
        _buffer("Conv2D_2_weights", FLASH, 0, 144, 0, constant=True, quantized=weights, each=16),
        _buffer("Conv2D_2_off_bias", FLASH, 144, 16, 0, constant=True),
    ]
    outputs = [_buffer("Softmax_3_out_0", small.ram, 0, 256, 3, quantized=(OUT_SCALE, OUT_ZERO))]
    return "\n".join(
        [
            "/* made for a test */",
            "/*",
            *(f" * --{name} = {value}" for name, value in options.items()),
            " */",
            f"#if {mismatch}",
            "#  error",
            "#endif",
            _pool(0, "AXISRAM5", "npuRAM5", small.ram, RAM_BYTES),
            _pool(1, "AXISRAM6", "npuRAM6", small.ram + RAM_BYTES, RAM_BYTES),
            _pool(2, "xSPI2", "octoFlash", FLASH, FLASH_BYTES, rights="READ_ONLY"),
            _pool(3, "A5_A6", "npuRAM5_npuRAM6", small.ram, 2 * RAM_BYTES, joined="vpool "),
            *_epochs(small),
            *_table("Input", small, inputs),
            *_table("Output", small, outputs),
            *_table("Internal", small, internal),
            "",
        ]
    )


def _pool(
    index: int,
    postfix: str,
    name: str,
    first: int,
    size: int,
    *,
    rights: str = "READ_WRITE",
    joined: str = "",
) -> str:
    return (
        f"/* index={index} file postfix={postfix} name={name} offset={first:#x}  absolute_mode "
        f"size={size} {joined}{rights} THROUGHPUT=HIGH */"
    )


def _epochs(small: Small) -> list[str]:
    hardware = "EpochBlock_Flags_blob | " if small.controller else ""
    flags = "EpochBlock_Flags_epoch_start | EpochBlock_Flags_epoch_end | "
    entries = [
        (f"{flags}{hardware}EpochBlock_Flags_pure_hw", 2),
        (f"{flags}EpochBlock_Flags_pure_sw", 3),
    ]
    lines = [
        f"const EpochBlock_ItemTypeDef *LL_ATON_EpochBlockItems_{small.symbol}(void) {{",
        "",
        "  static const EpochBlock_ItemTypeDef array[] = {",
    ]
    for flag, number in entries:
        blob = ["      .blob_address = (uintptr_t)(_ec_blob_1),"] if "_blob" in flag else []
        lines += [
            "    {",
            *blob,
            f"      .flags = {flag},",
            f"      .epoch_num = {number},",
            f"      .last_epoch_num = {number},",
            "    },",
        ]
    return [*lines, "    {", "      .flags = EpochBlock_Flags_last_eb,", "    },", "  };", "}", ""]


def _buffer(
    name: str,
    base: int,
    start: int,
    size: int,
    epoch: int,
    *,
    constant: bool = False,
    quantized: tuple[float, int] | None = None,
    each: int = 1,
) -> tuple[list[str], list[str]]:
    """The arrays of a buffer's quantization, and its entry."""
    label = f"buff_info_{name}"
    fields = {
        "name": f'"{name}"',
        "addr_base": f"{{(unsigned char *)({base:#x}UL) /* Equivalent hex address */}}",
        "offset_start": start,
        "offset_end": start + size,
        "is_param": int(constant),
        "epoch": epoch,
        "Qunsigned": 0,
        "nbits": 8,
    }
    arrays = []
    if quantized is not None:
        arrays = [
            f"  static const float {label}_quant_scale[] = {{ {', '.join([str(quantized[0])] * each)} }};",
            f"  static const int16_t {label}_quant_offset[] = {{ {', '.join([str(quantized[1])] * each)} }};",
        ]
        fields |= {"scale": f"{label}_quant_scale", "offset": f"{label}_quant_offset"}
    return arrays, ["    {", *(f"      .{k} = {v}," for k, v in fields.items()), "    },"]


def _table(which: str, small: Small, buffers: list[tuple[list[str], list[str]]]) -> list[str]:
    head = f"const LL_Buffer_InfoTypeDef *LL_ATON_{which}_Buffers_Info_{small.symbol}(void)"
    if not buffers:
        return [head, "{", "  return NULL;", "}", ""]
    return [
        *(head, "{"),
        *(line for arrays, _ in buffers for line in arrays),
        "  static const LL_Buffer_InfoTypeDef buff_info[] = {",
        *(line for _, entry in buffers for line in entry),
        *("    {", "      .name = NULL,", "    }", "  };", "  return buff_info;", "}", ""),
    ]
