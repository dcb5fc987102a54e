"""What a soak's log keeps of any sequence of stints, wherever its file is cut off."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.errors import BadInput
from host.exit_codes import Exit
from host.soak.log import Log, Stint, Subject, read_log

SUBJECT = Subject("a.tflite", "ab", "", "cd", "native", "tflite", 4, 0, 500)
CODES = st.sampled_from([Exit.OK, Exit.OK, Exit.BOARD, Exit.LINK, Exit.FLASH])
STINTS = st.lists(
    st.builds(
        Stint,
        number=st.integers(1, 99),
        began=st.just("2026-01-01T00:00:00+00:00"),
        seconds=st.floats(0, 100),
        seed=st.integers(0, 9),
        inferences=st.integers(0, 9999),
        retries=st.integers(0, 99),
        code=CODES.map(int),
        failure=st.text(max_size=20),
    ),
    max_size=6,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stints=STINTS, data=st.data())
def test_a_log_that_is_cut_off_anywhere_keeps_the_whole_stints(
    tmp_path: Path, stints: list[Stint], data: st.DataObject
) -> None:
    path = tmp_path / "soak.jsonl"
    path.unlink(missing_ok=True)
    log = Log(path, SUBJECT)
    for stint in stints:
        log.append(stint)
    log.close()
    whole = path.read_bytes()
    left = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:left])
    again = Log(path, SUBJECT)
    ends = [i for i, byte in enumerate(whole[:left]) if byte == ord("\n")]
    kept = stints[: max(0, len(ends) - 1)]
    assert again.stints == kept
    assert again.totals.inferences == sum(stint.inferences for stint in kept)
    assert again.totals.lost == sum(stint.code != 0 for stint in kept)
    again.append(Stint(7, "then", 1.0, 0))
    again.close()
    assert read_log(path) == (SUBJECT, [*kept, Stint(7, "then", 1.0, 0)])


@pytest.mark.parametrize(
    ("codes", "allowed", "expected"),
    [
        ([0, 0], 0, Exit.OK),
        ([0, 14, 0], 0, Exit.FLAKY),
        ([0, 14, 0], 1, Exit.OK),
        ([11, 14], 5, Exit.BOARD),  # nothing was ever right
        ([14, 19], 5, Exit.FIRMWARE),
        ([0, 15], 0, Exit.IDENTITY),
        ([0, 15, 19], 0, Exit.FIRMWARE),
    ],
)
def test_the_code_of_a_soak(tmp_path: Path, codes: list[int], allowed: int, expected: Exit) -> None:
    log = Log(tmp_path / "soak.jsonl", SUBJECT)
    for number, code in enumerate(codes):
        log.append(Stint(number, "then", 1.0, 0, code=code))
    assert log.code(allowed) == expected
    assert log.ended(1.0) is bool({15, 19} & set(codes))
    log.close()


def test_a_log_is_one_soaks_and_written_by_one(tmp_path: Path) -> None:
    path = tmp_path / "soak.jsonl"
    log = Log(path, SUBJECT)
    with pytest.raises(BadInput, match="one process at a time"):
        Log(path, SUBJECT)
    log.close()
    other = Subject(**{**vars(SUBJECT), "elf_sha256": "ef"})
    with pytest.raises(BadInput, match="same elf_sha256") as refused:
        Log(path, other)
    assert "Received: ef" in refused.value.evidence
    path.write_bytes(b'{"schema": "nightjar/verify/1"}\n')
    with pytest.raises(BadInput, match="must follow the schema"):
        Log(path, SUBJECT)
    assert path.read_bytes() == b'{"schema": "nightjar/verify/1"}\n'
