import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from model_gen.data.dataset import Recording
from model_gen.evaluation.annotated import annotated
from model_gen.evaluation.annotations import parse, read_annotations
from model_gen.evaluation.events import Event

HERE = Path("a.txt")
TIMES = st.floats(0, 1000).map(lambda t: round(t, 6))
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)
EVENTS = st.lists(
    st.tuples(TIMES, TIMES, NAMES).map(lambda e: Event(min(e[:2]), max(e[:2]), e[2])), max_size=6
)
RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation"


def raven(events: list[Event]) -> str:
    """As Raven writes it: every selection once a view."""
    rows = [RAVEN]
    for number, one in enumerate(events, 1):
        for view in ("Waveform 1", "Spectrogram 1"):
            rows.append(f"{number}\t{view}\t1\t{one.start}\t{one.end}\t100\t4000\t{one.label}")
    return "\n".join(rows) + "\n"


def audacity(events: list[Event]) -> str:
    """As Audacity exports labels, with frequencies below each."""
    return "".join(f"{e.start}\t{e.end}\t{e.label}\n\\\t100.0\t4000.0\n" for e in events)


def table(events: list[Event]) -> str:
    return "label;start;end\r\n" + "".join(f"{e.label};{e.start};{e.end}\r\n" for e in events)


@given(EVENTS, st.sampled_from([raven, audacity, table]), st.booleans())
def test_what_a_program_wrote_is_read(events: list[Event], write: object, marked: bool) -> None:
    assert callable(write)
    text = ("\ufeff" if marked else "") + write(events)
    want = sorted(events, key=lambda e: (e.start, e.end, e.label or ""))
    assert list(parse(text, HERE)) == want


@given(EVENTS, st.sampled_from([raven, audacity, table]), st.data())
def test_damage_is_bad_input_or_other_events(
    events: list[Event], write: object, data: st.DataObject
) -> None:
    assert callable(write)
    text = write(events)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 5))
        text = text[:at] + data.draw(st.text(max_size=3)) + text[at + cut :]
    try:
        found = parse(text, HERE)
    except BadInput:
        return
    assert all(0 <= one.start <= one.end for one in found)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BadInput):
        parse(text, HERE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start,stop,label\n1,2,a\n", "line 1"),
        ("start,end\n1\n", "line 2"),
        ("start,end\n3,2\n", "line 2"),
        ("start,end\n1,nan\n", "line 2"),
        ("start,end\n0,5,1,5\n", "line 2"),
        ("1\t2\ta\n3\n", "line 2"),
        ("-1\t2\ta\n", "line 1"),
        ('start,end,label\n1,2,"a\n', "line 2"),
    ],
)
def test_malformed_tables_name_the_line(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text, HERE)
    assert said in caught.value.evidence
    assert "docs/evaluation.md" in caught.value.next_step


def test_selections_without_a_number_all_count() -> None:
    text = "Selection\tBegin Time (s)\tEnd Time (s)\n\t1\t2\n\t3\t4\n7\t5\t6\n7\t5\t6\n"
    assert [one.start for one in parse(text, HERE)] == [1, 3, 5]


def test_tables_are_found_by_the_recordings_name(tmp_path: Path) -> None:
    recordings = [
        Recording(tmp_path / name, name, name.partition("/")[0])
        for name in ("wren/a.wav", "wren/b.wav", "robin/c.flac", "robin/d.wav", "noise/n.wav")
    ]
    folder = tmp_path / "tables"
    (folder / "wren").mkdir(parents=True)
    (folder / "wren" / "a.Table.1.selections.txt").write_text(raven([Event(1, 2, "robin")]))
    (folder / "b.wav.txt").write_text("0,5\t1,5\t\n2\t3\tnoise\n")
    (folder / "c.csv").write_text("")
    (folder / "n.txt").write_text("0\t1\t\n")
    got = annotated(folder, recordings, ("robin", "wren"))
    assert got.events == (((1, 2, 0),), ((0.5, 1.5, 1),), (), (), ())
    assert got.tables == 4
    (folder / "c.csv").write_text("start,end,label\n1,2,Robin\n")
    with pytest.raises(BadInput) as caught:
        annotated(folder, recordings, ("robin", "wren"))
    assert "Did you mean robin?" in caught.value.evidence
    for wrong in (tmp_path / "wren", tmp_path):
        with pytest.raises(BadInput, match=r"--annotations|expected a table"):
            annotated(wrong, recordings, ("robin", "wren"))
    (folder / "x.txt").write_bytes(b"RIFF1234WAVE")
    with pytest.raises(BadInput, match="text"):
        read_annotations(folder / "x.txt")
