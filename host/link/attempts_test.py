"""What it means that a deadline has passed: whose fault it is that there is no answer."""

import random

import pytest

from host.deadline import Deadline, clocked
from host.errors import HostFailure, LinkFailure, NightjarError
from host.link.attempts import Attempts, Mute, Silence
from host.link.exchange import Exchange, rebooted
from host.link.messages import BootEvent, ResetCause


class Nothing:
    """A line from which nothing comes."""

    def write(self, data: bytes, deadline: Deadline) -> None:
        pass

    def read(self, deadline: Deadline) -> bytes:
        return b""

    def close(self) -> None:
        pass


def ended(asked: int, seconds: float, *, answers: bool = True, moved: str = "") -> NightjarError:
    """What a question comes to that was asked so often in so many seconds, and never answered."""
    at = [100.0]
    with clocked(lambda: at[0]):
        exchange = Exchange(Nothing(), generator=random.Random(1))
        exchange.answers = answers
        attempts = Attempts(exchange, "READ", moved=(lambda: moved) if moved else None)
        for _ in range(asked):
            attempts.asked()
        at[0] += seconds
        return attempts.failure()


def test_a_board_that_was_asked_again_and_again_is_silent() -> None:
    assert isinstance(ended(8, 3.0), Silence)
    assert isinstance(ended(8, 3.0, answers=False), Mute)


@pytest.mark.parametrize("asked", [1, 3])
def test_a_host_that_was_not_run_is_no_dead_line(asked: int) -> None:
    """It would have asked twice a second."""
    error = ended(asked, 60.0)
    assert isinstance(error, HostFailure)
    assert "did not run us" in error.what
    assert f"READ: {asked} attempts in 60.0 s" in error.evidence


def test_a_deadline_that_comes_with_the_question_says_nothing_of_the_line() -> None:
    error = ended(1, 0.01)
    assert isinstance(error, HostFailure)
    assert "over as soon as READ had been asked" in error.what
    assert not isinstance(ended(1, 0.5), HostFailure)


def test_how_much_of_a_tensor_came_is_said() -> None:
    error = ended(8, 3.0, moved="1024 of 40000 bytes came")
    assert isinstance(error, LinkFailure)
    assert "1024 of 40000 bytes came" in error.evidence


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (ResetCause.WATCHDOG, ("reset cause: watchdog", "IWDG")),
        (ResetCause.BROWN_OUT, ("reset cause: brown out", "check supply and hub, power-cycle")),
        (ResetCause.PIN, ("reset cause: pin", "reset pin")),
        (ResetCause.UNKNOWN, ("reset cause: unknown", "check supply and hub")),
        (77, ("reset cause: 77", "check supply and hub")),
    ],
)
def test_why_a_board_rebooted_is_said(cause: int, words: tuple[str, ...]) -> None:
    text = str(rebooted(1, BootEvent(2, cause)))
    assert [word for word in words if word not in text] == []
