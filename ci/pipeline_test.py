"""The whole pipeline, small: nothing is redone without cause, and two clean runs give the same bytes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SMALL = (
    *("PER_SPECIES=8", "ALPHA=0.25", "DEPTH=0.25", "EPOCHS=2", "MAX_DROP=1"),
    *("VECTORS=1", "SOAK=2"),
)
STEPS = ("synth", "train", "quantize", "evaluate", "build", "verify", "hil")

pytestmark = pytest.mark.slow


def scons(out: Path, *targets: str) -> list[str]:
    """Build `targets` under `out` and return the steps that ran, in order."""
    command = [str(Path(sys.executable).parent / "scons"), "-Q", f"OUT={out}", *SMALL, *targets]
    # Nothing is taken from another run: each compiles all there is.
    environment = {k: v for k, v in os.environ.items() if k != "CMAKE_C_COMPILER_LAUNCHER"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    lines = [line.split() for line in done.stdout.splitlines() if "bin/nightjar " in line]
    return [line[1] for line in lines if line[0].endswith("bin/nightjar")]


@pytest.fixture(scope="module")
def out() -> Path:
    folder = Path("build") / "test-pipeline" / "first"
    shutil.rmtree(ROOT / folder, ignore_errors=True)
    assert scons(folder, "demo") == list(STEPS)
    return folder


def test_it_leaves_what_the_readme_names(out: Path) -> None:
    folder = ROOT / out
    for name in ("bundle/model.json", "firmware/build/nightjar.elf", "junit.xml", "report.html"):
        assert (folder / name).stat().st_size > 0, name
    verdict = json.loads((folder / "verify.json").read_text())
    assert verdict["schema"] == "nightjar/verify/1"
    assert verdict["exact"] is True
    assert verdict["first_difference"] is None


def test_a_second_run_does_nothing(out: Path) -> None:
    assert scons(out, "demo") == []


def test_two_clean_runs_give_the_same_bytes(out: Path) -> None:
    other = out.with_name("second")
    shutil.rmtree(ROOT / other, ignore_errors=True)
    scons(other, str(other / "firmware" / "build" / "nightjar.elf"))
    for name in (
        "firmware/build/nightjar.elf",
        *(f"bundle/{p.name}" for p in (ROOT / out / "bundle").iterdir()),
    ):
        assert (ROOT / other / name).read_bytes() == (ROOT / out / name).read_bytes(), name


def test_one_changed_label_redoes_what_reads_recordings(out: Path) -> None:
    """Those steps by the recordings' own digests; what follows from them, if what they write is another."""
    data = ROOT / out / "data"
    species = sorted(path for path in data.iterdir() if path.is_dir())
    recording = sorted(species[0].iterdir())[0]
    recording.rename(species[1] / recording.name)
    try:
        assert scons(out, str(out / "work" / "data.sha256")) == []
        assert scons(out, "--dry-run", "demo") == ["train", "quantize", "evaluate"]
    finally:
        (species[1] / recording.name).rename(recording)
