"""Folders that we write whole: nothing that somebody put there, or changed, is lost."""

import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from host import owned
from host.deadline import Deadline
from host.errors import BadInput, HostFailure
from host.owned import (
    LIST,
    alone_in,
    check_replaceable,
    free_place,
    listed,
    new_directory,
    remove_owned,
    stranger,
)
from host.testing_children import with_default_signals


def write(path: Path, text: str = "ours", *, force: bool = False) -> None:
    with new_directory(path, disposable=("build/*.o",), force=force) as folder:
        (folder / "a.txt").write_text(text)
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "b.txt").write_text("b")


def content(path: Path) -> dict[str, str]:
    return {
        file.relative_to(path).as_posix(): file.read_text()
        for file in path.rglob("*")
        if file.is_file() and file.name != LIST
    }


def alone(path: Path) -> bool:
    """Whether nothing temporary is left beside it."""
    return [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.fixture(params=["one step", "two steps"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write, on a file system that exchanges folders, and on one that does not."""
    if request.param == "two steps":
        monkeypatch.setattr(owned, "_exchange", lambda one, other: False)
    return tmp_path / "place"


def test_a_folder_says_what_was_written(place: Path) -> None:
    write(place)
    found = listed(place)
    assert found is not None
    assert sorted(found.files) == ["a.txt", "deep/er/b.txt"]
    assert found.files["a.txt"].bytes == 4
    first = (place / LIST).read_bytes()
    write(place)
    assert (place / LIST).read_bytes() == first
    assert alone(place)


def test_our_own_is_replaced_with_what_is_disposable(place: Path) -> None:
    write(place)
    (place / "build" / "deep").mkdir(parents=True)
    (place / "build" / "deep" / "x.o").write_text("made by a compiler")
    (place / "empty").mkdir()
    (place / "a.txt").unlink()  # what is gone cannot be lost
    write(place, "new")
    assert content(place) == {"a.txt": "new", "deep/er/b.txt": "b"}
    assert alone(place)


def beside_what_tools_write(place: Path) -> str:
    (place / "build").mkdir()
    (place / "build" / "x.o").write_text("made by a compiler")
    (place / "build" / "notes.txt").write_text("years of work")
    return "build/notes.txt, which was not written with it"


def foreign_file(place: Path) -> str:
    (place / "deep" / "notes.txt").write_text("years of work")
    return "deep/notes.txt, which was not written with it"


def edited_file(place: Path) -> str:
    (place / "a.txt").write_text("mine")
    return "a.txt, which was changed"


def edited_and_longer(place: Path) -> str:
    (place / "a.txt").write_text("ours, and mine")
    return "a.txt, which was changed"


def link(place: Path) -> str:
    (place / "deep" / "more").symlink_to("/etc")
    return "deep/more, which was not written with it"


def link_for_a_file(place: Path) -> str:
    shutil.move(place / "a.txt", place.parent / "elsewhere.txt")
    (place / "a.txt").symlink_to(place.parent / "elsewhere.txt")
    return "a.txt, which was not written with it"


def no_list(place: Path) -> str:
    (place / LIST).unlink()
    return "a.txt, and no list of what was written"


def list_of_somebody_else(place: Path) -> str:
    (place / LIST).write_text('{"files": {"a.txt": 1}}')
    return "a.txt, and no list of what was written"


def build_deeper(place: Path) -> str:
    (place / "deep" / "build").mkdir()
    (place / "deep" / "build" / "x").write_text("not the project's")
    return "deep/build/x, which was not written with it"


HARM = (
    foreign_file,
    edited_file,
    edited_and_longer,
    link,
    link_for_a_file,
    no_list,
    list_of_somebody_else,
    beside_what_tools_write,
    build_deeper,
)


@pytest.mark.parametrize("harm", HARM)
def test_what_is_not_ours_is_named_and_stays(harm: object, place: Path) -> None:
    write(place)
    assert callable(harm)
    named = harm(place)
    before = content(place)
    with pytest.raises(BadInput, match="just as nightjar wrote it") as caught:
        write(place, "new")
    assert named in caught.value.evidence
    assert "--force" in caught.value.next_step
    assert not remove_owned(place)
    assert content(place) == before
    write(place, "new", force=True)
    assert content(place) == {"a.txt": "new", "deep/er/b.txt": "b"}


def test_what_comes_while_we_write_stays(place: Path) -> None:
    write(place)

    def slowly() -> None:
        with new_directory(place) as new:
            (new / "a.txt").write_text("new")
            (place / "notes.txt").write_text("written meanwhile")

    with pytest.raises(BadInput, match="just as nightjar wrote it"):
        slowly()
    assert content(place) == {
        "a.txt": "ours",
        "deep/er/b.txt": "b",
        "notes.txt": "written meanwhile",
    }
    assert alone(place)


def test_two_that_write_at_once_both_succeed(place: Path) -> None:
    write(place)
    with new_directory(place) as one:
        (one / "one").write_text("1")
        with new_directory(place) as two:
            (two / "two").write_text("2")
        assert content(place) == {"two": "2"}
    assert content(place) == {"one": "1"}
    assert alone(place)


def test_a_folder_that_another_replaces_while_we_look_is_no_strangers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its list is read, then it is exchanged for one with other files."""
    place = tmp_path / "place"
    write(place)
    asked: list[Path] = []

    def slowly(folder: Path) -> object:
        found = listed(folder)
        if not asked:
            asked.append(folder)
            write(place, "of another command")
        return found

    monkeypatch.setattr(owned, "listed", slowly)
    check_replaceable(place)
    assert asked


def test_a_folder_is_always_there_while_many_replace_it(tmp_path: Path) -> None:
    place = tmp_path / "place"
    write(place)
    program = (
        "import sys\nfrom pathlib import Path\nfrom host.owned_test import write\n"
        "for i in range(40): write(Path(sys.argv[1]), f'{sys.argv[2]} {i}')"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(place), name]) for name in ("x", "y")
    ]
    try:
        while any(writer.poll() is None for writer in writers):
            assert (place / "a.txt").read_text()
    finally:
        assert [writer.wait(60) for writer in writers] == [0, 0]
    assert stranger(place) is None
    assert alone(place)


def test_a_folder_that_got_the_number_of_the_one_before_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is seen of a folder that is taken away meanwhile is said of none."""
    place, looks = tmp_path / "place", []
    write(place)
    number = place.stat().st_ino

    def look(folder: Path, *_: object) -> None:
        looks.append(folder)
        if len(looks) == 1:
            for _try in range(50):
                shutil.rmtree(place)
                write(place)
                if place.stat().st_ino == number:
                    break
            raise BadInput("a.txt was changed")

    monkeypatch.setattr("host.owned._check_contents", look)
    check_replaceable(place)
    assert len(looks) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_what_was_there_stays_when_a_signal_comes(number: signal.Signals, tmp_path: Path) -> None:
    place = tmp_path / "place"
    write(place)
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom host.owned import new_directory\n"
        "with new_directory(Path(sys.argv[1])) as new:\n"
        "    (new / 'half').write_text('')\n    print('half', flush=True)\n    time.sleep(60)"
    )
    line = with_default_signals([sys.executable, "-c", program, str(place)])
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        writer.send_signal(number)
    assert content(place) == {"a.txt": "ours", "deep/er/b.txt": "b"}
    assert number == signal.SIGKILL or alone(place)


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    write(tmp_path / "target")
    (tmp_path / "link").symlink_to("target")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").readlink() == Path("target")
    assert content(tmp_path / "target")["a.txt"] == "new"


def test_a_file_is_not_replaced_even_by_force(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="must be a folder"):
        write(tmp_path / "file", force=True)
    assert (tmp_path / "file").read_text() == "x"


def test_force_spares_home_and_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, work = tmp_path / "home" / "me", tmp_path / "work" / "here"
    for folder in (home, work):
        folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    for place in (home, home.parent, work, work.parent, Path()):
        with pytest.raises(BadInput, match="--force does not replace"):
            check_replaceable(place, force=True)
    check_replaceable(work / "below", force=True)


def test_our_own_is_removed_whole(place: Path) -> None:
    assert not remove_owned(place)
    write(place)
    assert remove_owned(place)
    assert list(place.parent.iterdir()) == []


def test_a_free_place_is_ours_or_beside(place: Path) -> None:
    assert free_place(place) == place
    write(place)
    assert free_place(place) == place
    edited_file(place)
    beside = place.with_name("place-2")
    assert free_place(place) == beside
    write(beside)
    assert free_place(place) == beside
    beside.rename(place.with_name("moved"))
    beside.symlink_to("nowhere")
    assert free_place(place) == place.with_name("place-3")


def test_a_list_that_is_none_makes_nothing_ours(place: Path) -> None:
    write(place)
    for text in ("[]", "{}", '{"schema": "nightjar/files/1"}', "[" * 9999, '{"schema": NaN}'):
        (place / LIST).write_text(text)
        assert listed(place) is None


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
