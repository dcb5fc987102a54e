"""`--board any` from end to end: two boards with ids of their own at serial ports, one of which is taken."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil_tests.tester.conftest import Make
from hil_tests.tester.recorded import REPOSITORY, nightjar
from host.boards.bench_file import read_bench
from host.boards.flashers.reach import held
from host.exit_codes import Exit

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
IDS = {"alpha": "board-alpha-", "beta": "board--beta-"}


@dataclass(frozen=True)
class Bench:
    """A bench file with the boards of IDS, which run their project already; words that judge one of them."""

    path: Path
    words: list[object]

    def held(self, name: str) -> ExitStack:
        """Keep a board from all others."""
        stack = ExitStack()
        stack.enter_context(held(read_bench(self.path).board(name), 0))
        return stack


@pytest.fixture
def bench(made: Make, model_path: Path, tmp_path: Path) -> Iterator[Bench]:
    _, project = made(model_path, "native")
    path = tmp_path / "bench.toml"
    with ExitStack() as stack, path.open("w") as file:
        for name, uid in IDS.items():
            line = [project.elf, "--pty", "--uid", uid, "--die-with-parent"]
            child = stack.enter_context(subprocess.Popen(line, stdout=subprocess.PIPE, text=True))
            stack.callback(child.kill)
            assert child.stdout is not None
            port = child.stdout.readline().strip()
            uid = uid.encode().hex()
            file.write(f'[board.{name}]\nkind = "native"\nport = "{port}"\nuid = "{uid}"\n')
            file.write(f'tags = ["n6", "{name}"]\n')
        file.flush()
        words: list[object] = ["--bench", path, "--board", "any", "--tag", "n6", "--no-flash"]
        yield Bench(path, [*words, "--project", project.path, "--vectors", 1])


def stands(junit: Path) -> set[str]:
    """Every board that a report names."""
    found = ET.parse(junit).iter("property")
    return {str(one.get("value")) for one in found if one.get("name") == "stands"}


def test_the_board_that_was_taken_is_told(bench: Bench, model_path: Path, tmp_path: Path) -> None:
    words = [*bench.words, "--out", tmp_path / "out"]
    done = nightjar("verify", model_path, *words, cwd=tmp_path)
    assert done.code == 0, done.text
    assert done.verdict["stands"] == "alpha"
    assert "took alpha, of alpha, beta" in done.text
    assert "(native, alpha)" in done.text
    junit = tmp_path / "junit.xml"
    with bench.held("alpha"):
        more = ["--soak", 1, "--junit", junit]
        done = nightjar("hil", *words, "--bundle", model_path, *more, cwd=tmp_path)
        assert done.code == 0, done.text
        assert (done.verdict["stands"], stands(junit)) == ("beta", {"beta"})
        with bench.held("beta"):
            done = nightjar("verify", model_path, *words, cwd=tmp_path)
    assert done.code == Exit.LOCKED
    assert f"alpha: pid {os.getpid()}" in done.error["evidence"]


def test_another_board_at_its_port_is_refused(
    bench: Bench, model_path: Path, tmp_path: Path
) -> None:
    text = bench.path.read_text().replace(IDS["alpha"].encode().hex(), "00" * 12)
    bench.path.write_text(text)
    words = [*bench.words, "--tag", "alpha", "--out", tmp_path / "out"]
    done = nightjar("verify", model_path, *words, cwd=tmp_path)
    assert done.code == Exit.IDENTITY
    assert "another board answers than the bench calls alpha" in done.error["what"]


def test_each_process_of_xdist_has_a_board_of_its_own(
    bench: Bench, model_path: Path, tmp_path: Path
) -> None:
    junit = tmp_path / "junit.xml"
    line = [sys.executable, "-m", "pytest", REPOSITORY / "hil_tests", "-n", "2"]
    line += ["--hil-bundle", model_path, *bench.words, "--soak", "1", "--hil-out", tmp_path / "out"]
    line += ["--junitxml", junit]
    done = subprocess.run(
        [*map(str, line)], cwd=REPOSITORY, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert stands(junit) == set(IDS)
