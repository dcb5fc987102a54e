"""The numbers: their sums, and their bytes for a cache."""

import json
from dataclasses import replace

import pytest

from host.coverage.coverage import Coverage, Layer, Share, Unreached
from host.coverage.table import percent, rows_of, table_of

COVERAGE = Coverage(
    Share(1000, 640),
    Share(500, 470),
    (Layer(0, Share(100, 60), Share(200, 180)), Layer(1, Share(0, 0), Share(0, 0))),
    (
        Unreached("nj_a", ".text", "code", 350, 400, "core/a.c:3"),
        Unreached("nj_op0_weights", ".engine_rodata", "constants", 30, 200, ""),
        Unreached("(padding)", ".text", "padding", 10, 10, ""),
    ),
)


def test_bytes_come_back_the_same() -> None:
    data = COVERAGE.to_bytes()
    assert Coverage.from_bytes(data) == COVERAGE
    assert Coverage.from_bytes(data).to_bytes() == data


def test_damaged_bytes_and_other_versions_are_refused() -> None:
    data = COVERAGE.to_bytes()
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1
        with pytest.raises(ValueError, match="nightjar/coverage/1"):
            Coverage.from_bytes(bytes(damaged))
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        with pytest.raises(ValueError, match="nightjar/coverage/1"):
            Coverage.from_bytes(data[:cut])


def test_bytes_that_do_not_add_up_are_refused() -> None:
    """Whoever can write a digest can write anything; the sums are checked all the same."""
    with pytest.raises(ValueError, match="389 are named"):
        replace(
            COVERAGE, unreached=(replace(COVERAGE.unreached[0], bytes=349), *COVERAGE.unreached[1:])
        )
    with pytest.raises(ValueError, match="11 of 10"):
        Share(10, 11)
    with pytest.raises(ValueError, match="-1 of 10"):
        Share(10, -1)


def test_json_is_what_a_verdict_says() -> None:
    said = json.loads(json.dumps(COVERAGE.as_json()))
    assert said["code"] == {"bytes": 1000, "reached": 640}
    assert said["layers"][0] == {
        "index": 0,
        "code": {"bytes": 100, "reached": 60},
        "constants": {"bytes": 200, "reached": 180},
    }
    assert said["unreached"][1]["symbol"] == "nj_op0_weights"


def test_the_table_shows_all_of_it() -> None:
    lines = table_of(COVERAGE, {0: "CONV_2D", 1: "RESHAPE"}, most=2)
    assert [" ".join(line.split()) for line in lines] == [
        "code 640 of 1,000 bytes 64.0 %",
        "constants 470 of 500 bytes 94.0 %",
        "by layer: code constants",
        "0 CONV_2D 60 of 100 60.0 % 180 of 200 90.0 %",
        "1 RESHAPE 0 of 0 - 0 of 0 -",
        "not reached: 390 bytes, largest first",
        "350 of 400 nj_a code .text core/a.c:3",
        "30 of 200 nj_op0_weights constants .engine_rodata",
        "10 bytes of 1 more",
    ]


def test_rows_are_those_of_the_layers() -> None:
    first, folded = rows_of(COVERAGE, {0: "CONV_2D"})
    assert (first.index, first.op, first.code, first.constants) == (
        0,
        "CONV_2D",
        "60.0 %",
        "90.0 %",
    )
    assert (folded.op, folded.code, folded.constants) == ("", "-", "-")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Share(0, 0), "-"),
        (Share(1, 1), "100.0 %"),
        (Share(3, 0), "0.0 %"),
        (Share(100000, 99999), "99.9 %"),  # never all of it when it is not
        (Share(100000, 1), "0.1 %"),  # nor nothing when it is something
    ],
)
def test_a_percentage_never_rounds_to_all_or_nothing(share: Share, text: str) -> None:
    assert percent(share) == text
