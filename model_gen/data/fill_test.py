"""Shares of a feature pass against the whole one, file by file."""

from pathlib import Path

import pytest

from model_gen.audio import decode
from model_gen.data.features import extract
from model_gen.data.fill import fill
from model_gen.data.hearing import LookOptions
from model_gen.data.look import begin
from model_gen.data.selection import Selection
from model_gen.data.shard import Shard
from model_gen.data.testing import CONTRACT, RATE, write_tiny_dataset


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_the_union_of_the_shares_is_the_whole_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_tiny_dataset(tmp_path / "data", per_class=3)
    (data / "up" / "broken.flac").write_bytes(b"none")
    options = LookOptions(data, RATE, 0.5, 60.0, 3, 0.2, 0.2, 42)
    recordings = begin(options).dataset.recordings
    whole = extract(recordings, CONTRACT, Selection(60.0, salient=3), cache_dir=tmp_path / "whole")
    shares = [fill(options, Shard(i, 3), tmp_path / "shared") for i in (2, 3, 1)]
    assert sum(one.recordings for one in shares) == 10
    assert sum(one.windows for one in shares) == len(whole)
    assert [one.path for share in shares for one in share.skipped] == ["up/broken.flac"]
    assert files(tmp_path / "shared") == files(tmp_path / "whole")
    before = files(tmp_path / "shared")
    (data / "up" / "broken.flac").unlink()
    monkeypatch.setattr(decode, "open_source", lambda path: pytest.fail(f"{path} is decoded"))
    assert fill(options, Shard(1, 3), tmp_path / "shared").recordings == 3
    assert files(tmp_path / "shared") == before
