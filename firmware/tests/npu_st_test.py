"""Networks of ST's public packages on the virtual STM32N6, and ST's runtimes around networks of the tests.

Needs the packages, which are not part of this project: each variable names the folder of one, and what has none is
skipped. NIGHTJAR_ST_AUDIO is STM32N6-GettingStarted-Audio (2.2), NIGHTJAR_ST_IMAGES -ImageClassification (2.1),
NIGHTJAR_ST_REID -ReID (3.0). About four minutes of processor time in all.
"""

import os
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from firmware.tests.testing_npu_firmware import board_of, built, loaded, soon, wrong_taps
from host.boards.kinds import DK, NUCLEO, BenchKind
from host.boards.virtual_n6.build import find
from host.build import build
from host.bundle import Subject
from host.errors import BadInput, NightjarError
from host.link.client import Client
from host.link.messages import Mode, Stages
from host.npu.board.runtime import Runtime
from host.npu.board.virtual import VirtualBoard
from host.npu.network import Network
from model_gen.codegen.neural_art.firmware.generate import generate, given_in
from model_gen.codegen.neural_art.firmware.testing_networks import KINDS, network

pytestmark = [
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
    pytest.mark.skipif(shutil.which("gdb-multiarch") is None, reason="gdb-multiarch"),
]


@dataclass(frozen=True)
class Package:
    """One of ST's: the variable that says where it is, and where its runtime lies in it."""

    variable: str
    runtime: str

    @property
    def folder(self) -> Path:
        where = os.environ.get(self.variable)
        if where is None:
            pytest.skip(f"{self.variable}: ST's package")
        return Path(where)


AUDIO = Package("NIGHTJAR_ST_AUDIO", "Middlewares/ST/AI")
IMAGES = Package("NIGHTJAR_ST_IMAGES", "Middlewares/AI_Runtime")
REID = Package("NIGHTJAR_ST_REID", "Middlewares/stedgeai-lib")


@dataclass(frozen=True)
class Public:
    """A compiled network in one of them.

    Attributes:
        files: its files there, and what the compiler called them.
        tensors: how many the executor computes, and how many of them outlast their block: all of one that is an epoch.
    """

    package: Package
    folder: str
    files: dict[str, str]
    board: str
    tensors: tuple[int, int]


YAMNET = Public(
    AUDIO,
    "Projects/X-CUBE-AI/models",
    {"network.c.aed": "network.c", "aed_weights.bin": "network_data.xSPI2.bin"},
    DK.name,
    (48, 47),
)
# 31 epochs of the NPU in one program of its epoch controller.
MOBILENET = Public(
    IMAGES,
    "Model/NUCLEO-N657X0-Q",
    {name: name for name in ("network.c", "network_ecblobs.h", "network_data.xSPI2.bin")},
    NUCLEO.name,
    (37, 10),
)


@pytest.mark.parametrize("whose", ["st", "nightjar"])
@pytest.mark.parametrize("public", [YAMNET, MOBILENET], ids=["yamnet", "mobilenet"])
def test_every_tensor_of_a_public_network(public: Public, whose: str, tmp_path: Path) -> None:
    """Softmax is a function of floats, which two libraries do not compute alike: each is held against its own."""
    package = public.package.folder
    net = tmp_path / "net"
    net.mkdir()
    for there, here in public.files.items():
        shutil.copy(package / public.folder / there, net / here)
    st = package / public.package.runtime if whose == "st" else None
    subject = Subject(Path("public.tflite"), b"not at hand")
    project = generate(given_in(net, subject), public.board, tmp_path / "project", st=st)
    build(project, soon(300))
    with Network.open(net, on=VirtualBoard(None if st is None else Runtime(st))) as network:
        (given,) = network.inputs
        numbers = np.frombuffer(np.random.default_rng(5).bytes(given.size), given.dtype)
        run = network.run([numbers])
    made = [one for one in run.tensors if one.role != "input"]
    taps = [tap for tap in project.description.taps if tap.slot is not None]
    assert (len(made), len(taps)) == public.tensors
    for boot in ("development", "flash"):
        with board_of(project, boot) as board:
            client = Client(board.connect(soon()))
            client.hello(soon())
            client.load_input(0, numbers.tobytes(), soon())
            tapped = client.run(Stages.MODEL, mode=Mode.TAPPED, deadline=soon())
            digests = client.digests(soon()).taps
            wrong = [
                tap.name
                for tap in taps
                if tap.slot is not None
                and digests[tap.slot] != zlib.crc32(made[tap.tensor].array.tobytes())
            ]
            assert wrong == []
            plain = client.run(Stages.MODEL, times=3, mode=Mode.PLAIN, deadline=soon())
            assert (plain.differing, plain.output) == (0, tapped.output)
            assert client.logs == []


