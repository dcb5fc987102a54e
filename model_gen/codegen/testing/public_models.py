"""Quantized .tflite files of public repositories: which are taken, and which of those are exact. None is kept here.

    python -m model_gen.codegen.testing.public_models FOLDER    judge the files of FOLDER that were not run yet
    python -m model_gen.codegen.testing.public_models           print the page docs/public-models.md

FOLDER holds the files as *.tflite and `index.json`: SHA-256 -> {"repo", "path"}. A C array is made a file first. The
list is docs/public-models.json: what `nightjar verify --board native --vectors 2 --seed 7` said of each file under each
rounding rule, on the date beside it. What was run or refused under a rule is not run again: a file that is to be judged
anew is taken out of the list first.
"""

import datetime
import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from host.exit_codes import Exit
from host.files import sha256_bytes
from host.installed import FIRMWARE
from model_gen.codegen.tflite.view import ROUNDINGS

LIST = FIRMWARE.parent / "docs" / "public-models.json"
SCHEMA = "nightjar/public-models/1"
EXACT, DIFFERS = "exact", "differs"
FAILED = "failed"  # neither a verdict nor a refusal
GENERATED = "taken"  # `generate` takes it, and nobody ran it
_TAKEN = {EXACT, DIFFERS, FAILED, GENERATED}
_SECONDS = 1800
_NIGHTJAR = "from host.entry import main; main()"
_JUDGE = ("--board", "native", "--vectors", "2", "--seed", "7", "--quiet")


@dataclass(frozen=True)
class Public:
    """A file and what was said of it, by rounding rule: EXACT, DIFFERS, FAILED, GENERATED, or why it is refused."""

    sha256: str
    repository: str
    path: str
    bytes: int
    date: str
    said: dict[str, str] = field(default_factory=dict)

    @property
    def taken(self) -> bool:
        """Under one rule at least."""
        return bool(_TAKEN & set(self.said.values()))

    @property
    def exact(self) -> bool:
        """Under every rule under which it was run, one at least."""
        said = set(self.said.values())
        return EXACT in said and not {DIFFERS, FAILED} & said


def read() -> list[Public]:
    """The list, in the order of repositories and paths."""
    return [Public(**one) for one in json.loads(LIST.read_text())["models"]]


def write(models: list[Public]) -> None:
    """The list, one file a line."""
    rows = sorted(models, key=lambda one: (one.repository, one.path, one.sha256))
    lines = ",\n".join(json.dumps(asdict(one)) for one in rows)
    LIST.write_text(f'{{"schema": "{SCHEMA}", "models": [\n{lines}\n]}}\n')


def judge(path: Path, rounding: str) -> str:
    """What `verify` says of a file."""
    command = [sys.executable, "-c", _NIGHTJAR, "verify", str(path), *_JUDGE]
    command += ["--rounding", rounding, "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode == Exit.INPUT:
        return reason(json.loads(done.stderr.splitlines()[-1]))
    return {Exit.OK: EXACT, Exit.FIRMWARE: DIFFERS}.get(Exit(done.returncode), FAILED)


def reason(error: dict[str, Any]) -> str:
    """A refusal in one line: the ops and why of its first finding, and how many more there are."""
    findings = error.get("findings") or []
    if not findings:
        return f"{error['what']} ({error['evidence'][-160:]})"
    first = findings[0]
    name = f"{first['name']}: " if first["name"] else ""
    more = f", and {len(findings) - 1} more findings" if len(findings) > 1 else ""
    return f"{name}{first['why']}{more}"


def unjudged(known: Public | None) -> list[str]:
    """The rounding rules under which a file was neither run nor refused yet."""
    said = known.said if known else {}
    return [rounding for rounding in ROUNDINGS if said.get(rounding, GENERATED) == GENERATED]


def judge_folder(folder: Path) -> None:
    """Judge what was not run yet, and write the list after each file."""
    models = {one.sha256: one for one in (read() if LIST.exists() else [])}
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    origins = json.loads((folder / "index.json").read_text())
    for path in sorted(folder.glob("*.tflite"), key=lambda file: file.stat().st_size):
        content = path.read_bytes()
        digest = sha256_bytes(content)
        known = models.get(digest)
        if digest not in origins or not unjudged(known):
            continue
        origin = origins[digest]
        said = {rounding: judge(path, rounding) for rounding in unjudged(known)}
        models[digest] = (
            replace(known, date=today, said=known.said | said)
            if known
            else Public(digest, origin["repo"], origin["path"], len(content), today, said)
        )
        write(list(models.values()))


def summary(models: list[Public]) -> str:
    """The list in a sentence, as its page and the README say it."""
    taken = sum(one.taken for one in models)
    exact = [one for one in models if one.exact]
    both = sum(
        set(one.said.values()) == {EXACT} and len(one.said) == len(ROUNDINGS) for one in exact
    )
    return (
        f"{len(models)} files of {len({one.repository for one in models})} repositories: {taken} taken, {len(exact)} "
        f"of them exact wherever they were run ({both} under both rounding rules), "
        f"{len(models) - taken} refused by name."
    )


def page(models: list[Public]) -> str:
    """docs/public-models.md."""
    taken = [one for one in models if one.taken]
    counts = Counter(one.repository for one in models)
    mine = Counter(one.repository for one in taken)
    exact = Counter(one.repository for one in models if one.exact)
    lines = [
        *_TITLE,
        summary(models),
        "",
        "| repository | files | taken | exact |",
        "|---|---:|---:|---:|",
        *(f"| {name} | {counts[name]} | {mine[name]} | {exact[name]} |" for name in sorted(counts)),
        "",
        "| file | SHA-256 | bytes | " + " | ".join(f"`{one}`" for one in ROUNDINGS) + " | date |",
        "|---|---|---:|" + "---|" * (len(ROUNDINGS) + 1),
    ]
    for one in models:
        said = " | ".join(_cell(one.said.get(rounding, "")) for rounding in ROUNDINGS)
        lines.append(
            f"| {one.repository} {one.path} | {one.sha256[:12]} | {one.bytes:,} | {said} | {one.date} |"
        )
    return "\n".join([*lines, ""])


def _cell(said: str) -> str:
    text = said if not said or said in _TAKEN else f"refused: {said}"
    return " ".join(text.replace("|", "/").split())


_TITLE = (
    "# Quantized models of public repositories",
    "",
    "Int8 .tflite files that lie in public repositories: what `nightjar verify --board native --vectors 2 --seed 7`",
    "said of each under both rounding rules; *taken* where only `nightjar generate` was asked. The files are not kept",
    "here; a path that ends in .c, .cc, .cpp or .h is that of a C array, which was made a file. The list is",
    "public-models.json; `python -m model_gen.codegen.testing.public_models FOLDER` judges the files of a folder that",
    "were not run yet, and without FOLDER prints this page.",
    "",
)

if __name__ == "__main__":
    if len(sys.argv) > 1:
        judge_folder(Path(sys.argv[1]))
    else:
        print(page(read()), end="")
