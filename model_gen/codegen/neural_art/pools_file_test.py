"""Files of memory pools and of profiles, of ST's and of users."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from host.errors import BadInput
from model_gen.codegen.neural_art.pools_file import parse_pools, read_pools, read_profiles
from model_gen.codegen.neural_art.testing.damage import damaged, mutations, read_or_refused
from model_gen.codegen.neural_art.testing.shared import DATA, found, needs_data

RAW = {
    "memory": {
        "mempools": [
            {
                "fname": "AXISRAM3",
                "name": "npuRAM3",
                "offset": {"value": "0x34200000", "magnitude": "BYTES"},
                "size": {"value": "448", "magnitude": "KBYTES"},
                "prop": {"rights": "ACC_WRITE"},
            }
        ]
    }
}
PROFILES = """{ // the usual one
  "Profiles": {"default": {"memory_pool": "./a//b.mpool", /* strange
  name */ "options": "-O3 --Os"}}
}"""


def test_pools_become_addresses_and_bytes() -> None:
    (pool,) = parse_pools(RAW)
    assert (pool.name, pool.address, pool.bytes, pool.writable) == (
        *("npuRAM3", 0x34200000),
        *(448 << 10, True),
    )


def test_comments_are_no_part_of_a_profile(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(PROFILES)
    assert read_profiles(tmp_path / "p.json") == {"default": ("./a//b.mpool", ("-O3", "--Os"))}


@settings(max_examples=80, deadline=None)
@given(mutations(RAW))
def test_any_changed_pool_is_read_or_refused(raw: object) -> None:
    read_or_refused(parse_pools, raw)


@settings(max_examples=80, deadline=None)
@given(damaged(PROFILES))
def test_any_damaged_profile_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "p.json"
    path.write_text(text, "utf-8", "surrogatepass")
    read_or_refused(read_profiles, path)


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.mpool").write_text(str(RAW).replace("'", '"').replace("KBYTES", "PAGES"))
    with pytest.raises(BadInput, match="one of BYTES, KBYTES, MBYTES"):
        read_pools(tmp_path / "x.mpool")


@needs_data
@pytest.mark.parametrize("path", found("*.mpool"), ids=lambda path: str(path.relative_to(DATA)))
def test_real_pools_are_read(path: Path) -> None:
    by_name = {pool.name: pool for pool in read_pools(path)}
    assert by_name["npuRAM6"].address == 0x34350000
    assert by_name["npuRAM6"].bytes == 448 << 10
    assert not by_name["octoFlash"].writable
    assert ("hyperRAM" in by_name) == ("NUCLEO" not in path.name)


@needs_data
@pytest.mark.parametrize("path", found("*user_neural*.json"), ids=lambda path: path.name)
def test_real_profiles_are_read(path: Path) -> None:
    profiles = read_profiles(path)
    assert len(profiles) == (12 if "xcubeai" in path.name else 1)
    assert all("--native-float" in options for _, options in profiles.values())
