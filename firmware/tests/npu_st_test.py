"""ST's YAMNet on the virtual STM32N6, by ST's runtime and by ours: every tensor, from RAM and by flash boot.

Needs ST's public package STM32N6-GettingStarted-Audio, which is not part of this project: NIGHTJAR_ST_AUDIO names its
folder. About a minute of processor time.
"""

import os
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest

from firmware.tests.testing_npu_firmware import board_of, soon
from host.boards.virtual_n6.build import find
from host.build import build
from host.bundle import Subject
from host.link.client import Client
from host.link.messages import Mode, Stages
from host.npu.board.runtime import Runtime
from host.npu.board.virtual import VirtualBoard
from host.npu.network import Network
from model_gen.codegen.neural_art.firmware.generate import generate, given_in

PACKAGE = os.environ.get("NIGHTJAR_ST_AUDIO")
pytestmark = [
    pytest.mark.skipif(PACKAGE is None, reason="NIGHTJAR_ST_AUDIO: ST's package"),
    pytest.mark.skipif(find() is None, reason="make n6-virtual"),
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc"),
]


@pytest.fixture(scope="module")
def yamnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its network.c and weights, as a compiler would have left them."""
    assert PACKAGE is not None
    models = Path(PACKAGE) / "Projects/X-CUBE-AI/models"
    folder = tmp_path_factory.mktemp("yamnet")
    shutil.copy(models / "network.c.aed", folder / "network.c")
    shutil.copy(models / "aed_weights.bin", folder / "network_data.xSPI2.bin")
    return folder


@pytest.mark.parametrize("whose", ["st", "nightjar"])
def test_yamnet(yamnet: Path, tmp_path: Path, whose: str) -> None:
    """Softmax is a function of floats, which two libraries do not compute alike: each is held against its own."""
    assert PACKAGE is not None
    st = Path(PACKAGE) / "Middlewares/ST/AI" if whose == "st" else None
    subject = Subject(Path("yamnet.tflite"), b"not at hand")
    project = generate(given_in(yamnet, subject), "stm32n6570-dk", tmp_path / "project", st=st)
    build(project, soon(300))
    numbers = np.random.default_rng(5).integers(-128, 128, 6144).astype(np.int8)
    with Network.open(yamnet, on=VirtualBoard(None if st is None else Runtime(st))) as network:
        run = network.run([numbers])
    made = [one for one in run.tensors if one.role != "input"]
    taps = [tap for tap in project.description.taps if tap.slot is not None]
    assert (len(made), len(taps)) == (48, 47)
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
