"""An epoch of a program as the device's record, without a text and its compiler.

It says again what the calls of generated code do, written apart from them.
"""

from collections.abc import Mapping
from typing import Any

from host.npu.testing.program import WEIGHTS_BASE, Address, Hardware, Port, Program, Stream, Unit
from host.npu.testing.records import NUMBERS, structures

_KINDS = {"STRENG": "STREAM", "CONVACC": "CONV", "ARITH": "ARITH", "POOL": "POOL"}
_OPERATIONS = {
    "ARITH_AFFINE": "AFFINE",
    "ARITH_MUL": "MULTIPLY",
    "ARITH_MIN": "MINIMUM",
    "ARITH_MAX": "MAXIMUM",
}
_POOLINGS = {
    "MAX": "POOL_MAX",
    "MIN": "POOL_MIN",
    "AVG": "POOL_AVERAGE",
    "GMAX": "POOL_GLOBAL_MAX",
    "GMIN": "POOL_GLOBAL_MIN",
    "GAVG": "POOL_GLOBAL_AVERAGE",
}
_OUTPUT = {
    "rounds": "rounding_o",
    "saturates": "saturation_o",
    "mode": "round_mode_o",
    "bytes": "outbytes_o",
    "shift": "shift_o",
}
_CONV = {
    "feature_unsigned": "f_unsigned",
    "kernel_unsigned": "k_unsigned",
    "accumulates": "accumulate",
    "accumulates_first": "accumulate_first",
    "generates_first": "accumulate_gen_first",
    "raw": "raw_o",
    "deep": "deepmode",
    "dss2": "dss2mode",
    "kernel_set": "kseten",
    "simd": "simd",
    "shift_accumulator": "shift_a",
    "width": "fWidth",
    "height": "fHeight",
    "depth": "batchDepth",
    "kernel_width": "kernelWidth",
    "kernel_height": "kernelHeight",
    "kernels": "nKernels",
    "stride_x": "hstride",
    "stride_y": "vstride",
    "pad_left": "left_padding",
    "pad_right": "right_padding",
    "pad_top": "top_padding",
    "pad_bottom": "bot_padding",
    "crop_left": "left_crop",
    "crop_top": "top_crop",
    "filter_total": "afilt_tot",
    "filter_first": "afilt_first",
    "filter_last": "afilt_last",
    "set_total": "kfilt_tot",
    "set_first": "kfilt_first",
    "set_last": "kfilt_last",
    "subtract": "fsub",
    "pad_value": "zfbias",
}
_ARITH = {
    "dual": "dualinput",
    "combined": "combinebc",
    "clips": "clipout",
    "shift_ax": "Ax_shift",
    "shift_by": "By_shift",
    "shift_c": "C_shift",
    "a": "A_scalar",
    "b": "B_scalar",
    "c": "C_scalar",
    "clip_least": "clipmin",
    "clip_most": "clipmax",
}
_POOL = {
    "dual_line": "dualLine",
    "multiplier": "mulval",
    "width": "inputX",
    "height": "inputY",
    "depth": "batchSize",
    "out_width": "outputX",
    "out_height": "outputY",
    "window_width": "poolWinX",
    "window_height": "poolWinY",
    "stride_x": "strideX",
    "stride_y": "strideY",
    "pad_left": "leftPad",
    "pad_right": "rightPad",
    "pad_top": "topPad",
    "pad_bottom": "bottomPad",
    "crop_left": "leftCrop",
    "crop_top": "topCrop",
}
_STREAM = {
    "raw": "raw",
    "raw_out": "raw_out",
    "continuous": "continuous",
    "aligned_right": "align_right",
    "synced": "sync_with_other",
    "sync_with": "sync_dma",
    "width": "fwidth",
    "height": "fheight",
    "depth": "batch_depth",
    "depth_offset": "batch_offset",
    "frame_offset": "frame_offset",
    "loop_offset": "loop_offset",
    "loop": "frame_loop_cnt",
    "frames": "frame_tot_cnt",
}


def epoch_record(program: Program, epoch: Hardware) -> Any:
    """`struct nj_npu_epoch` for one epoch of `program`, a ctypes structure of `records`."""
    record = structures()["epoch"]()
    for stream in epoch.streams:
        _stream(record.stream[stream.number], stream)
        _mark(record, "STREAM", stream.number)
    for unit in epoch.units:
        kind = _KINDS[unit.kind]
        part = getattr(record, kind.lower())[unit.number]
        {"CONV": _conv, "ARITH": _arith, "POOL": _pool}[kind](part, unit, program)
        _mark(record, kind, unit.number)
    record.links = len(epoch.routes)
    for link, route in zip(record.link, epoch.routes, strict=False):
        _port(link.destination, route.target)
        for context in range(2 if any(route.frames) else 1):
            _port(link.source[context], route.source)
            link.enabled[context] = route.enabled[context]
            link.frames[context] = route.frames[context]
    return record


def _mark(record: Any, kind: str, number: int) -> None:
    index = NUMBERS[f"NJ_NPU_{kind}"]
    record.configured[index] |= 1 << number
    record.enabled[index] |= 1 << number


