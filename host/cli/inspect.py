"""`nightjar inspect`: what is inside a bundle, a .tflite, or what stedgeai made of one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host.cli.common import json_option, say, subcommand, write_json
from host.cli.generating_options import optimize_option
from host.cli.parameters import Choice
from host.errors import BadInput

if TYPE_CHECKING:
    from host.bundle import Subject
    from model_gen.codegen.cm55.report import ModelReport, OpReport


@subcommand(name="inspect")
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.option("--rounding", type=Choice(["tflite", "tflm"]), default="tflite", show_default=True)
@optimize_option
@click.option("--ops", is_flag=True, help="List the ops that backend cm55 takes; without MODEL.")
@json_option
def command(
    model: Path | None, rounding: str, optimize: str | None, ops: bool, json_path: str | None
) -> None:
    """Show what is inside MODEL: the ops with their kernels and costs, the arena over time, and a bundle's contract.

    MODEL may also be a folder that stedgeai wrote, one that `generate --backend neural_art` wrote, or a c_info, a
    network.c or a report: its epochs, its memory pools over time, and what a validation measured.

    Of a model that backend cm55 does not take, the ops are shown, and all that is in the way, each with its next step.
    """
    if ops:
        if model is not None:
            raise click.UsageError("--ops lists the ops of every model: leave MODEL out")
        _list_ops(json_path)
        return
    if model is None:
        raise click.UsageError("Missing argument 'MODEL'.")
    if _is_stedgeais(model):
        from host.cli.inspect_npu import show

        show(model, json_path)
        return
    from dataclasses import asdict

    from host.bundle import load_subject
    from model_gen.codegen.cm55.report import arena_picture, report

    subject = load_subject(model)
    try:
        found = report(subject.model, rounding=rounding, optimize=optimize or "speed")
    except BadInput:
        if not _show_refused(subject, rounding, json_path):
            raise
        return
    contract = None if subject.contract is None else asdict(subject.contract)
    write_json(
        json_path,
        {
            "schema": "nightjar/inspect/1",
            "model_sha256": subject.model_sha256,
            "contract_sha256": subject.contract_sha256,
            "taken": True,
            **asdict(found),
            "contract": contract,
        },
    )
    say(f"model {subject.model_sha256}", json_path)
    for line in _table(found):
        say(line, json_path)
    for line in arena_picture(found):
        say(line, json_path)
    if contract is not None:
        for line in _contract_lines(contract):
            say(line, json_path)


def _show_refused(subject: "Subject", rounding: str, json_path: str | None) -> bool:
    """Show the ops of a model that is not taken, and why; False where no op nor port is in the way."""
    from dataclasses import asdict

    from model_gen.codegen.cm55.refused import refused_report

    found = refused_report(subject.model, rounding=rounding)
    if not found.findings:
        return False
    write_json(
        json_path,
        {
            "schema": "nightjar/inspect/1",
            "model_sha256": subject.model_sha256,
            "contract_sha256": subject.contract_sha256,
            "taken": False,
            **asdict(found),
        },
    )
    say(f"model {subject.model_sha256}", json_path)
    for line in _op_lines(found.ops):
        say(line, json_path)
    count = len(found.findings)
    say(f"backend cm55 does not take it: {count} finding{'s' if count > 1 else ''}", json_path)
    for one in found.findings:
        for line in one.lines():
            say(f"  {line}", json_path)
    return True


def _list_ops(json_path: str | None) -> None:
    from dataclasses import asdict

    from model_gen.codegen.cm55.op_list import listed_ops

    listed = listed_ops()
    write_json(json_path, {"schema": "nightjar/ops/1", "ops": [asdict(one) for one in listed]})
    for one in listed:
        say(f"{one.name:<30} {one.how:<13} {one.note}".rstrip(), json_path)


def _is_stedgeais(path: Path) -> bool:
    """Whether it is what stedgeai wrote, rather than a model or a bundle, which is told by its contract."""
    from host.bundle import CONTRACT
    from model_gen.codegen.neural_art.told import is_told

    return not (path / CONTRACT).exists() and is_told(path)


def _op_lines(ops: "tuple[OpReport, ...]") -> list[str]:
    lines = [
        f"{'op':>4} {'name':<18} {'kernel':<24} {'output':<18} {'MACs':>12} {'bytes':>8} "
        f"{'constants':>10}  rule"
    ]
    for op in ops:
        shape = "x".join(map(str, op.shape)) or "scalar"
        lines.append(
            f"{op.index:>4} {op.name:<18} {op.kernel:<24} {shape:<18} {op.macs:>12,} {op.bytes:>8,} "
            f"{op.constant_bytes:>10,}  {op.rule or '-'}"
        )
    return lines


def _table(found: "ModelReport") -> list[str]:
    lines = _op_lines(found.ops)
    lines.append(
        f"{found.steps} steps, {found.macs:,} MACs, {found.constant_bytes:,} bytes of constants, "
        f"arena {found.arena_bytes:,} bytes (peak of live tensors {found.peak_bytes:,})"
    )
    lines += _packed_lines(found)
    lines.append(f"alive at the arena's peak, step {found.peak_step}:")
    for live in found.peak:
        place = live.name if live.op is None else f"op {live.op}, {live.name}"
        lines.append(f"{live.bytes:>12,} bytes  {place}{' (scratch)' if live.scratch else ''}")
    return lines


def _packed_lines(found: "ModelReport") -> list[str]:
    """What packed weights save in flash, layer by layer, and what they cost."""
    packed = [(op, op.packed) for op in found.ops if op.packed is not None]
    if not packed:
        return []
    lines = [
        "weights packed in flash:",
        f"{'op':>4} {'bytes':>10} {'packed':>10} {'of them':>8} {'instructions':>13} {'a MAC':>7}",
    ]
    lines += [
        f"{op.index:>4} {one.unpacked:>10,} {one.packed:>10,} {one.packed / one.unpacked:>8.1%} "
        f"{one.instructions:>13,} {one.instructions / max(op.macs, 1):>7.2f}"
        for op, one in packed
    ]
    return lines


def _contract_lines(contract: dict[str, Any]) -> list[str]:
    frontend = contract["frontend"]
    lines = ["contract:"]
    lines += [f"  {name}: {value}" for name, value in frontend.items()]
    lines.append(f"  labels: {', '.join(contract['labels'])}")
    for name in ("input", "output", "output_activation", "rounding", "tools", "quality"):
        lines.append(f"  {name}: {contract[name]}")
    budget = contract["npu_budget"]
    if budget is not None:
        lines.append(f"  npu_budget, dialect {budget['dialect']}, {budget['tool']}:")
        lines += [f"    op {op}: {one}" for op, one in budget["layers"].items()]
    return lines
