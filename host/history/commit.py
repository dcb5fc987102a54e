"""Which commit is being judged: that of the repository which the working folder belongs to."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SECONDS = 20.0  # that a repository may take
# What a pipeline says of a checkout that is on no branch. A pull request's own name is not asked: it may be main.
_BRANCHES = ("GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BUILD_SOURCEBRANCHNAME")


@dataclass(frozen=True)
class Commit:
    """A state of a repository.

    Attributes:
        sha: of its commit, hex; "" where there is no repository, or nothing was committed.
        branch: its name; "" where there is none.
        dirty: whether tracked files are not as they were committed.
    """

    sha: str = ""
    branch: str = ""
    dirty: bool = False


def commit_of(folder: Path, environment: Mapping[str, str] = os.environ) -> Commit:
    """The commit of the repository around `folder`; an empty one without git, or outside of any repository."""
    sha = _git(folder, "rev-parse", "--verify", "-q", "HEAD")
    if not sha:
        return Commit()
    branch = _git(folder, "branch", "--show-current")
    if not branch:
        branch = next((environment[name] for name in _BRANCHES if environment.get(name)), "")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return Commit(sha.strip(), branch.strip(), changed is None or bool(changed.strip()))


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where it fails, or is not there."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=environment,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
