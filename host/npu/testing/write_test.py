import json
import re
from pathlib import Path
from random import Random

import numpy as np
import pytest

from host.errors import BadInput
from host.npu.testing.dialect import DIALECTS
from host.npu.testing.layers import Affine, Conv, Epoch, Network, Sums, Tensor
from host.npu.testing.lower import lower
from host.npu.testing.networks import KINDS, random_network
from host.npu.testing.write import write_network


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_network_is_written_in_the_same_way(tmp_path: Path, dialect: str) -> None:
    """Every kind of piece in every dialect."""
    for folder in ("a", "b"):
        write_network(tmp_path / folder, random_network(Random(3), "net", KINDS), dialect)
    for name in (
        "network.c",
        "network_atonbuf.xSPI2.raw",
        "inputs.npz",
        "expected.npz",
        "tensors.json",
    ):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_what_is_beside_the_text_is_what_was_returned(tmp_path: Path) -> None:
    written = write_network(tmp_path, random_network(Random(5), "net", ["accumulated"]), "2.2")
    for name, given in (("inputs", written.inputs), ("expected", written.expected)):
        with np.load(tmp_path / f"{name}.npz") as saved:
            assert {key: saved[key].tobytes() for key in saved} == dict(given)
    assert list(written.expected) == ["accumulated_1_out_0", "accumulated_1_out"]
    places = json.loads((tmp_path / "tensors.json").read_text())
    assert [place["name"] for place in places] == [*written.inputs, *written.expected]
    sizes = [len(content) for content in (*written.inputs.values(), *written.expected.values())]
    assert [place["size"] for place in places] == sizes
    assert [place["epoch"] for place in places] == [0, 1, 1]


def test_dialects_differ_where_the_tool_does(tmp_path: Path) -> None:
    network = random_network(Random(3), "net", KINDS)
    texts = {
        name: write_network(tmp_path / name, network, name).source.read_text() for name in DIALECTS
    }
    has = {
        "loop_offset2": ["2.2", "3.0", "4.0"],
        "nn_instance": ["4.0"],
        ".vshift": ["3.0", "4.0"],
        "STREAM_SWITCH_0_init_in_1": ["3.0", "4.0"],
        "switch_init_in_1": ["2.1", "2.2"],
        "LL_LIB_TensorShape_TypeDef": ["2.1", "2.2"],
        "WeightEncryption_Info_net": ["3.0", "4.0"],
    }
    assert {word: [name for name in texts if word in texts[name]] for word in has} == has


def test_reused_memory_is_shared_and_never_by_two_who_live_together() -> None:
    """Whoever writes into bytes that somebody still reads would be seen."""
    network = random_network(Random(1), "net", ["software"] * 4)
    network = Network("net", network.inputs, network.outputs, network.epochs, reuse=True)
    program = lower(network)
    starts = [buffer.address.absolute for buffer in program.buffers]
    assert len(set(starts)) < len(starts)


def test_blobs_stand_for_runs_of_epochs(tmp_path: Path) -> None:
    network = random_network(Random(1), "net", ["add", "copy", "software", "pool"])
    text = write_network(tmp_path, network, "2.1", blobs=True).source.read_text()
    assert re.findall(r"blob_address = \(uintptr_t\)\((\w+)\)", text) == [
        "_ec_blob_1",
        "_ec_blob_6",
    ]
    assert re.findall(r"\.(?:last_)?epoch_num = (\d+)", text) == list("1233445566")
    blobs = (tmp_path / "network_ecblobs.h").read_text()
    assert re.findall(r"uint64_t (\w+)", blobs) == ["_ec_blob_1", "_ec_blob_6"]
    assert blobs.count("ca057a7aUL") == 2


def test_an_unknown_dialect(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such dialect"):
        write_network(tmp_path, random_network(Random(1), "net", ["add"]), "1.0")


def chain(layer: Conv | Affine) -> Network:
    return Network("net", (layer.source,), (layer.target,), (Epoch((layer,)),))


def test_a_layer_that_the_units_cannot_do() -> None:
    source, target = Tensor("x", 2, 2, 6, "u8"), Tensor("y", 2, 2, 1, "i16")
    kernel = np.ones((1, 1, 1, 6), np.int64)
    with pytest.raises(BadInput, match="6 channels"):
        lower(chain(Conv("c", source, target, kernel, Sums(), batch=4)))
    with pytest.raises(BadInput, match="cannot be a result"):
        lower(chain(Conv("c", source, target, kernel, Sums(), batch=2)))
    with pytest.raises(BadInput, match="packed"):
        lower(
            chain(
                Conv("c", source, target, kernel, Sums(), chain=2, batch=3, deep=True, packed=True)
            )
        )


def test_more_units_constants_or_memory_than_the_chip_has() -> None:
    source, target = Tensor("x", 1, 1, 600), Tensor("y", 1, 1, 600)
    many = np.ones(600, np.int64)
    with pytest.raises(BadInput, match="600"):
        lower(chain(Affine("a", source, target, many, many, 0)))
    wide = Tensor("x", 1100, 1000, 1)
    one = np.ones(1, np.int64)
    with pytest.raises(BadInput, match="no room"):
        lower(chain(Affine("a", wide, wide.renamed("y"), one, one, 0, "SCALAR")))
    small, made = Tensor("x", 1, 1, 1, "u8"), Tensor("y", 1, 1, 1, "i16")
    layers = tuple(
        Conv(f"c{i}", small, made.renamed(f"y{i}"), np.ones((1, 1, 1, 1), np.int64), Sums())
        for i in range(5)
    )
    with pytest.raises(BadInput, match="more than 10 of STRENG"):
        lower(Network("net", (small,), (), (Epoch(layers),)))
