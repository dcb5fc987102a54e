"""What a command leaves is found, however it hides, and nothing else is."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from host.listen.card import INDEX_BLOCK
from host.sdcard.blocks import opened
from host.sdcard.card import Card
from host.sdcard.image import LEAST, make_image
from host.selftest import leftovers
from host.selftest.leftovers import MARK, files, not_whole, processes, processes_left

SLEEPS = [sys.executable, "-S", "-c", "import time; print('begun', flush=True); time.sleep(600)"]


@pytest.mark.parametrize("how", ["by the mark", "by the command line"])
def test_a_process_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(leftovers, "_PATIENCE", 0.2)
    mark = {MARK: str(tmp_path)} if how == "by the mark" else {}
    line = SLEEPS if mark else [*SLEEPS, str(tmp_path / "x")]
    with subprocess.Popen(
        line, env={**os.environ, **mark}, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert list(processes(tmp_path)) == [process.pid]
        assert len(processes_left(tmp_path)) == 1
        assert processes_left(tmp_path, frozenset({process.pid})) == []
        assert processes(tmp_path / "other") == {}
        process.kill()
    assert processes_left(tmp_path) == []


def test_files(tmp_path: Path) -> None:
    build = tmp_path / "project" / "build"
    build.mkdir(parents=True)
    (build / "CMakeCache.txt").touch()
    (build / "half.o").touch()
    (tmp_path / ".lease-1-x").touch()
    (tmp_path / ".v.json.1234").touch()
    (tmp_path / "link").symlink_to("nowhere")
    assert files(tmp_path) == {"project", "project/build", ".v.json.1234", "link"}


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("a.json", '{"a": 1}\n'),
        ("a.xml", "<testsuite></testsuite>"),
        ("a.html", "<html></html>\n"),
    ],
)
def test_half_a_result_is_none(tmp_path: Path, name: str, whole: str) -> None:
    path = tmp_path / name
    assert not_whole(path) == ""
    path.write_text(whole)
    assert not_whole(path) == ""
    for length in (0, 1, len(whole) - 4):
        path.write_text(whole[:length])
        assert name in not_whole(path)


def test_half_a_card_is_none(tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    make_image(image, LEAST)
    with opened(image, write=True) as blocks:
        card = Card(blocks)
        card.add_log(1 << 16)
        card.commit()
        before = blocks.read(INDEX_BLOCK)
        card.add_recording(8000, np.arange(999, dtype=np.int16))
        card.commit()
    assert not_whole(image) == ""
    with opened(image, write=True) as blocks:
        blocks.write(INDEX_BLOCK, before)
    assert not_whole(image) == (
        "card.img has NIGHTJAR.LOG, REC001.WAV, and its index names NIGHTJAR.LOG"
    )
    image.write_bytes(bytes(1000))
    assert "card.img is no card" in not_whole(image)