def _port(part: Any, port: Port) -> None:
    part.kind = NUMBERS[f"NJ_NPU_{_KINDS[port.unit]}"]
    part.unit, part.port = port.number, port.port


def _fill(part: Any, names: Mapping[str, str], fields: Mapping[str, Any]) -> None:
    for name, given in names.items():
        setattr(part, name, fields.get(given, 0))


def _conv(part: Any, unit: Unit, program: Program) -> None:
    fields = unit.fields
    _fill(part, _CONV, fields)
    _fill(part.out, _OUTPUT, fields)
    part.feature.bytes = fields["inbytes_f"]
    # An edge of 0 is not written to its register, which then stands for everything.
    part.crop_right = fields.get("right_crop") or part.width - 1
    part.crop_bottom = fields.get("bot_crop") or part.height - 1
    part.filter = NUMBERS["NJ_NPU_FRAMEZERO"] if "afilt_mode" in fields else 0


def _pool(part: Any, unit: Unit, program: Program) -> None:
    fields = unit.fields
    _fill(part, _POOL, fields)
    _fill(part.out, _OUTPUT, fields)
    part.feature.bytes, part.feature.bytes_out = fields["inbytes_f"], fields["outbytes_f"]
    part.crop_right, part.crop_bottom = fields["rightCrop"], fields["bottomCrop"]
    name = str(fields["operation"]).removeprefix("POOL_")
    part.pooling = NUMBERS[f"NJ_NPU_{_POOLINGS[name]}"]


def _arith(part: Any, unit: Unit, program: Program) -> None:
    fields = unit.fields
    _fill(part, _ARITH, fields)
    _fill(part.out, _OUTPUT, fields)
    part.operation = NUMBERS[f"NJ_NPU_{_OPERATIONS[str(fields['operation'])]}"]
    for side in "xy":
        given = getattr(part, side)
        given.bytes, given.bytes_out = fields[f"inbytes_{side}"], fields[f"outbytes_{side}"]
    if fields.get("scalar"):
        return
    part.a_vector = part.b_vector = part.c_vector = True
    count = _steps(part, fields)
    bits = fields["vec_precision"]
    assert isinstance(bits, tuple)
    tables = [
        _table(
            fields.get(f"{name}_vector"), fields.get(f"{name}_scalar", 0), bits[i], count, program
        )
        for i, name in enumerate("ABC")
    ]
    if isinstance(fields.get("C_vector"), Address) and fields.get("C_scalar") == -1:
        tables[2] = [-value for value in tables[2]]
    for index, (a, b, c) in enumerate(zip(*tables, strict=True)):
        if fields.get("combinebc"):
            b, c = c >> 16, c & 0xFFFF
        getattr(part, "as")[index], part.bs[index], part.cs[index] = a, b, c


def _table(place: Any, scalar: Any, bits: int, count: int, program: Program) -> list[int]:
    """Constants of `bits` each, the first lowest."""
    if not isinstance(place, Address):
        return [scalar] * count
    start = place.absolute - WEIGHTS_BASE
    packed = int.from_bytes(program.image[start : start + -(-count * bits // 8)], "little")
    half = 1 << (bits - 1)
    raw = [packed >> i * bits & (2 * half - 1) for i in range(count)]
    return [value - 2 * half if value >= half else value for value in raw]


def _steps(part: Any, fields: Mapping[str, Any]) -> int:
    """How the index into the constants runs; the number of constants."""
    width, height = fields["fWidth"], fields["fHeight"]
    channels, batch = fields["fChannels"], fields["batchDepth"]
    along = str(fields["bcast"]).removeprefix("ARITH_BCAST_")
    pixels = width * height
    steps = {
        "CHAN": (
            (1, 1),
            (batch, 1 - batch),
            (pixels * batch, 1),
            (pixels * channels, 1 - channels),
        ),
        "HEIGHT": ((width * batch, 1), (pixels * batch, 1 - height)),
        "WIDTH": ((batch, 1), (width * batch, 1 - width)),
        "HEIGHT_WIDTH": ((batch, 1), (pixels * batch, 1 - pixels)),
        "SCALAR": (),
    }[along]
    for step, (every, add) in zip(part.step, steps, strict=False):
        step.every, step.add = every, add
    return int(
        {"CHAN": channels, "HEIGHT": height, "WIDTH": width, "HEIGHT_WIDTH": pixels, "SCALAR": 1}[
            along
        ]
    )


def _stream(part: Any, stream: Stream) -> None:
    fields = stream.fields
    _fill(part, _STREAM, fields)
    bits = fields["nbits_out"] if stream.out else fields["nbits_in"]
    part.writes, part.bits = stream.out, bits
    part.sign_extends = bool(fields.get("align_right")) and not fields.get("nbits_unsigned")
    start = stream.base + fields["offset_start"]
    part.address, part.limit = start, stream.base + fields["offset_limit"]
    if fields.get("raw"):
        length = fields["offset_end"] - fields["offset_start"]
        part.elements = fields.get("frame_count") or length * 8 // bits
    else:
        line = fields["fwidth"] * fields["batch_offset"]
        part.line_offset = fields.get("line_offset", 0) or line
