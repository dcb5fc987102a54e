"""Small firmware for the tests of link and boards: the real core and ports around a model known by heart."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

REPOSITORY = Path(__file__).parents[2]
TINY = REPOSITORY / "firmware" / "tests" / "tiny"
# Input 0 of tiny, byte 0, that makes it misbehave as byte 1 says: nj_tiny.h.
TINY_COMMAND = 0x5A

WIDE_BYTES = 40_000
WIDE_HOP = 4  # samples
# One input, one step, one tap: output[i] = input[i] ^ 0xA5 + i, wrapping modulo 256. Many pieces each way. The
# frontend hands the bytes of the chunk on; a stream moves the chunk up, by the book.
_WIDE = f"""\
#include <string.h>

#include "nj_model.h"

#define COUNT {WIDE_BYTES}u

static uint8_t input_data[COUNT];
static uint8_t output_data[COUNT];
static _Alignas(16) uint8_t staging[COUNT];

static void step_0(void) {{
    for (uint32_t i = 0; i < COUNT; ++i) {{
        output_data[i] = (uint8_t)((input_data[i] ^ 0xA5u) + i);
    }}
}}

static const struct nj_place input[] = {{{{input_data, COUNT}}}};
static const struct nj_place output[] = {{{{output_data, COUNT}}}};
static const struct nj_tap tap[] = {{{{{{output_data, COUNT}}, 0, 0}}}};
static void (*const step[])(void) = {{step_0}};

static uint8_t features[COUNT];
static uint32_t stride, there;

static void run(void) {{
    memcpy(features, staging, COUNT);
}}

static void quantize(void) {{
    memcpy(input_data, features, COUNT);
}}

static void start(uint32_t samples) {{
    stride = samples;
    there = 0;
}}

static uint32_t push(const int16_t *samples, uint32_t count) {{
    const uint32_t left = COUNT / 2u - there;
    const uint32_t taken = count < left ? count : left;
    memcpy(staging + 2u * there, samples, 2u * taken);
    there += taken;
    return taken;
}}

static void take(void) {{
    run();
    memmove(staging, staging + 2u * stride, COUNT - 2u * stride);
    there -= stride;
}}

static const struct nj_stream_stage stream = {{.hop = {WIDE_HOP}u, .start = start, .push = push, .take = take}};

const struct nj_model nj_model = {{
    .input = input, .output = output, .tap = tap, .step = step,
    .inputs = 1, .outputs = 1, .taps = 1, .steps = 1,
    .model_sha256 = {{0x77}}, .contract_sha256 = {{0x88}}, .backend = "wide", .rounding = "",
}};
const struct nj_frontend_stage nj_frontend_stage = {{
    .present = true, .chunk_samples = COUNT / 2u, .features = {{features, COUNT}},
    .run = run, .quantize = quantize, .stream = &stream,
}};
const struct nj_place nj_staging = {{staging, sizeof staging}};
"""


def wide_output(data: bytes) -> bytes:
    """What the wide model computes."""
    return bytes(((value ^ 0xA5) + place) & 0xFF for place, value in enumerate(data))


def tiny_output(first: bytes, second: bytes) -> bytes:
    """What the tiny model computes from input 0 (16 bytes) and input 1 (5 bytes): tap 2; the output is its first 4."""
    a = [(first[i] + 1 + second[i % 5]) & 0xFF for i in range(16)]
    return bytes((value + (value ^ 0x55)) & 0xFF for value in a)


def build_firmware(name: str, board: str) -> Path:
    """The ELF of `name` ("tiny" or "wide") for `board`, built under build/tests when its sources changed."""
    folder = REPOSITORY / "build" / "tests" / "link" / f"{name}-{board}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        source = folder / "source"
        _write_source(name, source)
        _write_port(board, folder / "port")
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        build = folder / "build"
        configure = ["cmake", "-G", "Ninja", "-S", str(source), "-B", str(build)]
        configure += [f"-DNJ_PORT={folder / 'port'}", f"-DNJ_MESSAGES={folder / 'messages'}"]
        for command in (configure, ["cmake", "--build", str(build), "-j", "2"]):
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return build / "nightjar.elf"


def can_build(board: str) -> bool:
    """Whether the compiler for `board` is installed."""
    return shutil.which("gcc" if board == "native" else "arm-none-eabi-gcc") is not None


def _write_port(board: str, folder: Path) -> None:
    from model_gen.codegen.project.ports import write_port

    write_port(board, folder)


def _write_source(name: str, source: Path) -> None:
    from model_gen.codegen.project.messages import CDDL, write_messages

    source.mkdir(exist_ok=True)
    schema, known = CDDL.read_text(), source.parent / "nightjar.cddl"
    if not known.is_file() or known.read_text() != schema:
        write_messages(source.parent / "messages")
        known.write_text(schema)
    cmake = (TINY / "CMakeLists.txt").read_text()
    cmake = re.sub(
        r"set\(NJ_FIRMWARE [^)]*\)", f"set(NJ_FIRMWARE {REPOSITORY / 'firmware'})", cmake
    )
    files = {"CMakeLists.txt": cmake}
    if name == "wide":
        files["nj_model.c"] = _WIDE
    else:
        files |= {file: (TINY / file).read_text() for file in ("nj_model.c", "nj_tiny.h")}
    for file, text in files.items():
        path = source / file
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)
