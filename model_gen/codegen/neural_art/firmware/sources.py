"""The C of a firmware around a generated network.c: what is copied, and what is printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from host.installed import FIRMWARE
from host.npu.compiled import HERE as EXECUTOR
from host.npu.generated import GeneratedCode
from host.npu.memory import Image
from host.npu.network import Buffer
from host.project import ProjectDescription
from model_gen.codegen import c_text
from model_gen.codegen.c_text import Text
from model_gen.codegen.cm55.emit import MODEL_API, hash_bytes
from model_gen.codegen.cm55.plan import aligned
from model_gen.codegen.neural_art.firmware.describe import observed
from model_gen.codegen.neural_art.firmware.places import Placed
from model_gen.codegen.neural_art.firmware.taps import Seen
from model_gen.codegen.neural_art.network_source import NetworkSource
from model_gen.codegen.project.files import Files, copies
from model_gen.codegen.templates import render

NPU = "npu"  # the project's folder with what runs network.c
NETWORK, IMAGES = "model/nj_npu_network.c", "model/nj_npu_images.c"
# Of the executor: from LL_* calls to records, and what the records' registers are. It does the rest by itself.
_CALLS = ("nj_npu_calls.c", "nj_npu_switch_calls.c", "nj_npu_ecloader.c")
_REGISTERS = (
    *("nj_npu.h", "nj_npu_units.h", "nj_npu_fields.h", "nj_npu_program.h", "nj_npu_registers.h"),
    *("nj_npu_registers.c", "nj_npu_names.c"),
)
_INTERFACE = ("nj_npu_host.h", "ll_*.h", "ec*.h")
_SOFTMAX = "softmax_s8.c"  # the kernel that an operator of the processor is


@dataclass(frozen=True)
class _Step:
    number: int
    comment: Text


@dataclass(frozen=True)
class _Place:
    address: Text
    bytes: int
    comment: Text
    step: int = 0


@dataclass(frozen=True)
class _Model:
    """The context of nj_npu_model.c."""

    model_api: int
    staging_bytes: int
    steps: tuple[_Step, ...]
    inputs: tuple[_Place, ...]
    outputs: tuple[_Place, ...]
    taps: tuple[_Place, ...]
    model_sha256: Text
    contract_sha256: Text


@dataclass(frozen=True)
class _Image:
    number: int
    file: Text
    address: Text
    bytes: int
    in_nor: bool


def runtime_files(own: str) -> Files:
    """What runs network.c, in one of the two ways: `own` is the folder that only that way has."""
    return {
        name: content
        for name, content in copies(FIRMWARE / "npu", NPU).items()
        if name.count("/") == 1 or name.startswith(f"{NPU}/{own}/")
    }


def our_runtime() -> Files:
    """Our runtime: its own sources, and those that it shares with the executor."""
    files = runtime_files("runtime")
    for folder, names in (
        ("device", _REGISTERS),
        ("interface", (*_INTERFACE, *_CALLS)),
        ("software", ("*.[ch]",)),
    ):
        for name in names:
            for path in sorted((EXECUTOR / folder).glob(name)):
                files[f"{NPU}/{folder}/{path.name}"] = path.read_bytes()
    kernels = FIRMWARE / "kernels"
    needed = (kernels / _SOFTMAX, *sorted(kernels.glob("*.h")))
    return files | {f"kernels/{path.name}": path.read_bytes() for path in needed}


def model_c(
    banner: Text,
    described: ProjectDescription,
    source: NetworkSource,
    inputs: Sequence[Buffer],
    seen: Sequence[Seen],
    chunk_samples: int,
) -> str:
    """nj_npu_model.c."""
    steps = tuple(
        _Step(number, c_text.comment(f"{block.kind}, epochs {block.first} to {block.last}"))
        for number, block in enumerate(source.epochs)
    )
    model = _Model(
        model_api=MODEL_API,
        staging_bytes=max(2 * chunk_samples, sum(aligned(one.size) for one in inputs)),
        steps=steps,
        inputs=tuple(_place(one) for one in inputs),
        outputs=tuple(_place(one.buffer) for one in seen if one.buffer.role == "output"),
        taps=tuple(_place(one.buffer, one.step) for one in observed(seen)),
        model_sha256=hash_bytes(described.model_sha256),
        contract_sha256=hash_bytes(described.contract_sha256),
    )
    return render("nj_npu_model.c", banner=banner, model=model)


def _place(buffer: Buffer, step: int = 0) -> _Place:
    return _Place(_address(buffer.address), buffer.size, c_text.comment(buffer.name), step)


def _address(address: int) -> Text:
    return c_text.constant(f"0x{address:08x}")


def images_c(banner: Text, placed: Placed, names: Mapping[int, str]) -> str:
    """nj_npu_images.c.

    Args:
        banner: of the file.
        placed: the images.
        names: the file of each in the project's `generated`, by its address.
    """
    made = [
        _Image(
            number,
            c_text.word(names[image.address]),
            _address(image.address),
            len(image.content),
            image is placed.in_nor,
        )
        for number, image in enumerate(placed.images)
    ]
    copied = [image for image in made if not image.in_nor]
    return render("nj_npu_images.c", banner=banner, images=made, copied=copied)


def network_c(banner: Text, code: GeneratedCode) -> str:
    """nj_npu_network.c, of our runtime."""
    return render("nj_npu_network.c", banner=banner, network=_names(code), pools=_named_pools(code))


def st_network_c(banner: Text, code: GeneratedCode) -> str:
    """nj_npu_network.c, of ST's."""
    return render("nj_npu_network_st.c", banner=banner, network=_names(code))


def _names(code: GeneratedCode) -> dict[str, Text]:
    return {"file": c_text.word(code.path.name), "name": c_text.identifier(code.name)}


def _named_pools(code: GeneratedCode) -> list[tuple[Text, Text]]:
    """Pools that the text names without an address: they lie where its head says."""
    names = ((f"_mem_pool_{pool.postfix}_{code.name}", pool.address) for pool in code.pools)
    return [
        (c_text.identifier(name), _address(address)) for name, address in names if name in code.text
    ]


def image_names(images: Sequence[Image]) -> dict[int, str]:
    """The file of each image in the project, by its address; what a text told is written as bytes."""
    return {
        image.address: image.path.name
        if image.path.suffix.lower() in (".raw", ".bin")
        else f"{image.path.stem}.{image.address:08x}.raw"
        for image in images
    }
