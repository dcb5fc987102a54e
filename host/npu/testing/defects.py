"""Defects to be planted in copies of the device's sources: networks that find none of them prove nothing."""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from host.npu.testing.records import DEVICE


@dataclass(frozen=True)
class Defect:
    """What a wrong device does, the file that does it, and the edits that make it wrong: old and new text."""

    name: str
    file: str
    edits: tuple[tuple[str, str], ...]


def _defect(name: str, file: str, old: str, new: str, *more: tuple[str, str]) -> Defect:
    return Defect(name, f"nj_npu_{file}", ((old, new), *more))


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
    _defect("second level of loops ignored", "engine.c", "if (stream->loop2 != 0)", "if (false)"),
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
    _defect("clip ignored", "arith.c", "if (arith->clips)", "if (false)"),
    # Pools.
    _defect("minimum for maximum", "pool.c", "largest ? most : least", "largest ? least : least"),
    _defect("maximum for minimum", "pool.c", "largest ? most : least", "largest ? most : most"),
    _defect("pads of a pool are empty", "pool.c", "pool->pads_with ? pool->pad_value : 0", "0"),
    _defect(
        "every pad counts in a maximum",
        "pool.c",
        "pool->pads_with && w.outside != 0 ? pad : INT32_MIN",
        "w.outside != 0 ? pad : INT32_MIN",
    ),
    _defect("multiplier ignored", "pool.c", "sum * pool->multiplier", "sum"),
    _defect(
        "vertical stride of a pool",
        "pool.c",
        "pixel / pool->out_width * pool->stride_y",
        "pixel / pool->out_width * pool->stride_x",
    ),
    _defect(
        "pad of a pool before for behind",
        "pool.c",
        "pool->window_width, pool->pad_left",
        "pool->window_width, pool->pad_right",
    ),
)


class Nursery:
    """Libraries of defective devices, made quickly: what a defect does not touch is compiled once.

    Raises:
        subprocess.CalledProcessError: gcc refuses a source.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._objects = {path.name: self._compile(path) for path in sorted(DEVICE.glob("*.c"))}

    def library(self, defect: Defect) -> Path:
        """A library with the defect.

        Raises:
            LookupError: the text to be replaced is not there.
        """
        text = (DEVICE / defect.file).read_text()
        for old, new in defect.edits:
            if old not in text:
                raise LookupError(f"{defect.name}: {defect.file} has no {old!r}")
            text = text.replace(old, new)
        place = Path(tempfile.mkdtemp(dir=self._folder))
        (place / defect.file).write_text(text)
        touched = [DEVICE / name for name in self._objects if self._touches(name, defect)]
        objects = dict(self._objects)
        for path in touched:
            copy = place / path.name
            if not copy.exists():
                copy.write_text(path.read_text())
            objects[path.name] = self._compile(copy)
        target = place / "device.so"
        self._gcc("-shared", "-o", str(target), *map(str, objects.values()))
        return target

    def _touches(self, name: str, defect: Defect) -> bool:
        if defect.file.endswith(".c"):
            return name == defect.file
        return f'"{defect.file}"' in (DEVICE / name).read_text()

    def _compile(self, path: Path) -> Path:
        target = (
            self._folder / f"{path.stem}.o" if path.parent == DEVICE else path.with_suffix(".o")
        )
        # A changed header beside the source is found first.
        self._gcc("-std=c11", "-fPIC", "-w", f"-I{DEVICE}", "-c", "-o", str(target), str(path))
        return target

    def _gcc(self, *arguments: str) -> None:
        command = ["gcc", *arguments]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
