"""`nightjar teach` on the command line: what ends it before any work."""

from pathlib import Path

import pytest

from host.cli import run


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["none.keras", "--out", "x.npz"], "none.keras, which is none"),
        (["none.keras", "--out", "x.csv"], "--out must name a file that ends in .npz or .parquet"),
        (["none.keras", "--out", "x.npz", "--shard", "3/2"], "--shard must be I/N"),
        (["none.keras", "--out", "x.npz", "--overlap", "1"], "the nearest is 0.99"),
    ],
)
def test_what_cannot_be_is_refused(
    given: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["teach", *given, "--data-path", str(tmp_path)]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
