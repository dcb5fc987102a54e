"""Answers to probes, from folder to verdict: sessions and bare arrays that fit, that do not, and that are refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from host.cli import main
from host.errors import BadInput, FirmwareFailure, IdentityFailure
from host.npu.probe.answer import Answer, read_answer
from host.npu.probe.asked import Questions, ask
from host.npu.probe.catalog import probes
from host.npu.probe.folder import COMMANDS, INPUT, MODEL, QUESTIONS, read_probes, write_probes
from host.npu.probe.judge import AS_KNOWN, NONE, OPEN, OTHER, exit_code, judge
from host.npu.probe.probe import Probe
from host.recording.testing_board import Board, record

DIALECT = "4.0"
PROBES = {probe.name: probe for probe in probes(DIALECT)}
QUESTION = ask(DIALECT, list(PROBES.values()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_probes(tmp_path / "asked", DIALECT, list(PROBES.values()))
    return tmp_path / "asked"


def _output(probe: Probe, name: str) -> bytes:
    return next(one.output for one in probe.hypotheses if one.name == name).tobytes()


def _session(path: Path, probe: Probe, output: bytes, **board: object) -> Path:
    given = [one.tobytes() for one in probe.inputs]
    answering = Board(probe.model, lambda inputs, runs: output, **board)  # type: ignore[arg-type]
    other = [bytes([1] * len(one)) for one in given]
    path.write_bytes(record(answering, [other, given], len(output)).to_bytes())
    return path


@pytest.mark.parametrize("name", ["conv-ties", "sum-shift"])
def test_a_session_of_each_hypothesis_fits_it_alone(tmp_path: Path, name: str) -> None:
    probe = PROBES[name]
    for number, one in enumerate(probe.hypotheses):
        file = _session(tmp_path / f"{number}.njs", probe, one.output.tobytes())
        answer = read_answer(file, QUESTION)
        assert answer.who == "n6-virtual: stm32n6570-dk, gcc 12.2"
        finding = next(f for f in judge(QUESTION, [answer]) if f.probe.name == name)
        assert finding.fits == one.name
        assert finding.state == (AS_KNOWN if one.name == probe.known else OTHER)
        assert finding.wrong is not None
        assert [key for key, wrong in finding.wrong.items() if wrong == 0] == [one.name]


def test_every_probe_and_hypothesis_from_bare_bytes() -> None:
    for name, probe in PROBES.items():
        for one in probe.hypotheses:
            answer = Answer(name, one.output.tobytes(), "")
            (finding,) = (f for f in judge(QUESTION, [answer]) if f.state != OPEN)
            assert (finding.probe.name, finding.fits) == (name, one.name)


def test_none_fits_and_the_nearest_is_named() -> None:
    probe = PROBES["conv-ties"]
    output = bytearray(_output(probe, "half-even"))
    output[0] ^= 1
    (finding,) = (
        f for f in judge(QUESTION, [Answer("conv-ties", bytes(output), "")]) if f.who or f.wrong
    )
    assert (finding.state, finding.fits, finding.nearest) == (NONE, "", "half-even")
    assert exit_code([finding]) == 19


def test_codes() -> None:
    known = [Answer(name, _output(probe, probe.known), "") for name, probe in PROBES.items()]
    assert exit_code(judge(QUESTION, known)) == 0
    assert exit_code(judge(QUESTION, known[1:])) == 18
    other = Answer("conv-ties", _output(PROBES["conv-ties"], "half-up"), "")
    assert exit_code(judge(QUESTION, [*known, other])) == 19


def test_the_folder_says_what_was_asked(folder: Path) -> None:
    assert read_probes(folder) == QUESTION
    assert read_probes(folder / "rows").probes == tuple(
        p for p in QUESTION.probes if p.name == "rows"
    )
    for name, probe in PROBES.items():
        assert (folder / name / MODEL).read_bytes() == probe.model
        arrays = np.load(folder / name / INPUT)
        assert [arrays[key][0].tobytes() for key in arrays] == [
            one.tobytes() for one in probe.inputs
        ]
        assert f"--record {name}.njs" in (folder / name / COMMANDS).read_text()
    assert Questions.from_json(QUESTION.to_json()) == QUESTION


def test_another_model_or_a_changed_foretelling_is_refused(folder: Path) -> None:
    (folder / "rows" / MODEL).write_bytes(PROBES["columns"].model)
    with pytest.raises(IdentityFailure, match="rows"):
        read_probes(folder)
    raw = json.loads((folder / QUESTIONS).read_text())
    raw["probes"][0]["hypotheses"][0]["output"][0] ^= 1
    (folder / QUESTIONS).write_text(json.dumps(raw))
    with pytest.raises(BadInput, match="schema"):
        read_probes(folder)
    raw["probes"][0]["name"] = ".."
    (folder / QUESTIONS).write_text(json.dumps(raw))
    with pytest.raises(BadInput, match="schema"):
        read_probes(folder)
    with pytest.raises(BadInput, match="folder of probes"):
        read_probes(folder.parent / "nothing")


def test_what_is_no_answer_is_refused(tmp_path: Path) -> None:
    probe, other = PROBES["conv-ties"], PROBES["offset-ties"]
    output = _output(probe, probe.known)
    cases = {
        "cm55": _session(tmp_path / "a.njs", probe, output, backend="cm55"),
        "offset": _session(tmp_path / "b.njs", other, output),
    }
    with pytest.raises(IdentityFailure, match="on an NPU"):
        read_answer(cases["cm55"], QUESTION)
    only = Questions(DIALECT, tuple(one for one in QUESTION.probes if one.name == "conv-ties"))
    with pytest.raises(IdentityFailure, match="another model"):
        read_answer(cases["offset"], only)
    given = [one.tobytes() for one in probe.inputs]
    board = Board(probe.model, lambda inputs, runs: output)
    (tmp_path / "c.njs").write_bytes(
        record(board, [[bytes(len(given[0]))]], len(output)).to_bytes()
    )
    with pytest.raises(BadInput, match=r"input\.npz"):
        read_answer(tmp_path / "c.njs", QUESTION)
    board = Board(probe.model, lambda inputs, runs: bytes([runs]) * len(output))
    (tmp_path / "d.njs").write_bytes(record(board, [given], len(output)).to_bytes())
    with pytest.raises(FirmwareFailure, match="several answers"):
        read_answer(tmp_path / "d.njs", QUESTION)


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("conv-ties", np.zeros(5, np.int8), "must be int8"),
        ("conv-ties", np.zeros((1, 16, 16, 4), np.float32), "must be int8"),
        ("nobody", np.zeros((1, 16, 16, 4), np.int8), "name of its probe"),
    ],
)
def test_a_bare_array_that_is_none(
    tmp_path: Path,
    name: str,
    array: NDArray[Any],
    match: str,
) -> None:
    np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(BadInput, match=match):
        read_answer(tmp_path / f"{name}.npy", QUESTION)


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return int(ended.value.code or 0)


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = tmp_path / "asked"
    assert _run("npu", "--probe", "--out", asked, "--dialect", DIALECT) == 0
    assert "* half-away           -32" in capsys.readouterr().out
    assert read_probes(asked) == QUESTION
    answers = []
    for name, probe in PROBES.items():
        np.save(tmp_path / f"{name}.npy", np.frombuffer(_output(probe, probe.known), np.int8))
        answers += ["--session", tmp_path / f"{name}.npy"]
    file = tmp_path / "r.json"
    assert _run("npu", "--probe", asked, *answers, "--json", file) == 0
    found = json.loads(file.read_text())
    assert found["schema"] == "nightjar/npu-probe/1"
    assert all(one["as_known"] for one in found["findings"])
    assert _run("npu", "--probe", asked, *answers[2:], "--json", file) == 18
    assert "not answered: conv-ties" in capsys.readouterr().err
    session = _session(
        tmp_path / "s.njs", PROBES["conv-ties"], _output(PROBES["conv-ties"], "half-up")
    )
    assert _run("npu", "--probe", asked / "conv-ties", "--session", session) == 19
    text = capsys.readouterr()
    assert "half-up, NOT half-away: every one of 1024 bytes" in text.out
    assert "conv-ties: half-up, not half-away" in text.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("npu",),
        ("npu", "--out", "x"),
        ("npu", "--probe", "--vectors", "3"),
        ("npu", "--probe", "--session", "a.njs"),
        ("npu", "--probe", "nowhere", "--dialect", "4.0"),
        ("npu", "--probe", "nowhere"),
    ],
)
def test_what_does_not_go_together(arguments: tuple[str, ...]) -> None:
    assert _run(*arguments) == 2
