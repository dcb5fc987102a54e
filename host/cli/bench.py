"""`nightjar bench`: the cost of each stage and layer on a board."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host.cli.bench_learning import bench_learning, learning_options
from host.cli.bench_tuning import bench_tuning, tuning_options
from host.cli.board_options import board_options
from host.cli.common import json_option, project_option, subcommand, write_json
from host.cli.parameters import Choice, WholeRange
from host.cli.progress import working

if TYPE_CHECKING:
    from host.boards.which import Which

SCHEMA = "nightjar/bench/1"


@subcommand(
    "bench",
    help="Count what the frontend and each layer of MODEL (a bundle folder or a .tflite) cost on a board, beside"
    " their multiply-accumulates. Outputs are checked against the reference: a wrong result has no cost."
    " `nightjar bench engine` does so for every .tflite of a folder, beside the recorded peer, and for single layers"
    " beside the recorded kernels of CMSIS-NN and tflite-micro (which --record-peers counts); with --cost-table it"
    " counts single layers instead, for the prediction of `nightjar profile` (docs/profile.md; some minutes)."
    " MODEL `frontend`: instructions a frame of the frontend itself beside CMSIS-DSP's (downloaded, pinned by hash),"
    " and its throughput on this host beside librosa and SciPy."
    " MODEL `learning`: recipes of training, today's, the field's and the preset's, on speakers that were not heard, at"
    " three placements and over disturbances (docs/learning.md; about an hour)."
    " MODEL `family`: the presets beside each other, float and int8, on speakers that were not heard and on synthetic"
    " birds, with multiply-accumulates and instructions (docs/family.md; about an hour)."
    " MODEL `qat`: what int8 costs the presets, quantized after training and trained for, with paired intervals, on"
    " the same recordings as `family` (docs/qat.md; many hours, and goes on where it was cut off)."
    " MODEL `tuning`: a search on a speaker's digits, and its best trial against the preset's own options on another's"
    " (docs/tuning.md; about an hour).",
)
@click.argument("model", type=click.Path(path_type=Path))
@board_options("virtual, ...")
@click.option("--rounding", default="tflite", type=Choice(["tflite", "tflm"]), show_default=True)
@project_option
@click.option("--seed", default=0, show_default=True, type=WholeRange(min=0), help="Of the input.")
@click.option(
    "--models",
    default="../shared/data/models",
    show_default=True,
    type=click.Path(path_type=Path),
    help="For `bench engine`: the folder of models.",
)
@click.option(
    "--cost-table",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="For `bench engine`: write what kernels cost, shape by shape; what FILE has already is kept.",
)
@click.option(
    "--record-peers",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="For `bench engine`: count the kernels of CMSIS-NN and tflite-micro, whose checkouts (and gemmlowp's) DIR"
    " holds, and record them as the peers of ours.",
)
@learning_options
@tuning_options
@click.option(
    "--preset",
    "presets",
    multiple=True,
    type=Choice(["release", "april"]),
    help="For `bench family` and `qat`: of this preset alone; several may be given.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="For `bench qat`: add each seed to FILE as soon as it is whole; what FILE has already is kept, and not"
    " measured again.",
)
@click.option(
    "--epochs",
    type=WholeRange(min=1, max=10000),
    help="For `bench family`, `qat` and `tuning`: of every training, instead of the presets'.",
)
@json_option
def command(
    model: Path,
    board: str,
    at: "Which",
    wait: float,
    rounding: str,
    project: Path | None,
    seed: int,
    models: Path,
    cost_table: Path | None,
    record_peers: Path | None,
    presets: tuple[str, ...],
    results: Path | None,
    epochs: int | None,
    trials: int,
    budget_macs: int | None,
    json_path: str | None,
    **learning: Any,
) -> int:
    if results is not None:
        _require("qat", model, "--results", results)
    if record_peers is not None:
        _require("engine", model, "--record-peers", record_peers)
        from host.bench.peer_kernels import record

        record(record_peers)
        return 0
    if cost_table is not None:
        _require("engine", model, "--cost-table", cost_table)
        from host.cli.bench_cost import bench_cost

        return bench_cost(cost_table, json_path)
    if str(model) == "engine" and not model.exists():
        return _engine(models, at, wait, rounding, seed, json_path)
    if str(model) == "frontend" and not model.exists():
        from host.cli.bench_frontend import bench_frontend

        return bench_frontend(json_path)
    if str(model) == "family" and not model.exists():
        from host.cli.bench_family import bench_family

        return bench_family(
            json_path,
            data_path=learning["data_path"],
            tests=learning["speakers"],
            presets=presets,
            epochs=epochs,
        )
    if str(model) == "qat" and not model.exists():
        from host.cli.bench_qat import bench_qat

        return bench_qat(
            json_path,
            results_path=results,
            data_path=learning["data_path"],
            tests=learning["speakers"],
            seeds=learning["seeds"],
            presets=presets,
            epochs=epochs,
        )
    if str(model) == "tuning" and not model.exists():
        return bench_tuning(
            json_path,
            data_path=learning["data_path"],
            tests=learning["speakers"],
            seeds=learning["seeds"],
            epochs=epochs,
            trials=trials,
            budget_macs=budget_macs,
        )
    if str(model) == "learning" and not model.exists():
        return bench_learning(json_path, **learning)
    from host.bench.cost import BenchRow, bench_json, require_exact, table
    from host.compare.macs import macs_of
    from host.compare.prepare import prepare
    from host.compare.prove import prove
    from host.compare.session import Session

    _require_counting(board)
    with working(f"making firmware of {model.name}") as now:
        subject, made = prepare(model, board, rounding=rounding, project=project)
        verdict = prove(
            Session(made, subject, board, vectors=1, seed=seed, wait=wait, at=at), now=now
        )
    require_exact(verdict, next_step=f"nightjar verify {model} --board {board}")
    macs = macs_of(subject.model, verdict.backend, [layer.bytes for layer in verdict.layers])
    rows = (
        []
        if verdict.cost.frontend is None
        else [BenchRow("frontend", "FRONTEND", verdict.cost.frontend, 0)]
    )
    rows += [
        BenchRow(layer.name, layer.op, layer.instructions or 0, count)
        for layer, count in zip(verdict.layers, macs, strict=True)
    ]
    assert verdict.cost.model is not None
    payload = bench_json(verdict, rows, sum(macs))
    write_json(json_path, payload)
    table(rows, verdict, sum(macs), to_stderr=json_path == "-")
    return 0


def _require(wanted: str, model: Path, option: str, value: Path) -> None:
    from host.errors import BadInput

    if str(model) != wanted:
        raise BadInput(
            f"{option} is of `bench {wanted}` alone",
            evidence=f"Received: {model} and {option} {value}",
            next_step=f"nightjar bench {wanted} {option} {value}",
        )


def _require_counting(board: str) -> None:
    from host.boards.tiers import tier_of
    from host.errors import BadInput

    if not tier_of(board).counts:
        raise BadInput(
            "this board counts nothing",
            evidence=f"Received: --board {board}, whose cost unit is none",
            next_step="use --board virtual",
        )


def _engine(
    models: Path, at: "Which", wait: float, rounding: str, seed: int, json_path: str | None
) -> int:
    """Every model of the folder that backend cm55 takes, proved and counted, beside the recorded peer."""
    from host.bench.cost import require_exact
    from host.bench.engine import (
        EngineRow,
        Refusal,
        engine_json,
        engine_lines,
        expected_of,
        peer_of,
    )
    from host.bench.peer_kernels import kernel_lines, kernel_rows, kernels_json
    from host.cli.common import say
    from host.compare.macs import count_macs
    from host.compare.prepare import prepare
    from host.compare.prove import prove
    from host.compare.session import Session
    from host.errors import BadInput

    board = at.tier
    _require_counting(board)
    files = sorted(models.glob("*.tflite"))
    if not files:
        raise BadInput(
            "the folder holds no .tflite",
            evidence=f"Received: --models {models}",
            next_step="name a folder of models with --models",
        )
    rows: list[EngineRow] = []
    refusals: list[Refusal] = []
    for number, file in enumerate(files):
        with working(f"model {number + 1} of {len(files)}, {file.name}"):
            try:
                subject, made = prepare(file, board, rounding=rounding)
                verdict = prove(
                    Session(made, subject, board, vectors=1, seed=seed, wait=wait, at=at)
                )
            except BadInput as error:  # by the generator, or by the reference
                refusals.append(Refusal(file.stem, error.what))
                continue
        require_exact(verdict, next_step=f"nightjar verify {file} --board {board}")
        assert verdict.cost.model is not None
        macs = sum(count_macs(subject.model, [layer.bytes for layer in verdict.layers]))
        found = verdict.footprint
        rows.append(
            EngineRow(
                file.stem,
                macs,
                verdict.cost.model,
                found.engine_flash,
                found.arena,
                peer_of(macs),
                expected_of(file.read_bytes()),
            )
        )
    if not rows:
        raise BadInput(
            "none of the models can be taken",
            evidence="Received: " + "; ".join(f"{one.model}: {one.what}" for one in refusals),
            next_step="name a folder of full-int8 models with --models",
        )
    with working("single kernels beside their peers"):
        kernels = kernel_rows()
    write_json(json_path, engine_json(rows, refusals, board) | kernels_json(kernels))
    for line in (*engine_lines(rows, refusals), *kernel_lines(kernels)):
        say(line, json_path)
    return 0
