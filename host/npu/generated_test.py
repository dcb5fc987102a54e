"""What is read from the text of a network.c."""

from pathlib import Path

import pytest

from host.errors import BadInput
from host.npu.generated import Pool, names_of_streams, read_generated
from host.npu.testing.code import FLASH, RAM, Code, copy


@pytest.mark.parametrize(
    ("version", "dialect"),
    [
        ((1, 1, 0, 31), "2.1"),
        ((1, 1, 1, 14), "2.2"),
        ((1, 1, 3, 8), "3.0"),
        ((1, 1, 3, 262), "4.0"),
    ],
)
def test_the_dialect_is_that_of_the_version(
    tmp_path: Path, version: tuple[int, int, int, int], dialect: str
) -> None:
    code = read_generated(Code(version=version, name="birds_2").write(tmp_path))
    assert (code.version, code.dialect, code.name) == (version, dialect, "birds_2")
    assert code.path.is_absolute()
    assert not code.instance


def test_the_pools_are_those_of_the_header(tmp_path: Path) -> None:
    code = read_generated(Code(flash=True).write(tmp_path))
    assert code.pools == (
        Pool(1, "AXISRAM", "pool1", RAM, 4088, True, True),
        Pool(2, "xSPI2", "pool2", FLASH, 4088, False, True),
    )


def test_a_pool_of_unknown_use_is_not_used(tmp_path: Path) -> None:
    text = Code(flash=True).text().replace("pool 2 is 1 KB", "pool 2 is ?")
    path = tmp_path / "network.c"
    path.write_text(text)
    assert [pool.used for pool in read_generated(path).pools] == [True, False]


def test_streams_have_the_names_beside_them(tmp_path: Path) -> None:
    text = Code(blocks=[(copy("1", "2"), ""), (copy("2", "3"), "")]).text()
    assert names_of_streams(text) == {(1, 4): "copied_out", (2, 4): "copied_out"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("LL_ATON_EpochBlockItems_", "Items_", "no generated network"),
        ("LL_ATON_VERSION_DEV", "VERSION", "does not ask for a version"),
        ("MICRO != 1", "MICRO != 4", "does not know"),
        ("MAJOR != 1", "MAJOR != 2", "does not know"),
    ],
)
def test_what_is_no_network_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "network.c"
    path.write_text(Code().text().replace(old, new))
    with pytest.raises(BadInput, match=said) as caught:
        read_generated(path)
    assert caught.value.evidence.startswith("Received: ")
    assert caught.value.next_step


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        read_generated(tmp_path / "network.c")
