"""The clock of a session that is replayed."""

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from host.deadline import Deadline, clocked
from host.recording.player import Player
from host.recording.records import Kind, Record


def player_of(*records: Record, origin: int = 0) -> Player:
    manifest = SimpleNamespace(generator=0, origin=origin, versions={}, ended=None, asked=())
    recording: Any = SimpleNamespace(manifest=manifest, records=lambda: iter(records))
    return Player(cast(Any, recording))


def test_each_look_at_the_clock_has_its_own_time() -> None:
    """Behind a frame that was sent, too: a patience that began there ends when it ended."""
    looks = [Record(Kind.CLOCK, at, 0, b"") for at in (2_000_000, 3_000_000)]
    came = Record(Kind.CAME, 4_000_000, 0, b"answer")
    player = player_of(Record(Kind.SENT, 1_000_000, 0, b"asked"), *looks, came)
    player.send(0, b"asked")
    assert [player.now(), player.now()] == [2.0, 3.0]
    assert player.receive(0, Deadline(9.0)) == b"answer"
    assert player.now() == 4.0


@given(
    st.integers(0, 10**13),
    st.integers(0, 10**10),
    st.floats(1e-3, 100),
)
def test_who_waits_in_vain_has_waited(origin: int, before: int, patience: float) -> None:
    """A frame was left out of the recording: what waits for it must see its time pass, or it asks for ever."""
    player = player_of(Record(Kind.SENT, before, 0, b"later"), origin=origin)
    with clocked(player.now):
        deadline = Deadline.after(patience)
        assert player.receive(0, deadline) == b""
        assert deadline.expired
