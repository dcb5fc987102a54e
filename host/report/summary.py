"""A verdict in a few lines, and what `make demo` says at its end: what was reached, and where it lies."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from host.backends import NEURAL_ART
from host.coverage.coverage import Share
from host.coverage.table import percent
from host.report.gates import PASSED, beyond_lines, void_lines
from host.report.verdict import Proved, Verdict, ran_on

_MENDED = {
    "crc_errors": "frames damaged",
    "gaps": "frames lost",
    "duplicates": "frames doubled",
    "stale": "answers late",
    "retries": "requests repeated",
}
_BAD = 0.01  # of the frames that come: above, the link is worth a warning


def summary_lines(verdict: Verdict) -> list[str]:
    """What a command says of its verdict."""
    lines = [verdict.headline, f"judge: {verdict.reference}"]
    lines += [one.line for one in verdict.quarantined]
    if verdict.exhibits.folder:
        lines.append(f"to reproduce: {verdict.exhibits.folder}")
    if verdict.proved.npu_budget:
        used = "" if verdict.backend == NEURAL_ART else f", not used by {verdict.backend}"
        lines.append(f"budgets of the NPU{used}: {'; '.join(verdict.proved.npu_budget)}")
    if verdict.finding:
        lines.append(verdict.finding)
    lines += link_lines(verdict.proved)
    if not verdict.passes:
        return lines
    if verdict.tflite is not None:
        lines += verdict.tflite.lines()
    elif verdict.tflite_reason:
        lines.append(f"to TFLite: not compared: {verdict.tflite_reason}")
    if verdict.second is not None:
        lines += verdict.second.lines()
    elif verdict.second_reason:
        lines.append(f"beside the judge: nobody: {verdict.second_reason}")
    if verdict.cost.model is not None:
        cost = f"{verdict.cost.model:,} {verdict.proved.cost_unit} an inference"
        if verdict.cost.frontend is not None:
            cost += f", {verdict.cost.frontend:,} for its frontend"
        footprint = verdict.footprint
        if verdict.cost.model_us is not None:
            whole = verdict.cost.model_us + (verdict.cost.frontend_us or 0)
            clock = verdict.proved.measured_clock
            cost += f": {whole:,.0f} us" + (f" at {clock.hz / 1e6:.4g} MHz" if clock else "")
        lines.append(f"cost: {cost}; flash {footprint.flash:,} bytes, RAM {footprint.ram:,}")
    if verdict.latency is not None and verdict.proved.cost_unit == "cycles":
        taken = verdict.latency
        lines.append(
            f"latency: {taken.minimum:,} at least, {taken.median:,.0f} in the middle, {taken.p99:,} at the 99th"
            f" percentile of {taken.n} inferences behind {taken.warm_ups} warm-up"
        )
    if verdict.gates:
        passed = sum(one.state == PASSED for one in verdict.gates)
        lines.append(f"gates: {passed} of {len(verdict.gates)} figures are within their limits")
        others = beyond_lines(verdict.gates) + void_lines(verdict.gates)
        lines += [f"  {line}" for line in others]
    if verdict.reach is not None:
        lines.append(verdict.reach.line)
    if verdict.coverage is not None:
        lines.append(_coverage(verdict.coverage.as_json()))
    return lines


def link_lines(proved: Proved) -> list[str]:
    """What was wrong with the link and was mended; nothing where nothing was."""
    counters = proved.link
    counted = [f"{counters[name]:,} {what}" for name, what in _MENDED.items() if counters.get(name)]
    lines = [f"link: {', '.join(counted)}: all of it was mended"] if counted else []
    # What is late is no damage: a busy computer asks again for what it had.
    hurt = counters.get("crc_errors", 0) + counters.get("gaps", 0)
    if hurt > _BAD * max(counters.get("frames_in", 0), 1):
        lines.append(
            f"WARNING: the link is bad: {hurt:,} frames were damaged or lost and {counters.get('frames_in', 0):,} came"
            " whole: check cable, speed and supply"
        )
    if proved.outside:
        lines.append(
            f"outside frames came {counters.get('noise_bytes', 0):,} bytes: {proved.outside!r}"
        )
    return lines


def _coverage(coverage: Mapping[str, Any]) -> str:
    shares = []
    for name in ("code", "constants"):
        share = Share(**coverage[name])
        shares.append(
            f"{percent(share)} of the {name} ({share.reached:,} of {share.bytes:,} bytes)"
        )
    return f"coverage: the vectors reach {' and '.join(shares)}"


def demo_summary(out: Path) -> str:
    """Read the results under `out` (evaluation.json, verify.json, junit.xml) and tell them in a few lines."""
    evaluation = json.loads((out / "evaluation.json").read_text())
    verdict = json.loads((out / "verify.json").read_text())
    lines = ["", *_quality(evaluation), *_verdict(verdict), _suite(out / "junit.xml"), ""]
    for name, what in (
        ("report.html", "the report: open it in a browser"),
        ("evaluation.html", "how good the model is, with curves"),
        ("verify.json", "the verdict"),
        ("junit.xml", "the suite's results"),
        ("bundle/", "the model with its contract"),
        ("firmware/", "the firmware project and its ELF"),
    ):
        lines.append(f"  {out / name!s:32} {what}")
    return "\n".join(lines)


def _quality(evaluation: dict[str, Any]) -> list[str]:
    metrics = evaluation["metrics"]
    lines = [f"held-out recordings  {evaluation['recordings']} ({evaluation['chunks']} chunks)"]
    for kind in ("float", "int8"):
        if kind in metrics:
            best = metrics[kind]["lme"]
            lines.append(
                f"  {kind:5}  macro ROC-AUC {best['roc_auc']:.4f}"
                f"  macro average precision {best['average_precision']:.4f}  top-1 {best['top1']:.3f}"
            )
    return lines


def _verdict(verdict: dict[str, Any]) -> list[str]:
    layers = verdict["layers"]
    observed = [layer for layer in layers if layer["observed"]]
    size = sum(layer["bytes"] for layer in observed) * verdict["vectors"]
    cost, footprint = verdict["cost"], verdict["footprint"]
    costs = [f"{name} {cost[name]:,}" for name in ("frontend", "model") if cost[name] is not None]
    return [
        f"board {ran_on(verdict['board'], verdict.get('tier', ''))}  exact: {json.dumps(verdict['exact'])}  "
        f"{len(observed)} of {len(layers)} tensors, {size:,} bytes over {verdict['vectors']} vectors, "
        f"equal to {verdict['reference']}",
        f"  {verdict['proved']['cost_unit']}  {'  '.join(costs)}"
        if costs
        else "  cost not counted",
        f"  bytes  flash {footprint['flash']:,}  RAM {footprint['ram']:,}  arena {footprint['arena']:,}",
        f"  {_coverage(verdict['coverage'])}"
        if verdict["coverage"]
        else f"  coverage: {verdict['coverage_reason']}",
    ]


def _suite(junit: Path) -> str:
    root = ElementTree.parse(junit).getroot()
    suites = [root] if root.tag == "testsuite" else list(root)
    total = {
        key: sum(int(suite.get(key, 0)) for suite in suites)
        for key in ("tests", "failures", "errors", "skipped")
    }
    passed = total["tests"] - total["failures"] - total["errors"] - total["skipped"]
    counts = ", ".join(f"{total[key]} {key}" for key in ("failures", "errors", "skipped"))
    return f"HIL suite  {passed} passed, {counts}"