@pytest.mark.parametrize(
    ("board", "output"),
    [
        (DK, "Quantize_927_out_0 of 128 bytes"),
        (NUCLEO, "Quantize_249_out_0 of 1280 bytes"),
    ],
    ids=["dk", "nucleo"],
)
def test_an_output_that_the_application_would_place_is_refused(
    board: BenchKind, output: str, tmp_path: Path
) -> None:
    """ST's ReID networks were compiled with --no-outputs-allocation."""
    there = REID.folder / "Model" / board.name.upper()
    net = tmp_path / "net"
    net.mkdir()
    for name in ("reid_ecblobs.h", "reid_atonbuf.xSPI2.bin"):
        shutil.copy(there / name, net / name)
    shutil.copy(there / "reid.c", net / "network.c")
    with pytest.raises(BadInput) as refused:
        generate(
            given_in(net, Subject(Path("public.tflite"), b"not at hand")),
            board.name,
            tmp_path / "project",
        )
    assert output in refused.value.evidence
    assert "--no-outputs-allocation" in refused.value.next_step
    assert not (tmp_path / "project").exists()


def test_an_instance_that_is_not_reset_is_named(tmp_path: Path) -> None:
    """ST's runtime finds it behind its end, and runs nothing."""
    written = network(tmp_path / "net", ("pointwise", "add"), "3.0")
    forgets = ("    LL_ATON_RT_Reset_Network(nj_npu_instance);\n", "")
    edits = {"npu/st/nj_npu_runtime_st.c": forgets}
    st = REID.folder / REID.runtime
    project = built(tmp_path / "project", tmp_path / "net", edits, st)
    with board_of(project) as board:
        client = loaded(board, project, written)
        assert wrong_taps(client, project, written) == []
        with pytest.raises(NightjarError) as caught:
            client.run(Stages.MODEL, mode=Mode.PLAIN, deadline=soon())
        told = "".join(client.logs) + str(caught.value.evidence)
    assert "instance has not been reset: epoch block 0 is to run, and 2 is next, of 2" in told


@pytest.mark.parametrize("blobs", [False, True], ids=["epochs", "programs"])
@pytest.mark.parametrize(("package", "dialect"), [(IMAGES, "2.1"), (AUDIO, "2.2"), (REID, "3.0")])
def test_every_runtime_of_st_runs_the_networks_of_the_tests(
    package: Package, dialect: str, blobs: bool, tmp_path: Path
) -> None:
    """What they compute is known without any executor. 2.1's library quantizes by another rule: not asked."""
    kinds = tuple(kind for kind in KINDS if dialect != "2.1" or kind != "software")
    written = network(tmp_path / "net", kinds, dialect, blobs=blobs)
    st = package.folder / package.runtime
    project = built(tmp_path / "project", tmp_path / "net", st=st)
    for boot in ("development", "flash"):
        with board_of(project, boot) as board:
            client = loaded(board, project, written)
            assert wrong_taps(client, project, written) == []
            assert (
                client.run(Stages.MODEL, times=3, mode=Mode.PLAIN, deadline=soon()).differing == 0
            )
            assert client.logs == []
