"""The clock of a session that is replayed."""

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from host.deadline import Deadline, clocked
from host.recording.player import Player
from host.recording.records import Kind, Record


@given(
    st.integers(0, 10**13),
    st.integers(0, 10**10),
    st.floats(1e-3, 100),
)
def test_who_waits_in_vain_has_waited(origin: int, before: int, patience: float) -> None:
    """A frame was left out of the recording: what waits for it must see its time pass, or it asks for ever."""
    manifest = SimpleNamespace(generator=0, origin=origin, versions={}, ended=None, asked=())
    record = Record(Kind.SENT, before, 0, b"later")
    recording: Any = SimpleNamespace(manifest=manifest, records=lambda: iter([record]))
    player = Player(cast(Any, recording))
    with clocked(player.now):
        deadline = Deadline.after(patience)
        assert player.receive(0, deadline) == b""
        assert deadline.expired
