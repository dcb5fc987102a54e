"""A repository of somebody's own, with Nightjar installed from its wheel: nothing of the checkout is seen there."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from host.boards.virtual_n6.build import sources_digest
from host.cache import cache_root
from model_gen.codegen.testing.net import make_net

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow
OURS = ("nightjar", "__editable__", "__pycache__", "distutils-precedence")


def run(*command: object, where: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Own:
    """A user's repository, and the Python of an environment whose packages nobody may write."""

    folder: Path
    python: Path
    environment: dict[str, str]

    @property
    def packages(self) -> Path:
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        return self.python.parents[1] / "lib" / version / "site-packages"

    def run(self, *command: object, **environment: str) -> str:
        given = {**self.environment, **environment}
        return run(self.python, *command, where=self.folder, environment=given)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a copy: nothing is left in the checkout."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, source / name)
    for name in ("host", "model_gen", "firmware", "hil_tests"):
        caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=caches, copy_function=shutil.copyfile)
    code = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    run(sys.executable, "-c", code, dist, where=source)
    (made,) = dist.glob("nightjar-*.whl")
    return made


@pytest.fixture(scope="module")
def own(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """An environment with the wheel, beside the packages of this one without ours.

    The caches are those of the other tests: what they hold is not computed again.
    """
    home = tmp_path_factory.mktemp("a user's Plätze")
    run(sys.executable, "-m", "venv", "--without-pip", home / "venv", where=home)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        **{"HOME": str(home), "TMPDIR": str(home), "NIGHTJAR_CACHE": str(cache_root())},
    }
    made = Own(home / "repository", home / "venv" / "bin" / "python", environment)
    pip = (sys.executable, "-m", "pip", "--python", made.python, "--disable-pip-version-check")
    run(*pip, "install", "-q", "--no-deps", "--no-compile", wheel, where=home)
    others = home / "others"
    others.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(OURS):
            (others / entry.name).symlink_to(entry)
    (made.packages / "others.pth").write_text(f"{others}\n")
    (made.python.parent / "ninja").symlink_to(
        shutil.which("ninja") or Path(sys.executable).parent / "ninja"
    )
    shutil.copytree(ROOT / "examples" / "own-repository", made.folder)
    (made.folder / "models").mkdir()
    (made.folder / "models" / "birds.tflite").write_bytes(make_net(1).tflite())
    folders = [made.packages, *(path for path in made.packages.rglob("*") if path.is_dir())]
    folders = [path for path in folders if not path.is_symlink()]
    for path in folders:
        path.chmod(0o555)
    before = _files(folders)
    yield made
    # Who tests may be root, whom no mode stops; Python itself keeps its bytecode where it can.
    assert _files(folders) == before
    for path in folders:
        path.chmod(0o755)


def _files(folders: list[Path]) -> list[Path]:
    found = (path for folder in folders for path in folder.iterdir())
    return sorted(path for path in found if path.name != "__pycache__")


def test_nothing_of_the_checkout_is_on_the_path(own: Own) -> None:
    code = "import host, model_gen, hil_tests, sys; print(host.__file__, *sys.path, sep='\\n')"
    module, *path = own.run("-c", code).splitlines()
    assert Path(module).is_relative_to(own.packages)
    assert not [place for place in path if place and Path(place).is_relative_to(ROOT)]


def test_what_only_the_checkout_needs_stays_out(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    wanted = {"host/report/verify.schema.json", "firmware/templates/CMakeLists.txt.jinja"}
    wanted |= {"firmware/core/link/nightjar.cddl", "hil_tests/test_tensors.py"}
    wanted |= {
        "host/boards/virtual_n6/machine/nightjar_n6.c",
        "firmware/boards/virtual/board.cmake",
    }
    assert wanted <= set(names)
    assert not [name for name in names if "__pycache__" in name or "hil_tests/tester" in name]


def test_the_example_runs_and_so_does_the_suite(own: Own) -> None:
    """Its own tests by the plugin's fixtures, on a folder that holds nothing that was made before."""
    little = ("--vectors", "1", "--soak", "2")
    assert "4 passed" in own.run("-m", "pytest", "-q", *little)
    said = own.run("-m", "pytest", "-q", "--pyargs", "hil_tests", *little)
    assert "exit code 0 OK" in said
    hil = ("hil", "--bundle", "models/birds.tflite", "--board", "native")
    said = own.run("-m", "host.entry", *hil, *little, "--junit", "hil.xml")
    assert "EXACT" in said
    assert 'classname="hil_tests.test_tensors"' in (own.folder / "hil.xml").read_text()
    assert (own.folder / "build" / "subjects").is_dir()


def test_the_virtual_n6_finds_its_sources(own: Own) -> None:
    """All that QEMU is built from with our machine: the same bytes as here."""
    code = "from host.boards.virtual_n6.build import sources_digest; print(sources_digest())"
    assert own.run("-c", code).strip() == sources_digest()


@pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="apt-get install gcc-arm-none-eabi qemu-system-arm",
)
def test_firmware_for_a_cortex_m55_is_built_and_judged(own: Own) -> None:
    line = [
        "verify",
        own.folder / "models" / "birds.tflite",
        "--board",
        "virtual",
        "--vectors",
        "1",
    ]
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:  # where nobody holds a `virtual`
        said = own.run("-m", "host.entry", *line, XDG_RUNTIME_DIR=runtime)
    assert "EXACT" in said


def test_what_is_made_for_nobody_goes_to_the_users_cache(own: Own, tmp_path: Path) -> None:
    said = own.run("-m", "host.entry", "cache", XDG_CACHE_HOME=str(tmp_path), NIGHTJAR_CACHE="")
    assert str(tmp_path / "nightjar" / "cache") in said
