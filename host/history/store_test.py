"""The store keeps what it was given, whole or not at all, and says what it cannot take."""

import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from sqlalchemy import event, text

from host.errors import BadInput, HostFailure
from host.history.commit import Commit, commit_of
from host.history.store import opened
from host.history.testing_runs import PLACE, at, raw, with_cost
from host.report.testing_verdicts import DIFFERENT, EXACT

WRITER = """
import sys
from host.history.store import opened
from host.history.testing_runs import at, raw
verdict = raw()
for number in range(int(sys.argv[2])):
    with opened(sys.argv[1], write=True) as store:
        print(store.add(verdict, at(number)), flush=True)
"""


def writer(place: object, count: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", WRITER, str(place), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_what_is_added_is_there(tmp_path: Path) -> None:
    file = tmp_path / "of" / "a bench?#%.sqlite"
    with opened(str(file), write=True) as store:
        assert store.add(raw(), PLACE) == 1
        assert store.add(raw(DIFFERENT), replace(PLACE, commit=Commit())) == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["of", "a bench?#%.sqlite"]
    with opened(str(file)) as store:
        first, second = store.runs()
        assert store.runs(1) == [second]
        assert store.runs(model="birds", state="Exact") == [first]
        assert store.verdict(1) == json.loads(json.dumps(raw()))
    found = asdict(first)
    assert {name: found[name] for name in ("commit", "branch", "dirty", "model", "board")} == {
        "commit": "a" * 40,
        "branch": "main",
        "dirty": False,
        "model": "birds",
        "board": "virtual",
    }
    assert (first.model_cost, first.frontend) == (EXACT.cost.model, EXACT.cost.frontend)
    assert first.counted == tuple(layer.instructions for layer in EXACT.layers)
    assert first.named == tuple((one.index, one.op, one.name) for one in EXACT.layers)
    assert EXACT.coverage is not None
    assert (first.code, first.constants) == (EXACT.coverage.code.percent, 100.0)
    assert (second.state, second.exit_code, second.code, second.short) == (
        "Different",
        19,
        None,
        "-",
    )


@pytest.mark.parametrize("query", ["UPDATE runs SET state = 'Exact'", "DELETE FROM structures"])
def test_what_is_written_stays(tmp_path: Path, query: str) -> None:
    with opened(str(tmp_path / "h"), write=True) as store:
        store.add(raw(), PLACE)
    with sqlite3.connect(tmp_path / "h") as database, pytest.raises(sqlite3.IntegrityError):
        database.execute(query)


def test_an_empty_store_and_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no history yet"), opened(str(tmp_path / "h")):
        pass
    assert not (tmp_path / "h").exists()
    (tmp_path / "h").touch()
    with pytest.raises(BadInput, match="no history yet"), opened(str(tmp_path / "h")):
        pass
    with opened(str(tmp_path / "h"), write=True) as store:
        assert store.runs() == []
        with pytest.raises(BadInput, match="no run 1"):
            store.run(1)


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "h"
    with opened(str(file), write=True):
        pass
    with sqlite3.connect(file) as database:
        database.execute("UPDATE nightjar_history SET version = 2")
    before = file.read_bytes()
    for write in (False, True):
        with pytest.raises(BadInput, match="of another version"), opened(str(file), write=write):
            pass
    assert file.read_bytes() == before


@pytest.mark.parametrize("kind", ["text", "foreign", "cut", "folder"])
def test_no_store(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "h"
    if kind == "folder":
        file.mkdir()
    elif kind == "text":
        file.write_text("# history\n")
    else:
        with sqlite3.connect(file) as database:
            database.execute("CREATE TABLE birds (name TEXT)")
        if kind == "cut":
            file.write_bytes(file.read_bytes()[:3000])
    before = b"" if kind == "folder" else file.read_bytes()
    for write in (False, True):
        with pytest.raises(BadInput) as caught, opened(str(file), write=write):
            pass
        assert str(file) in caught.value.evidence
    assert kind == "folder" or file.read_bytes() == before


@pytest.mark.parametrize(
    "url", ["mysql://root@here/x", "sqlite:///x.db", "nonsense://x", "postgresql://h:x/y"]
)
def test_no_url(url: str) -> None:
    with pytest.raises(BadInput, match="by its URL"), opened(url, write=True):
        pass


def test_a_server_that_is_not_there_names_no_password() -> None:
    url = "postgresql://bench:secret@127.0.0.1:1/history"
    with pytest.raises(HostFailure) as caught, opened(url):
        pass
    assert "secret" not in str(caught.value)
    assert "bench:***@127.0.0.1:1/history" in str(caught.value)


def test_a_file_that_nobody_may_write_is_read() -> None:
    seen = """
import os, sys
import sqlite3
import sqlalchemy.dialects.sqlite.pysqlite
from host.errors import HostFailure
from host.history.store import opened
if os.geteuid() == 0:
    os.setuid(65534)
with opened(sys.argv[1]) as store:
    print(len(store.runs()))
try:
    with opened(sys.argv[1], write=True):
        print("opened")
except HostFailure as error:
    print(error.evidence)
"""
    with tempfile.TemporaryDirectory(prefix="nightjar-") as name:
        file = Path(name) / "h"
        with opened(str(file), write=True) as store:
            store.add(raw(), PLACE)
        file.chmod(0o444)
        Path(name).chmod(0o555)
        command = [sys.executable, "-c", seen, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        Path(name).chmod(0o700)
    assert done.stdout.splitlines() == ["1", f"Received: {file}: it is not writable"], done.stderr


def test_a_full_disk_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "h"
    with opened(str(file), write=True) as store:
        store.add(raw(), PLACE)
        with store.engine.connect() as connection:
            size = connection.execute(text("PRAGMA page_count")).scalar_one()

        @event.listens_for(store.engine, "connect")
        def limit(connection: sqlite3.Connection, record: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {size}")

        with pytest.raises(HostFailure, match="cannot be written") as caught:
            [store.add(raw(with_cost(number)), at(number)) for number in range(9)]
    assert "full" in caught.value.evidence
    assert "free disk space" in caught.value.next_step
    with opened(str(file)) as store:
        assert all(store.verdict(run.id) for run in store.runs())


def test_many_processes_and_kills_lose_and_halve_nothing(tmp_path: Path) -> None:
    """Three begin the same store at once; one is killed as soon as it has written."""
    file = tmp_path / "h"
    victim, *others = writer(file, 10_000), writer(file, 8), writer(file, 8)
    assert victim.stdout is not None
    said = [victim.stdout.readline()]
    victim.send_signal(signal.SIGKILL)
    said += victim.communicate()[0].split()
    for other in others:
        said += other.communicate()[0].split()
        assert other.returncode == 0
    with opened(str(file), write=True) as store:
        runs = store.runs()
        assert {int(number) for number in said} <= {run.id for run in runs}
        assert [run.id for run in runs] == list(range(1, len(runs) + 1))
        assert len(runs) >= 17
        assert all(store.verdict(run.id)["exact"] for run in runs)
        assert store.add(raw(), PLACE) == len(runs) + 1


def test_which_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == Commit()

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=x", "-c", "user.email=x@y")
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q", "-b", "main")
    assert commit_of(tmp_path) == Commit()
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-q", "-m", "one")
    sha = git("rev-parse", "HEAD")
    (tmp_path / "untracked").touch()
    assert commit_of(tmp_path, {}) == Commit(sha, "main", dirty=False)
    (tmp_path / "a").write_text("2")
    assert commit_of(tmp_path, {}) == Commit(sha, "main", dirty=True)
    git("checkout", "-q", "--detach")
    assert commit_of(tmp_path, {}).branch == ""
    assert (
        commit_of(tmp_path, {"GITHUB_REF_NAME": "12/merge", "GITHUB_HEAD_REF": "main"}).branch
        == "12/merge"
    )
