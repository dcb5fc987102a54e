"""c_info: three kinds of file, all versions, and every damage refused in words."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from host.errors import BadInput
from model_gen.codegen.neural_art.c_info import parse_c_info, read_c_info
from model_gen.codegen.neural_art.compilation import Buffer
from model_gen.codegen.neural_art.testing.damage import damaged, mutations, read_or_refused
from model_gen.codegen.neural_art.testing.shared import found, needs_data
from model_gen.codegen.neural_art.testing.written import (
    RAM,
    VERSIONS,
    Small,
    c_info,
    c_info_json,
    compiler_c_info,
    validation_c_info,
)

MODEL = b"any .tflite"
GENERATED = [path for path in found("*c_info*.json") if not path.name.endswith("_valid.json")]


@pytest.mark.parametrize("controller", [False, True])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_becomes_one_model(version: str, controller: bool) -> None:
    small = Small(version, MODEL, controller)
    made = parse_c_info(c_info(small))
    assert made.dialect.name == version
    assert made.compiler == small.compiler.split()[0]
    assert [(e.number, e.kind, e.ops) for e in made.epochs] == [
        (2, "hardware", ("Conv",)),
        (3, "software", ("Softmax",)),
    ]
    assert [e.why for e in made.epochs] == ["", "a function of floats, which the core computes"]
    assert (made.cycles, made.microseconds) == (1700, 1.7)
    assert (made.weights, made.activations) == (160, 768)
    assert made.models[0].md5 == small.md5.removeprefix("0x")
    pools = {pool.name: pool for pool in made.pools}
    assert (pools["npuRAM5"].address, pools["npuRAM5"].activations) == (RAM, 768)
    assert [pool.name for pool in made.pools if pool.joined] == ["npuRAM5_npuRAM6"]
    assert made.buffer(2) == Buffer(
        id=2,
        name="Conv2D_2_off_bias_out_1",
        pool="npuRAM5",
        address=RAM + 512,
        offset=512,
        bytes=256,
        shape=(1, 4, 4, 16),
        format="S8",
        bits=8,
        scales=(0.05,),
        zero_points=(3,),
        constant=False,
        first=2,
        last=3,
    )
    assert made.npu
    assert made.epochs[0].blob == (1 if controller and version < "3" else None)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_compilers_own_file_is_known_by_its_keys(version: str) -> None:
    small = Small(version, MODEL)
    own = parse_c_info(compiler_c_info(small))
    assert own.told_by == "compiler's c_info"
    assert replace(own, told_by="c_info") == parse_c_info(c_info(small))


@pytest.mark.parametrize("version", ["2.2", "4.0"])
def test_a_build_without_the_npu_is_known_for_one(version: str) -> None:
    made = parse_c_info(c_info(Small(version, MODEL, npu=False)))
    assert not made.npu
    assert made.compiler is None
    assert [(e.name, e.kind, e.ops, e.why) for e in made.epochs] == [
        ("conv", "software", ("Conv2D",), "compiled without the NPU")
    ]


def test_the_number_of_the_schema_decides_nothing() -> None:
    raw = {**c_info(Small("2.2", MODEL)), "json_schema_version": "7.1"}
    assert parse_c_info(raw) == parse_c_info(c_info(Small("2.2", MODEL)))


def test_that_of_a_validation_is_named() -> None:
    with pytest.raises(BadInput, match="that of a validation"):
        parse_c_info(validation_c_info(Small("2.2", MODEL)))


@pytest.mark.parametrize("told", ["1.9.0", "2.3.0-1", "3.1.0", "5.0.0-1 abcdef0", "", "four"])
def test_an_unknown_version_is_refused(told: str) -> None:
    raw = c_info(Small("4.0", MODEL))
    raw["environment"]["tools"][0]["version"] = told
    with pytest.raises(BadInput, match=r"2\.0, 2\.1, 2\.2, 3\.0, 4\.0, 4\.1"):
        parse_c_info(raw)


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("memory_footprint", "weights"), 161, "memory_footprint says 161 bytes"),
        (("memory_pools", 0, "used_size_bytes"), 767, "pool npuRAM5 says 767 bytes"),
        (("memory_pools", 0, "used_size_bytes"), 1 << 30, "pool npuRAM5 says 1,073,741,824"),
        (("memory_pools", 0, "used_size_bytes"), -8, "a number of bytes"),
        (("buffers", 1, "id"), 1, "an id of its own"),
        (("buffers", 1, "mpool_id"), 9, "the id of a memory pool"),
        (("buffers", 1, "offset_start"), -8, "a place in its pool"),
        (("graphs", 0, "outputs"), [77], r"the buffers \[77\], which are absent"),
        (("graphs", 0, "nodes", 1, "mapping"), "NODE_XY", "one of NODE_HW"),
        (("graphs", 0, "nodes", 2, "name"), "epoch_2", "a number of its own"),
        (("environment", "tools", 0, "name"), "other", "a tool ST.EdgeAI.Core"),
    ],
)
def test_what_contradicts_itself_is_refused(where: tuple[Any, ...], value: Any, said: str) -> None:
    raw = c_info(Small("4.0", MODEL))
    inner: Any = raw
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    with pytest.raises(BadInput, match=said):
        parse_c_info(raw)


@settings(max_examples=150, deadline=None)
@given(mutations(c_info(Small("2.2", MODEL, controller=True))))
def test_any_changed_value_is_read_or_refused(raw: Any) -> None:
    read_or_refused(parse_c_info, raw)


@settings(max_examples=60, deadline=None)
@given(damaged(c_info_json(Small("4.0", MODEL)).decode()))
def test_any_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "network_c_info.json"
    path.write_text(text, "utf-8", "surrogatepass")
    read_or_refused(read_c_info, path)


# By folder: epochs, in software, bytes of weights and of activations.
REAL = {
    "alexgraefe_v3.0_mobilenetv2_n6": (56, 1, 212609, 245760),
    "hansangmin_2.0.0_tinyyolo-ec-n6": (22, 1, 11064129, 401408),
    "krjames_4.0.0_dscnn-n6": (18, 0, 57505, 48000),
    "lotfi_pid": (6, 6, 20748, 512),
    "muazzam_v2.2_blazeface_n6": (85, 27, 166225, 540672),
    "st-u3aed_4.0.0_yamnet-hsp": (15, 3, 137876, 101440),
    "tintran_2.2.0_mobilenetv1-n6": (33, 2, 329537, 602112),
}


@needs_data
@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.parent.name)
def test_real_files_agree_with_themselves(path: Path) -> None:
    made = read_c_info(path)
    raw = json.loads(path.read_text())
    assert (len(made.epochs), len(made.of("software")), made.weights, made.activations) == REAL[
        path.parent.name
    ]
    pools = [pool for pool in made.pools if not pool.joined]
    assert sum(pool.weights or 0 for pool in pools) == raw["memory_footprint"]["weights"]
    assert sum(pool.activations or 0 for pool in pools) == raw["memory_footprint"]["activations"]
    estimates = raw.get("power_estimates")
    assert made.cycles == (estimates and sum(one["max_cycles"] for one in estimates))
    assert made.npu == ("_n6" in path.parent.name or "-n6" in path.parent.name)
