"""`nightjar lint`: what the NPU will get wrong, by how much, and what to change."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host.cli.common import json_option, say, subcommand, write_json
from host.cli.parameters import Choice, WholeRange

if TYPE_CHECKING:
    from host.npu.linting import Opened
    from model_gen.codegen.neural_art.lint.finding import Finding, Rule

_NEVER = "never"


@subcommand("lint", short_help="Say what the NPU will get wrong, and what to change.")
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="Beside a network.c: the bundle or .tflite that it was compiled from, where it is not "
    "with it.",
)
@click.option(
    "--inputs",
    type=click.Path(path_type=Path),
    help="Real inputs: .npy [n, *shape] of the input's type, or .npz keyed by input name. A bundle "
    "has its own.",
)
@click.option(
    "--vectors",
    type=WholeRange(min=1),
    help="How many of the inputs.  [default: all; 2 made up where there are none]",
)
@click.option(
    "--dialect",
    type=Choice(["2.1", "2.2", "3.0", "4.0"]),
    help="Of the NPU's compiler, for a model.  [default: 4.0; a network.c has its own]",
)
@click.option(
    "--fail-on",
    type=Choice(["error", "warning", _NEVER]),
    default="error",
    show_default=True,
    help="Exit 20 for findings that are so severe, or worse.",
)
@json_option
def command(
    target: Path,
    model: Path | None,
    inputs: Path | None,
    vectors: int | None,
    dialect: str | None,
    fail_on: str,
    json_path: str | None,
) -> int:
    """Hold TARGET against what goes wrong on the NPU: a .tflite, a bundle, or what stedgeai wrote.

    Each finding says where, how sure it is, from which source, its size in steps of the output, and
    what to change with the predicted result. docs/npu-lint.md lists the rules. Saturation is judged
    on real inputs: those of a bundle, or --inputs.
    """
    from host.exit_codes import Exit
    from host.npu.linting import open_target
    from model_gen.codegen.neural_art.lint import judge
    from model_gen.codegen.neural_art.lint.finding import SEVERITIES
    from model_gen.codegen.neural_art.lint.unjudged import unjudged

    opened = open_target(target, model=model, inputs=inputs, dialect=dialect, count=vectors)
    findings = judge(opened.subject)
    skipped = tuple(unjudged(opened.subject))
    failing = () if fail_on == _NEVER else SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    code = Exit.LINT if any(one.rule.severity in failing for one in findings) else Exit.OK
    for line in _lines(opened, findings, skipped):
        say(line, json_path)
    write_json(json_path, _payload(target, opened, findings, skipped, int(code)))
    return code


def _lines(
    opened: "Opened",
    findings: "tuple[Finding, ...]",
    skipped: "tuple[tuple[Rule, str], ...]",
) -> Iterator[str]:
    from model_gen.codegen.neural_art.lint.finding import SEVERITIES

    yield f"{opened.kind}, dialect {opened.subject.dialect}; inputs: {opened.source}"
    if opened.identity:
        yield opened.identity
    if opened.executor:
        yield f"the executor did not run: {opened.executor}"
    for one in findings:
        hit = one.hit
        size = "" if hit.steps is None else f"; up to {hit.steps:.2f} steps of the output"
        yield f"{one.rule.severity} {one.rule.code} {one.rule.name}: {hit.where}: {hit.says}{size}"
        yield f"    {hit.sure}, from: {hit.source}"
        for remedy in hit.remedies:
            tells = f": {remedy.tells}" if remedy.tells else ""
            yield f"    change: {remedy.change}{tells}"
    for rule, why in skipped:
        yield f"not judged, {rule.code} {rule.name}: {why}"
    counts = Counter(one.rule.severity for one in findings)
    yield ", ".join(f"{counts[one]} {one}{'' if counts[one] == 1 else 's'}" for one in SEVERITIES)


def _payload(
    target: Path,
    opened: "Opened",
    findings: "tuple[Finding, ...]",
    skipped: "tuple[tuple[Rule, str], ...]",
    code: int,
) -> dict[str, Any]:
    subject = opened.subject
    counts = Counter(one.rule.severity for one in findings)
    return {
        "schema": "nightjar/lint/1",
        "target": str(target),
        "kind": opened.kind,
        "dialect": subject.dialect,
        "inputs": {"count": len(subject.inputs), "source": opened.source, "kind": subject.data},
        "identity": opened.identity or None,
        "executor": opened.executor or None,
        "findings": [one.as_json() for one in findings],
        "not_judged": [{"rule": rule.code, "name": rule.name, "why": why} for rule, why in skipped],
        "counts": {name: counts[name] for name in ("error", "warning", "note")},
        "exit_code": code,
    }
