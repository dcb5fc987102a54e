"""A store holds studies, of nothing else, for longer than its process, and one name for one place."""

import json
import sqlite3
from pathlib import Path

import pytest

from host.errors import BadInput
from model_gen.tuning.storage import hidden, located, open_storage
from model_gen.tuning.study import open_study
from model_gen.tuning.testing import OF, plan_in, search

pytest.importorskip("optuna")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("study.db", "Could not parse"),
        ("nowhere://x/y", "nowhere"),
        ("sqlite:////proc/none/study.db", "unable to open"),
        ("sqlite://", "in memory ends with its process"),
        ("sqlite:///", "in memory ends with its process"),
        ("sqlite+pysqlite:///:memory:?timeout=5", "in memory ends with its process"),
        ("journal:////proc/none/study.log", "FileNotFoundError"),
        ("journal://study.log", "three slashes"),
        ("journal:///", "IsADirectoryError"),
        ("postgresql+pg8000://me:secret@host/x", r"me:\*\*\*@host"),
    ],
)
def test_a_store_that_cannot_be_opened_is_refused(url: str, told: str) -> None:
    with pytest.raises(BadInput, match=told) as caught:
        open_storage(url)
    assert caught.value.what.startswith("--storage must be")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", [b"my notes\n", b"[1]\n", b"7", b"\xff\xfe\n", b'{"a": 1}\n'])
def test_a_file_of_something_else_is_no_journal_and_stays(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(text)
    with pytest.raises(BadInput, match="no journal of studies"):
        open_storage(f"journal://{file}")
    assert file.read_bytes() == text


def test_a_database_whose_tables_are_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s.db") as database:
        database.execute("create table studies (title text)")
    with pytest.raises(BadInput, match=r"no study can be kept there: .*no column named"):
        open_study(plan_in(tmp_path, storage=f"sqlite:///{tmp_path}/s.db"), OF)


def test_a_journal_that_a_full_disk_cut_off_is_gone_on_with(tmp_path: Path) -> None:
    plan, file = plan_in(tmp_path), tmp_path / "study.log"
    search(plan, 2)
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"op_code":8,"worker_')
    study, mine = search(plan, 3)
    assert mine == [2]
    assert len(study.trials) == 3
    assert file.read_bytes().startswith(whole)
    assert all(json.loads(line) for line in file.read_bytes().splitlines())


def test_a_place_has_one_name_wherever_a_process_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, other = f"journal://{tmp_path}/s.log", f"journal:///{tmp_path}/s.log"
    database = f"sqlite:///{tmp_path}/s.db"
    names = []
    for folder in (tmp_path, Path("/")):
        monkeypatch.chdir(folder)
        names.append((located(journal), located(other), located(database)))
    assert names[0] == names[1]
    assert names[0][0] == names[0][1] != names[0][2]
    monkeypatch.chdir(tmp_path)
    assert located("sqlite:///s.db") == names[0][2]


def test_passwords_are_not_told() -> None:
    assert hidden("mysql://me:a:b@host:1/x") == "mysql://me:***@host:1/x"
    assert hidden("mysql://me:a@b/c@host/x") == "mysql://me:***@host/x"
    assert hidden("postgresql://host/x?user=me&password=a&x=1").endswith(
        "?user=me&password=***&x=1"
    )
    assert hidden("sqlite:///a@b.db") == "sqlite:///a@b.db"
