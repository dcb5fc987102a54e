"""Defects to be planted in copies of the executor's C: networks that find none prove nothing."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from host.npu.testing.records import DEVICE


@dataclass(frozen=True)
class Defect:
    """What a wrong executor does, the file that does it, and edits that make it so: old, new."""

    name: str
    path: Path
    edits: tuple[tuple[str, str], ...]


def _defect(name: str, file: str, old: str, new: str, *more: tuple[str, str]) -> Defect:
    return Defect(name, DEVICE / f"nj_npu_{file}", ((old, new), *more))


def _call(name: str, old: str, new: str, file: str = "calls.c") -> Defect:
    return Defect(name, INTERFACE / f"nj_npu_{file}", ((old, new),))


INTERFACE = DEVICE.parent / "interface"

# Of what runs an epoch.
DEFECTS = (
    # Making a result.
    _defect(
        "ties go up", "round.h", "(value + half - (value < 0)) >> shift", "(value + half) >> shift"
    ),
    _defect(
        "ties of convolutions go up",
        "conv_sum.c",
        "&conv->out, tie, seen)",
        "&conv->out, NJ_NPU_HALF_UP, seen)",
    ),
    _defect(
        "ties of wide convolutions go to even",
        "conv_sum.c",
        "make(sum, &conv->out, tie, seen)",
        "make(sum, &conv->out, NJ_NPU_HALF_EVEN, seen)",
    ),
    _defect(
        "ties of ARITH go down", "arith.c", "run->machine->tie, seen)", "NJ_NPU_HALF_DOWN, seen)"
    ),
    _defect(
        "ties of POOL go to zero",
        "pool.c",
        "run->machine->tie, seen)",
        "NJ_NPU_HALF_TO_ZERO, seen)",
    ),
    _defect(
        "floor for rounding", "round.h", "if (!rounds || shift == 0)", "if (true || shift == 0)"
    ),
    _defect("rounding for floor", "round.h", "if (!rounds || shift == 0)", "if (shift == 0)"),
    _defect("wrap for saturate", "round.h", "if (!out->saturates)", "if (true)"),
    _defect("saturate for wrap", "round.h", "if (!out->saturates)", "if (false)"),
    _defect("saturation a step too early", "round.h", "- 1)) - 1;", "- 1)) - 2;"),
    # Convolutions.
    _defect("fsub ignored", "conv_sum.c", "conv->subtract", "0"),
    _defect("pad value ignored", "conv_sum.c", "= conv->pad_value", "= 0"),
    _defect("left crop ignored", "conv_sum.c", "state->left)", "0)"),
    _defect("top crop ignored", "conv_sum.c", "state->top + y", "y"),
    _defect("right crop ignored", "run.c", "to < size ? to : size - 1", "size - 1"),
    _defect(
        "pads swapped",
        "conv_sum.c",
        "conv->pad_left * conv->depth",
        "conv->pad_right * conv->depth",
    ),
    _defect("pads upside down", "conv_sum.c", "(conv->pad_top + y)", "(conv->pad_bottom + y)"),
    _defect("unsigned features as signed", "conv_sum.c", "conv->feature_unsigned", "false"),
    _defect("unsigned kernels as signed", "conv_sum.c", "conv->kernel_unsigned", "false"),
    _defect(
        "horizontal stride is the vertical one", "conv_sum.c", "conv->stride_x", "conv->stride_y"
    ),
    _defect(
        "kfilt range ignored",
        "conv_sum.c",
        "conv->set_total > 0 ? conv->set_first : 0",
        "0",
    ),
    _defect("accumulator not shifted", "conv_sum.c", "<< state->conv->shift_accumulator", "<< 0"),
    _defect(
        "chained sums through 16 bits",
        "conv_sum.c",
        "nj_npu_low(sums[at], 3",
        "nj_npu_low(sums[at], 2",
    ),
    _defect(
        "FRAMEZERO ignored",
        "conv.c",
        "return index >= conv->filter_first",
        "return true || index >= 1",
    ),
    _defect(
        "FRAMEZERO one frame too late",
        "conv.c",
        "index >= conv->filter_first",
        "index > conv->filter_first",
    ),
    _defect(
        "sum of the first frame", "conv.c", "bool first = state->frame == 0", "bool first = false"
    ),
    _defect(
        "deep kernels one by one",
        "conv_sum.c",
        "return group * 8 * taps + tap * narrow + kernel % 8",
        "return 0 * group * narrow + kernel * taps + tap",
    ),
    _defect("narrow deep groups are wide", "conv_sum.c", "? kernels - 8 * group : 8", "? 8 : 8"),
    _defect(
        "deep blocks are not filled up",
        "conv_sum.c",
        "conv->kernels * state->taps + 2) / 3",
        "conv->kernels * state->taps) / 3",
    ),
    _defect(
        "pixels are not filled up to beats",
        "conv.c",
        "state->pixel_packed = conv->feature.bytes != 3",
        "state->pixel_packed = false",
    ),
    # Streams and the switch.
    _defect("frame loops ignored", "engine.c", "if (stream->loop == 0)", "if (true)"),
    _defect(
        "frame order swapped",
        "engine.c",
        "frame % stream->loop * step",
        "(stream->loop - 1 - frame % stream->loop) * step",
    ),
    _defect(
        "offset between loops ignored",
        "engine.c",
        "turn * (int64_t)(int32_t)stream->loop_offset",
        "turn * (int64_t)0",
    ),
    _defect(
        "line_offset ignored",
        "engine.c",
        "at += pixel / stream->width * (int64_t)(int32_t)stream->line_offset",
        "at += pixel / stream->width * (int64_t)stream->width * stream->depth_offset",
    ),
    _defect(
        "sign extension ignored",
        "engine.c",
        "stream->aligned_right && stream->sign_extends",
        "false",
    ),
    _defect(
        "sync ignored", "engine.c", "engine->after = &run->engine[other]", "engine->after = NULL"
    ),
    _defect(
        "sync a frame late", "engine.c", "+ engine->lag <= engine->frame", "+ 1 <= engine->frame"
    ),
    _defect("implicit order ignored", "engine.c", "reader->after = writer", "reader->after = NULL"),
    _defect(
        "dropped frames pass",
        "queue.c",
        "if (link->enabled[queue->context])",
        "if (true)",
        ("if (!queue->link->enabled[queue->context])", "if (false)"),
    ),
    # Arithmetic.
    _defect("the first constant for all", "arith.c", "index % NJ_NPU_COEFFICIENTS);", "0);"),
    _defect("counters of constants ignored", "arith.c", "add = (uint32_t)step[i].add", "add = add"),
    _defect("low half of a constant is signed", "arith.c", "(c & 0xffff)", "c"),
    _defect("Ax_shift ignored", "arith.c", "a * x >> arith->shift_ax", "a * x >> 0"),
    _defect(
        "Ax_shift to nearest",
        "arith.c",
        "(a * x >> arith->shift_ax)",
        "nj_npu_shift(a * x, arith->shift_ax, true, 0)",
    ),
    _defect("By_shift ignored", "arith.c", "b * y >> arith->shift_by", "b * y >> 0"),
    _defect("C_shift ignored", "arith.c", "<< arith->shift_c", "<< 0"),
    _defect("x for y", "arith.c", "b * y >>", "b * x >>"),
    _defect("a sum for a product", "arith.c", "return x * y", "return x + y"),
    _defect("larger for smaller", "arith.c", "return x < y ? x : y", "return x > y ? x : y"),
    _defect("smaller for larger", "arith.c", "return x > y ? x : y", "return x < y ? x : y"),
    _defect("clip ignored", "arith.c", "if (arith->clips)", "if (false)"),
    # Pools.
    _defect("minimum for maximum", "pool.c", "largest ? most : least", "largest ? least : least"),
    _defect("maximum for minimum", "pool.c", "largest ? most : least", "largest ? most : most"),
    _defect("left crop of a pool ignored", "pool.c", "state->left + x", "x"),
    _defect("multiplier ignored", "pool.c", "sum * pool->multiplier", "sum"),
    _defect(
        "vertical stride of a pool",
        "pool.c",
        "pixel / pool->out_width * pool->stride_y",
        "pixel / pool->out_width * pool->stride_x",
    ),
)


# Of the calls that generated code makes.
CALL_DEFECTS = (
    _call("frame_count ignored", "conf->frame_count ? conf->frame_count : memory", "memory"),
    _call(
        "constants are of 16 bits",
        "uint32_t at = index * bits + bit",
        "uint32_t at = index * (bits > 16 ? 32 : 16) + bit",
    ),
    _call("constants are unsigned", "(int32_t)(value << unused) >> unused", "(int32_t)value"),
    _call("constants are never taken off", "conf->C_scalar == -1 ? -1 : 1", "1"),
    _call(
        "a scalar A beside a vector C ignored", "i, bits[0]) : conf->A_scalar", "i, bits[0]) : 0"
    ),
    _call(
        "halves of a constant swapped", "conf->combinebc ? c >> 16 : b", "conf->combinebc ? c : b"
    ),
    _call("lines for columns", "conf->fWidth * conf->batchDepth, 1}", "conf->batchDepth, 1}"),
    _call("columns begin anew at a frame", "1 - (int32_t)conf->fWidth}", "1}"),
    _call("no crop on the right", "conf->right_crop ? conf->right_crop : UINT16_MAX", "UINT16_MAX"),
    _call("strides swapped", ".stride_x = conf->hstride", ".stride_x = conf->vstride"),
    _call("line_offset not told", "conf->line_offset ? conf->line_offset :", ""),
    _call("fsub not told", ".subtract = conf->fsub", ".subtract = 0"),
    _call(
        "first frames are summed",
        ".accumulates_first = conf->accumulate_first",
        ".accumulates_first = true",
    ),
    _call(
        "no first frame is generated",
        ".generates_first = conf->accumulate_gen_first",
        ".generates_first = false",
    ),
    _call(
        "the second source is the first context's",
        "rows[i].context0, rows[i].context1",
        "rows[i].context1, rows[i].context0",
        "switch_calls.c",
    ),
    _call(
        "window width for height",
        ".window_width = conf->poolWinX",
        ".window_width = conf->poolWinY",
    ),
    _call(
        "multiplier of a pool is unsigned",
        ".multiplier = conf->mulval",
        ".multiplier = (int16_t)(conf->mulval >> 1)",
    ),
)


class Nursery:
    """Libraries of defective devices, made quickly: what a defect does not touch is compiled once.

    Args:
        folder: for what is made.
        sources: what a sound library is made of.
        flags: for the compiler.

    Raises:
        subprocess.CalledProcessError: gcc refuses a source.
    """

    def __init__(self, folder: Path, sources: Sequence[Path], *flags: str) -> None:
        self._folder = folder
        self._includes = [f"-I{place}" for place in sorted({path.parent for path in sources})]
        self._flags = flags
        self._objects = {path: self._compile(path, folder) for path in sources}

    def library(self, defect: Defect) -> Path:
        """A library with the defect.

        Raises:
            LookupError: the text to be replaced is not there.
        """
        text = defect.path.read_text()
        for old, new in defect.edits:
            if old not in text:
                raise LookupError(f"{defect.name}: {defect.path.name} has no {old!r}")
            text = text.replace(old, new)
        place = Path(tempfile.mkdtemp(dir=self._folder))
        (place / defect.path.name).write_text(text)
        objects = dict(self._objects)
        for path in self._objects:
            if path != defect.path and f'"{defect.path.name}"' in path.read_text():
                shutil.copy(path, place)  # a header beside a source is found first
            if (place / path.name).exists():
                objects[path] = self._compile(place / path.name, place)
        target = place / "device.so"
        self._gcc("-shared", "-o", str(target), *map(str, objects.values()), "-lm")
        return target

    def _compile(self, path: Path, place: Path) -> Path:
        target = place / f"{path.stem}.o"
        arguments = (*self._flags, "-fPIC", "-w", *self._includes, "-c", "-o", str(target))
        self._gcc(*arguments, str(path))
        return target

    def _gcc(self, *arguments: str) -> None:
        command = ["gcc", *arguments]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
