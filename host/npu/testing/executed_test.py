"""Written networks through the executor as a user runs them: text and blobs, in every dialect."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.errors import BadInput
from host.npu import compiled
from host.npu.network import Network as Executable
from host.npu.testing import campaign
from host.npu.testing.case import KINDS
from host.npu.testing.defects import CALL_DEFECTS, INTERFACE, Defect, Nursery
from host.npu.testing.dialect import DIALECTS
from host.npu.testing.executed import execute
from host.npu.testing.layers import Network
from host.npu.testing.networks import KINDS as ALL_KINDS
from host.npu.testing.networks import random_network
from host.npu.testing.records import DEVICE
from host.npu.testing.write import write_network


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_kind_of_piece_in_every_dialect(tmp_path: Path, dialect: str) -> None:
    outcome = execute(tmp_path, random_network(Random(dialect), "net", ALL_KINDS), dialect)
    assert outcome.wrong == ()
    assert outcome.tensors >= len(ALL_KINDS)
    assert outcome.dialect == dialect


@pytest.mark.parametrize("dialect", DIALECTS)
def test_blobs_and_text_compute_the_same(tmp_path: Path, dialect: str) -> None:
    network = random_network(Random(f"{dialect} blobs"), "net", ALL_KINDS)
    runs = [
        execute(tmp_path / f"{blobs}", network, dialect, blobs=blobs) for blobs in (False, True)
    ]
    assert [run.wrong for run in runs] == [(), ()]
    text, blob = (
        {tensor.name: tensor.array.tobytes() for tensor in run.run.tensors} for run in runs
    )
    assert text == blob


@settings(max_examples=12, deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.sampled_from(sorted(DIALECTS)),
    st.integers(0, 2**32),
    st.data(),
)
def test_any_network(random: Random, dialect: str, seed: int, data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(ALL_KINDS), min_size=1, max_size=6))
    network = random_network(random, "net", kinds)
    with TemporaryDirectory() as folder:
        assert execute(Path(folder), network, dialect, seed=seed).wrong == ()


def test_a_second_run_is_as_the_first(tmp_path: Path) -> None:
    """Memory that is given away holds other bytes by then, inputs among them."""
    drawn = random_network(Random(4), "net", ["residual", "fused_pair", "deep", "software"] * 2)
    network = Network("net", drawn.inputs, drawn.outputs, drawn.epochs, reuse=True)
    written = write_network(tmp_path, network, "2.2")
    with Executable.open(tmp_path) as executable:
        inputs = {
            buffer.name: np.frombuffer(written.inputs[buffer.name], buffer.dtype)
            for buffer in executable.inputs
        }
        first, second = (executable.run(inputs).tensors for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert (one.name, one.array.tobytes()) == (other.name, other.array.tobytes())


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Nursery:
    sources = [
        path
        for part in (DEVICE, INTERFACE, DEVICE.parent / "software")
        for path in sorted(part.glob("*.c"))
    ]
    flags = [flag for flag in compiled.FLAGS if flag.startswith(("-std", "-D", "-f"))]
    kernels = compiled.KERNELS / "softmax_s8.c"
    return Nursery(
        tmp_path_factory.mktemp("calls"),
        [*sources, kernels],
        *(*flags, f"-I{compiled.KERNELS}", "-DNJ_NPU_INSTANCE=0"),
    )


@pytest.fixture(scope="module")
def networks() -> list[Network]:
    """The same at every defect, so that each is compiled once."""
    return [
        random_network(Random(f"calls {seed}"), "net", list(ALL_KINDS) * 4) for seed in range(3)
    ]


def finds(folder: Path, network: Network) -> bool:
    """Whether a network shows a wrong executor: other bytes, or a refusal of what is sound."""
    try:
        return execute(folder, network, "2.2").wrong != ()
    except BadInput:
        return True


@pytest.fixture
def wrong_library(monkeypatch: pytest.MonkeyPatch, nursery: Nursery, defect: Defect) -> None:
    library = nursery.library(defect)
    monkeypatch.setattr(compiled, "library", lambda _instance: library)


@pytest.mark.parametrize("defect", CALL_DEFECTS, ids=lambda defect: defect.name.replace(" ", "-"))
@pytest.mark.usefixtures("wrong_library")
def test_a_defect_of_the_calls_is_found(tmp_path: Path, networks: list[Network]) -> None:
    assert any(finds(tmp_path / f"{index}", network) for index, network in enumerate(networks))


def test_a_campaign_tells_what_it_ran() -> None:
    tally = campaign.campaign(count=10, seed=3, pieces=2)
    assert (tally.networks, sum(tally.pieces.values()), tally.failures) == (5, 10, [])
    assert tally.tensors >= 10
    assert tally.results > 0


def test_a_campaign_on_records_runs_every_kind() -> None:
    tally = campaign.on_records(count=len(KINDS), seed=3)
    assert dict(tally.pieces) == dict.fromkeys(KINDS, 1)
    assert tally.failures == []
    assert tally.blobs == len(KINDS)
