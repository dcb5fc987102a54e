"""Only one command at a time makes firmware in a folder."""

import threading
from pathlib import Path

import pytest

from host.compare.prepare import alone_in
from host.deadline import Deadline
from host.errors import BadInput, HostFailure


def test_the_second_waits_until_the_first_is_done(tmp_path: Path) -> None:
    folder, events = tmp_path / "a" / "b", []

    def second() -> None:
        with alone_in(folder, Deadline.after(20)):
            events.append("second")

    with alone_in(folder, Deadline.after(1)):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        events.append("first")
    thread.join(20)
    assert events == ["first", "second"]
    assert list(folder.iterdir()) == []  # no lock file


def test_a_held_folder_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    with (
        alone_in(tmp_path, Deadline.after(1)),
        pytest.raises(HostFailure, match="same folder"),
        alone_in(tmp_path, Deadline.after(0.1)),
    ):
        pass
    assert tmp_path.is_dir()


def test_different_folders_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with alone_in(tmp_path / "a", Deadline.after(0)), alone_in(tmp_path / "b", Deadline.after(0)):
        pass


def test_a_refusal_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput), alone_in(tmp_path / "a" / "b", Deadline.after(1)):
        raise BadInput("no")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    (folder / "kept").mkdir(parents=True)
    with pytest.raises(HostFailure), alone_in(folder, Deadline.after(1)):
        raise HostFailure("no")
    assert (folder / "kept").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for place in (file, file / "under"):
        with pytest.raises(BadInput, match="must be a folder"), alone_in(place, Deadline.after(1)):
            pass
