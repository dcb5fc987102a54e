"""`nightjar npu`: which tensors the NPU changes, by how many steps, and why."""

from pathlib import Path

import click
from click.core import ParameterSource

from host.cli.common import (
    force_option,
    json_option,
    result_option,
    say,
    subcommand,
    write_json,
)
from host.cli.parameters import Choice, WholeRange
from host.errors import BadInput, Incomplete, RegressionFailure

_WITH_PROBES = {"--probe", "--out", "--session"}
_ANYWHERE = {"--dialect", "--force", "--json", "--quiet", "--verbose"}


@subcommand(
    "npu",
    short_help="Show which tensors the NPU changes, by how much, and why.",
)
@click.argument("where", metavar="[DIR_OR_MODEL]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="Beside a DIR: the bundle or .tflite that it was generated from, where it is not in it.",
)
@click.option(
    "--dialect",
    type=Choice(["2.1", "2.2", "3.0", "4.0"]),
    help="Of the NPU's compiler, by stedgeai's version.  [default: that of DIR; of --probe 4.0; a model needs one]",
)
@click.option(
    "--vectors",
    type=WholeRange(min=1),
    help="How many; more than there are are drawn.  [default: the bundle's own, or 8 drawn]",
)
@click.option(
    "--seed", default=0, show_default=True, type=WholeRange(min=0), help="Of drawn vectors."
)
@click.option(
    "--inputs",
    type=click.Path(path_type=Path),
    help="Compare on these: .npy [n, *shape] of the input's dtype, or .npz keyed by input name.",
)
@click.option(
    "--ties",
    default="half-away",
    show_default=True,
    type=Choice(["half-away", "half-up", "half-even", "half-down", "half-toward-zero"]),
    help="How the NPU rounds ties; silicon does as the default.",
)
@click.option(
    "--virtual", is_flag=True, help="Run a DIR's network on a virtual Cortex-M55, as the chip has."
)
@click.option(
    "--runtime",
    type=click.Path(path_type=Path),
    metavar="ST",
    help="The same, with the software epochs of ST's installation in this folder.",
)
@click.option(
    "--max-steps",
    type=WholeRange(min=0),
    help="Exit 16 when a layer differs by more on its own inputs, 18 when one was not judged.",
)
@result_option("--save", text="Write the NPU's tensors: .npz, one array a tensor.")
@result_option("--html", "html_path", text="Write a page, too.")
@click.option(
    "--budget",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Folder of a new bundle, with the steps that each layer may differ by.",
)
@click.option(
    "--probe",
    "probing",
    is_flag=True,
    help="Tiny networks that ask what is open: print what silicon must answer under each hypothesis.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="With --probe: write the networks, their inputs, the commands and what is foretold.",
)
@click.option(
    "--session",
    "sessions",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --probe DIR: an answer, a recorded session or NAME.npy; may be given again.",
)
@force_option
@json_option
def command(
    where: Path | None,
    model: Path | None,
    dialect: str | None,
    vectors: int | None,
    seed: int,
    inputs: Path | None,
    ties: str,
    virtual: bool,
    runtime: Path | None,
    max_steps: int | None,
    save: Path | None,
    html_path: Path | None,
    budget: Path | None,
    probing: bool,
    out: Path | None,
    sessions: tuple[Path, ...],
    force: bool,
    json_path: str | None,
) -> int:
    """Compare each layer of the NPU with TFLite's reference kernels.

    DIR is a folder that stedgeai or `nightjar generate --backend neural_art` wrote: its network.c
    is executed. A bundle or a .tflite is predicted instead, without any tool of ST's. Each layer is
    judged on the NPU's own inputs, which shows its own fault, and end to end. Without --max-steps
    exit 0 when it compared, whatever differs.

    With --probe nothing is compared: it prints or writes networks that ask a board what nobody
    knows of the NPU, and reads the answers. Exit 0 when all are as the virtual NPU computes.
    """
    _check_together(click.get_current_context(), where, probing=probing)
    if probing:
        from host.cli.npu_probe import probe

        return probe(where, dialect, out, sessions, force=force, json_path=json_path)
    assert where is not None
    from host.cli.progress import working
    from host.exit_codes import Exit
    from host.npu.board.runtime import Runtime
    from host.npu.board.virtual import VirtualBoard
    from host.npu.comparison.budget import budgets, check_apart, require_bundle, write_budget
    from host.npu.comparison.compare import MOST_NAMED, compare
    from host.npu.comparison.payload import Report, payload
    from host.npu.comparison.saved import Kept
    from host.npu.comparison.subject import ask
    from host.npu.comparison.table import lines
    from host.npu.comparison.vectors import choose
    from host.owned import check_replaceable
    from host.results import write_result

    kept = Kept()
    board = VirtualBoard(None if runtime is None else Runtime(runtime))
    with working("opening the network") as now:
        asked = ask(
            where,
            model=model,
            dialect=dialect,
            rule=ties,
            board=board if virtual or runtime is not None else None,
        )
        try:
            subject, side = asked.subject, asked.side
            if budget is not None:
                require_bundle(subject)
                check_apart(budget, [one for one in (where, model, inputs) if one is not None])
                check_replaceable(budget, force=force)
            chosen = choose(subject, side.model.graph, inputs=inputs, count=vectors, seed=seed)
            contract = subject.contract
            found = compare(
                side,
                subject.model,
                chosen.vectors,
                activation="none" if contract is None else contract.output_activation,
                seen=(lambda _: None) if save is None else kept.add,
                now=now,
            )
        finally:
            asked.side.close()
    report = Report(
        str(where),
        subject.model_sha256,
        subject.contract_sha256,
        chosen.source,
        found,
        budgets(found),
        None if contract is None else contract.npu_budget,
        max_steps,
    )
    gate = {Exit.REGRESSION: report.above, Exit.INCOMPLETE: report.not_judged}
    code = next((one for one, layers in gate.items() if layers), Exit.OK)
    if budget is not None:
        write_budget(subject, report.budgets, budget, force=force)
    if save is not None:
        write_result(save, kept.npz())
    if html_path is not None:
        from host.report.npu_html import write_npu_html

        write_npu_html(html_path, report)
    write_json(json_path, payload(report, code))
    for line in lines(report):
        say(line, json_path)
    if report.above:
        worst = max(report.above, key=lambda layer: layer.forced.largest)
        others = f", and {len(report.above) - 1} more layers" if len(report.above) > 1 else ""
        raise RegressionFailure(
            f"op {worst.op}, {worst.name} differs from TFLite by {worst.forced.largest} steps on "
            f"the NPU's own inputs{others}",
            evidence=f"Received: --max-steps {max_steps}; cause: "
            + ("" if worst.cause is None else f"{worst.cause.text}: {worst.cause.evidence}"),
            next_step="see the table; `nightjar lint` says what to change",
        )
    if report.not_judged:
        names = dict.fromkeys(f"op {one.op}, {one.name}" for one in report.not_judged)
        few = list(names)[:MOST_NAMED]
        more = f", and {len(names) - len(few)} more" if len(names) > len(few) else ""
        raise Incomplete(
            f"no layer above {max_steps} steps, but not judged: {'; '.join(few)}{more}",
            evidence=f"Received: --max-steps {max_steps}; a layer that cannot be seen, not even with a later one, "
            "or floats that differ without bytes behind them",
            next_step="see the table; leave --max-steps out to compare what can be seen",
        )
    return code


def _check_together(context: click.Context, where: Path | None, *, probing: bool) -> None:
    """Refuse options of the comparison with --probe, and those of --probe without it.

    Raises:
        BadInput: one was given, or there is nothing to compare.
    """
    given = {
        max(param.opts, key=len)
        for param in context.command.params
        if isinstance(param, click.Option)
        and context.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE
    }
    wrong = given - _WITH_PROBES - _ANYWHERE if probing else given & _WITH_PROBES
    if wrong:
        raise BadInput(
            "--probe compares no network"
            if probing
            else "--out and --session go with --probe: they are of its networks",
            evidence=f"Received: {', '.join(sorted(wrong))}",
            next_step="see `nightjar npu --help`",
        )
    if where is None and not probing:
        raise BadInput(
            "a folder, a bundle or a .tflite must be given",
            evidence="Received: none",
            next_step="`nightjar npu DIR_OR_MODEL`, or `nightjar npu --probe`",
        )
