import pytest

from host.loudness import Level, set_level
from model_gen.progress import LINE_SECONDS, bar, line, warn


def test_without_a_terminal_there_is_a_line_at_least_every_minute(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Steps of up to half a minute, by a clock of the test's."""
    now, spoken = 0.0, [0.0]
    with bar("work", 100, plain=False, clock=lambda: now) as show:
        for done in range(1, 101):
            now += (0.1, 7, 29)[done % 3]
            show(done, f"note {done}")
            said = capsys.readouterr().err
            assert said in ("", f"work: {done} of 100 note {done}\n")
            if said:
                spoken.append(now)
    gaps = [b - a for a, b in zip(spoken, [*spoken[1:], now], strict=True)]
    assert max(gaps) <= 60
    assert min(gaps[:-1]) >= LINE_SECONDS
    assert capsys.readouterr().err == ""


def test_short_work_says_one_line_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("work", 3) as show:
        for done in range(1, 4):
            show(done)
    with bar("nothing", 0):
        pass
    assert capsys.readouterr().err == "work: 3 of 3\nnothing: 0 of 0\n"


def test_quiet_leaves_warnings_alone(capsys: pytest.CaptureFixture[str]) -> None:
    set_level(Level.QUIET)
    try:
        with bar("work", 3, clock=iter(range(0, 999, 60)).__next__) as show:
            show(1)
        line("on the way")
        warn("something is wrong")
    finally:
        set_level(Level.NORMAL)
    assert capsys.readouterr().err == "something is wrong\n"
