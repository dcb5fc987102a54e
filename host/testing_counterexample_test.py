"""A planted fault is found, and the printed test repeats it: pasted and run, it fails until the fault is gone."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from host.testing_counterexample import ROOT, NoSource, carried, runnable, source

HEADING = "counter-example as a test"
KERNEL = '''
from dataclasses import dataclass
import numpy as np

@dataclass(frozen=True)
class Geometry:
    stride: tuple[int, int]
    scale: float

def kernel(x, geometry):
    """Doubles, but for a fault."""
    return x * 2 + ((x > 40) & (geometry.stride[0] > 1)){fixed}
'''
TEST = """
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel import Geometry, kernel

@pytest.mark.parametrize("judge", ["a", "b"])
@given(
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    x=st.lists(st.integers(0, 100), min_size=1).map(lambda v: np.array(v, np.int32)),
)
@settings(database=None, derandomize=True)
def test_kernel(bench, judge, stride, x):
    bench()
    np.testing.assert_array_equal(kernel(x, Geometry(stride, 0.5)), x + x)
"""
FIXTURES = """
import sys
from pathlib import Path
import pytest
sys.path.insert(0, str(Path(__file__).parent))

@pytest.fixture(scope="session")
def bench():
    return lambda: None

"""


def run(folder: Path, *names: str) -> str:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--import-mode=importlib",
        "-p",
        "no:cacheprovider",
    ]
    command += [f"--rootdir={folder}", "--override-ini=addopts=", *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_planted_fault_is_repeated_by_what_is_printed(tmp_path: Path) -> None:
    kernels = tmp_path / "kernels"
    kernels.mkdir()
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (kernels / "conftest.py").write_text(FIXTURES)
    (kernels / "kernel.py").write_text(KERNEL.format(fixed=""))
    (kernels / "kernel_test.py").write_text(TEST)
    output = run(tmp_path, "kernels/kernel_test.py::test_kernel[b]")
    assert output.count(f" {HEADING} ") == 1, output
    lines = output.split(f" {HEADING} ", 1)[1].splitlines()[1:]
    end = next(i for i, line in enumerate(lines) if line.startswith("    )"))
    text = "\n".join(lines[: end + 1]) + "\n"
    assert text.startswith("# kernels/counterexample_test.py\ndef test_counterexample(bench):\n")
    assert "judge='b'" in text
    assert "stride=(2, 1)" in text  # shrunk
    assert "x=np.array([41], np.int32)" in text
    (kernels / "counterexample_test.py").write_text(text)
    assert "1 failed" in run(tmp_path, "kernels/counterexample_test.py")
    (kernels / "kernel.py").write_text(KERNEL.format(fixed=" * 0"))
    assert "1 passed" in run(tmp_path, "kernels/counterexample_test.py")


@dataclass(frozen=True)
class Part:
    name: str
    value: object = None


def judged(part: Part, folder: Path | None = None) -> None:
    assert folder is not None
    assert part.value == 3, "not three"


def test_context_carries_a_call_that_fails_alike(tmp_path: Path) -> None:
    part = Part("a", {"b": [1.5, None, True], "c": ()})
    with pytest.raises(AssertionError) as caught, runnable(judged, part=part, folder=tmp_path):
        judged(part, tmp_path)
    (text,) = carried(caught.value)
    space: dict[str, object] = {}
    exec(text, space)
    with pytest.raises(AssertionError, match="not three"):
        space["test_counterexample"](tmp_path)  # type: ignore[operator]


@pytest.mark.parametrize(
    "value",
    [
        np.array([[1, -2], [3, 4]], np.int8),
        np.full((2, 3), 1.5, np.float32),
        np.zeros((0, 4), np.int32),
        np.array(7, np.int64),
        np.float32(0.1),
        float("inf"),
        (1,),
        b"\x00",
    ],
)
def test_values_are_written_as_source(value: object) -> None:
    text = source(judged, "judged", {"part": value})
    space: dict[str, object] = {"np": np}
    line = next(line for line in text.splitlines() if line.startswith("        part="))
    exec(line.strip().removesuffix(","), space)
    got = space["part"]
    np.testing.assert_array_equal(got, value)
    assert type(got) is type(value)
    assert np.asarray(got).dtype == np.asarray(value).dtype


def test_what_is_neither_source_nor_a_fixture_is_refused() -> None:
    with pytest.raises(NoSource):
        source(judged, "judged", {"part": object()}, frozenset({"folder"}))
