"""What is there is not made again; what was cut off, or is asked otherwise, is."""

from pathlib import Path

import pytest

from model_gen.evaluation.kept import keep


def test_an_answer_is_made_once_for_each_question(tmp_path: Path) -> None:
    folder, made = tmp_path / "deep" / "one", []

    def make() -> None:
        assert list(folder.iterdir()) == []
        made.append(1)
        (folder / "half").write_text("")
        if len(made) == 1:
            raise KeyboardInterrupt
        (folder / "done").write_text(str(len(made)))

    with pytest.raises(KeyboardInterrupt):
        keep(folder, "done", {"a": 1}, make, "it")
    for _ in range(2):
        keep(folder, "done", {"a": 1}, make, "it")
    assert (folder / "done").read_text() == "2"
    keep(folder, "done", {"a": 2}, make, "it")
    assert (folder / "done").read_text() == "3"
    (folder / "done").unlink()
    keep(folder, "done", {"a": 2}, make, "it")
    assert len(made) == 4
