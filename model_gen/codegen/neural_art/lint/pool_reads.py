"""R8: stream engines that read beyond the memory of their pool."""

from collections.abc import Iterator

from host.npu.compiler.network_constants import UnitRecord
from host.npu.memory import regions_of
from model_gen.codegen.neural_art.lint.finding import CODE, INFERRED, Hit, Remedy, rule
from model_gen.codegen.neural_art.lint.subject import Subject


@rule(
    "R8",
    "reads-past-pool",
    "warning",
    reads=CODE,
    says="A stream engine reads bytes beyond the end of its memory: a transport of three bytes a "
    "beat may read two more than there are. The bytes are ignored, but a protected memory faults.",
    mend="make the pool of that memory at least as much smaller as is read beyond its end",
)
def reads_past_pool(subject: Subject, _: None) -> Iterator[Hit]:
    if subject.code is None:
        return
    regions = regions_of(subject.code.generated.pools)
    for stream in subject.code.records("stream"):
        if stream.integer("dir"):
            continue
        start = stream.integer("addr_base") + stream.integer("offset_start")
        region = next((r for r in regions if r.address <= start < r.address + r.size), None)
        end = start + extent(stream)
        if region is not None and end > region.address + region.size:
            beyond = end - region.address - region.size
            yield Hit(
                f"{stream.node}, epoch {stream.epoch}, engine {stream.unit}, line {stream.line}",
                f"reads to {end:#010x}, {beyond} bytes beyond the memory's end",
                INFERRED,
                "network.c",
                None,
                (
                    Remedy(
                        f"make the pool {beyond} bytes smaller",
                        f"the last byte read is then at most {end - beyond - 1:#010x}",
                    ),
                ),
            )


def extent(stream: UnitRecord) -> int:
    """Bytes from the first that an engine reads to behind the last, in its first two levels."""
    get = stream.integer
    frames = max(1, get("frame_tot_cnt"))
    loop = get("frame_loop_cnt")
    step, turn = get("frame_offset"), get("loop_offset")
    inner = min(frames, loop) if loop else frames
    outer = -(-frames // loop) if loop else 1
    if get("raw"):
        width = max(0, get("offset_end") - get("offset_start"))
        if get("frame_count"):
            width = get("frame_count") * get("nbits_in") // 8
    else:
        batch = get("batch_depth") * get("nbits_in") // 8
        pixel = get("batch_offset")
        line = get("line_offset") or get("fwidth") * pixel
        width = (get("fheight") - 1) * line + (get("fwidth") - 1) * pixel + batch
    if get("continuous"):
        return width
    return width + (inner - 1) * step + (outer - 1) * turn
