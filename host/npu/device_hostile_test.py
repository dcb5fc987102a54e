"""Bad epochs end by name, and no byte outside of what was lent is touched."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from host.npu.compiled import KERNELS
from host.npu.testing.hostile import Case, cases, end_of
from host.npu.testing.records import DEVICE
from host.npu.testing.units import Device, Refused

ROOT = DEVICE.parents[2]


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case[0])
def test_it_ends_by_name(case: Case) -> None:
    _, build, (status, field) = case
    assert end_of(build) == (status, field)


def test_missing_memory_says_where() -> None:
    device = Device()
    build = {name: build for name, build, _ in cases()}["no memory above"]
    build(device)
    with pytest.raises(Refused) as refused:
        device.run()
    assert refused.value.address == 0x34000000 + 65530


def test_nothing_is_undefined_under_the_sanitizers(tmp_path: Path) -> None:
    """All cases, and three hundred epochs of any bits, under -fsanitize=address,undefined."""
    gcc = shutil.which("gcc")
    assert gcc
    library = tmp_path / "libdevice.so"
    flags = ["-std=c11", "-O1", "-g", "-fPIC", "-shared", "-fno-sanitize-recover=all"]
    flags += ["-fsanitize=address,undefined", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    sources = [str(file) for file in sorted(DEVICE.glob("*.c"))]
    subprocess.run([gcc, *flags, "-o", str(library), *sources], check=True, timeout=120)
    runtimes = [
        subprocess.run(
            [gcc, f"-print-file-name=lib{name}.so"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("asan", "ubsan")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "host.npu.testing.hostile", str(library)],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": " ".join(runtimes), "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr[-3000:]


@pytest.mark.parametrize("folder", ["device", "interface", "software"])
def test_the_sources_compile_without_a_warning(folder: str) -> None:
    gcc = shutil.which("gcc")
    assert gcc
    flags = ["-std=gnu11", "-fsyntax-only", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    flags += ["-D_GNU_SOURCE", "-DNJ_NPU_INSTANCE=1", f"-I{KERNELS}"]
    sources = [str(file) for file in sorted((DEVICE.parent / folder).glob("*.c"))]
    done = subprocess.run(
        [gcc, *flags, *sources], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
