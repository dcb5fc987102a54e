"""A history that hosts share: a real PostgreSQL server, begun by many processes at once, one of them killed."""

import signal
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from host.errors import BadInput
from host.history.store import opened
from host.history.store_test import writer
from host.history.testing_postgres import programs, server
from host.history.testing_runs import PLACE, raw

pytestmark = pytest.mark.skipif(
    programs() is None, reason="needs a PostgreSQL server: apt-get install postgresql"
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with server() as found:
        yield found


def test_hosts_share_a_history(url: str) -> None:
    with pytest.raises(BadInput, match="no history yet"), opened(url):
        pass
    victim, other = writer(url, 10_000), writer(url, 5)
    assert victim.stdout is not None
    said = [victim.stdout.readline()]
    victim.send_signal(signal.SIGKILL)
    said += victim.communicate()[0].split() + other.communicate()[0].split()
    assert other.returncode == 0
    with opened(url, write=True) as store:
        runs = store.runs()
        assert {int(number) for number in said} <= {run.id for run in runs}
        assert len(runs) >= 6
        assert all(store.verdict(run.id)["exact"] for run in runs)
        number = store.add(raw(), PLACE)
        assert store.runs(1)[0] == store.run(number)
        assert store.run(number).named == runs[0].named


@pytest.mark.parametrize(
    "query", ["UPDATE runs SET state = ''", "DELETE FROM runs", "TRUNCATE structures"]
)
def test_what_is_written_stays(url: str, query: str) -> None:
    with opened(url, write=True) as store:
        number = store.add(raw(), PLACE)
        with (
            pytest.raises(DBAPIError, match="append-only"),
            store.engine.begin() as connection,
        ):
            connection.execute(text(query))
        assert store.run(number).state == "Exact"


def test_a_newer_history_is_left_alone(url: str) -> None:
    with opened(url, write=True) as store, store.engine.begin() as connection:
        connection.execute(text("UPDATE nightjar_history SET version = 2"))
    with pytest.raises(BadInput, match="version 2"), opened(url, write=True):
        pass
