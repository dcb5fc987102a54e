"""A log of a campaign: what was found is there when it goes on, and another campaign does not touch it."""

from pathlib import Path

import pytest

from host.errors import BadInput
from host.selftest.log import Log

ABOUT = {"test": "flips", "seed": 1}


def test_a_campaign_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    first = Log(path, ABOUT)
    assert first.known == []
    first.add({"number": 0})
    first.add({"number": 1})
    first.close()
    again = Log(path, ABOUT)
    assert again.known == [{"number": 0}, {"number": 1}]
    again.add({"number": 2})
    again.close()
    assert [one["number"] for one in Log(path, ABOUT).known] == [0, 1, 2]


@pytest.mark.parametrize("cut", [1, 5, 12, 30, 41])
def test_a_line_that_was_cut_short_is_written_anew(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "log"
    log = Log(path, ABOUT)
    for number in range(2):
        log.add({"number": number})
    log.close()
    path.write_bytes(path.read_bytes()[:-cut])
    log = Log(path, ABOUT)
    known = len(log.known)
    assert log.known == [{"number": number} for number in range(known)]
    assert known < 2
    log.add({"number": known})
    log.close()
    assert len(Log(path, ABOUT).known) == known + 1


@pytest.mark.parametrize("text", ['{"test": "flips", "seed": 2}\n', "no json\n", "{\n{}\n"])
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log"
    path.write_text(text)
    with pytest.raises(BadInput, match="another campaign"):
        Log(path, ABOUT)
    assert path.read_text() == text
