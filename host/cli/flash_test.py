"""What `nightjar flash` says of a chip."""

from dataclasses import replace

from host.cli.flash import of_the_chip
from host.link.identity_test import HELLO


def test_what_a_chip_says_of_itself_is_shown_and_nothing_where_there_is_none() -> None:
    assert of_the_chip(HELLO) == []
    chip = replace(HELLO, uid=b"NIGHTJAR-VMA", clocks=(600_000_000, 64_000_000), overruns=2)
    rows = dict(of_the_chip(replace(chip, caches=3)))
    assert rows["unique id"] == b"NIGHTJAR-VMA".hex()
    assert rows["clocks"] == "600, 64 MHz"
    assert rows["caches"] == "instructions and data"
    assert rows["overruns"] == "2"
    assert dict(of_the_chip(chip))["caches"] == "off"
    assert dict(of_the_chip(replace(chip, caches=2)))["caches"] == "data"
