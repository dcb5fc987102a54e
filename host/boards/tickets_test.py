"""Tickets: their order, and which of them count."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from host.boards.tickets import ticket, wanted_before


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    handle = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield handle
    os.close(handle)


def test_only_those_count_that_came_before_and_wait_still(folder: int) -> None:
    with ExitStack() as leaves:
        first = leaves.enter_context(ticket(folder, {"a", "b"}))
        with ticket(folder, {"c"}) as second, ticket(folder, {"d"}) as third:
            assert wanted_before(folder, first) == set()
            assert wanted_before(folder, second) == {"a", "b"}
            assert wanted_before(folder, third) == {"a", "b", "c"}
            leaves.close()
            assert wanted_before(folder, third) == {"c"}
    assert os.listdir(folder) == []


@pytest.mark.parametrize("plant", ["dead", "link", "folder", "fifo", "hidden", "no ticket"])
def test_what_nobody_holds_counts_for_nothing(folder: int, tmp_path: Path, plant: str) -> None:
    path = tmp_path / {"hidden": ".0.ticket", "no ticket": "0"}.get(plant, "0.ticket")
    if plant == "link":
        path.symlink_to(tmp_path / "nowhere")
    elif plant == "folder":
        path.mkdir()
    elif plant == "fifo":
        os.mkfifo(path)
    else:
        path.write_text('["a"]')
    with ticket(folder, {"b"}) as mine:
        assert wanted_before(folder, mine) == set()
        with ticket(folder, {"c"}) as later:
            assert wanted_before(folder, later) == {"b"}
    assert os.path.lexists(path) == (plant != "dead")
