"""The report of a study as one self-contained HTML page."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from host import __version__
from host.report.html import Fact, environment
from host.report.tuning_plots import plots
from host.results import write_result
from model_gen.training.option import flag, one_shown, shown
from model_gen.training.presets import table
from model_gen.tuning.result import Found, Trial

TEMPLATE = "tuning.html.j2"


@dataclass(frozen=True)
class Share:
    """How much an option mattered; `width` in percent of the one that mattered most."""

    name: str
    range: str
    share: str
    width: str


@dataclass(frozen=True)
class Row:
    """One trial of the table; `mark` is what stands out of it."""

    number: int
    state: str
    mark: str
    drawn: str
    value: str
    macs: str
    seconds: str


def write_tuning_html(path: Path, found: Found) -> None:
    """Write the page whole or not at all."""
    write_result(path, render(found).encode())


def render(found: Found) -> str:
    """The page as text; the same study gives the same page."""
    return (
        environment()
        .get_template(TEMPLATE)
        .render(
            found=found,
            version=__version__,
            head=_head(found),
            tiles=list(_tiles(found)),
            plots=[(caption, Markup(svg)) for caption, svg in plots(found)],
            shares=list(_shares(found)),
            best=[_best(found.trial(number)) for number in found.best],
            rows=[_row(found, trial) for trial in found.trials],
            facts=list(_facts(found)),
        )
    )


def _head(found: Found) -> str:
    if not found.best:
        return "no trial is complete yet"
    if found.pareto:
        return f"{len(found.best)} models, none as small and better than another"
    best = found.trial(found.best[0])
    return f"trial {best.number} is best: {found.objective} {best.value:.4f}"


def _tiles(found: Found) -> Iterator[tuple[str, str]]:
    """(figure, what it is)."""
    without = next((t.value for t in found.trials if t.number == 0), None)
    if without is not None:
        yield f"{without:.4f}", f"{found.objective} without a search, trial 0"
    for state in ("complete", "pruned", "failed", "running"):
        if found.count(state):
            yield str(found.count(state)), f"trials {state}"


def _shares(found: Found) -> Iterator[Share]:
    most = max(found.importance.values(), default=0.0) or 1.0
    for name, share in found.importance.items():
        yield Share(flag(name), _range(name, found), f"{share:.3f}", f"{100 * share / most:.1f}")


def _range(name: str, found: Found) -> str:
    search = found.space[name]
    if table()[name].kind is not float:
        return shown(search)
    log = ", by its logarithm" if search[-1] == "log" else ""
    return f"{one_shown(search[0])} to {one_shown(search[1])}{log}"


def _best(trial: Trial) -> Fact:
    return Fact(f"trial {trial.number}", trial.options or "nothing drawn", mono=True)


def _row(found: Found, trial: Trial) -> Row:
    mark = "best" if trial.number in found.best else ""
    if trial.number == 0:
        mark = f"{mark}, without a search".removeprefix(", ")
    drawn = ", ".join(
        f"{flag(name)[2:]} {value:.3g}"
        if isinstance(value, float)
        else f"{flag(name)[2:]} {one_shown(value)}"
        for name, value in trial.drawn.items()
    )
    return Row(
        number=trial.number,
        state=trial.state,
        mark=mark,
        drawn=f"{trial.reason}: {drawn}" if trial.reason else drawn,
        value="-" if trial.value is None else f"{trial.value:.4f}",
        macs="-" if trial.macs is None else f"{trial.macs:,}".replace(",", "\u202f"),
        seconds="-" if trial.seconds is None else f"{trial.seconds:.0f}",
    )


def _facts(found: Found) -> Iterator[Fact]:
    yield Fact("objective", f"{found.objective} on validation, highest first")
    if found.pareto:
        yield Fact("second objective", "multiply-accumulates, least first")
    if found.budget_macs is not None:
        yield Fact("budget", f"{found.budget_macs:,} multiply-accumulates".replace(",", "\u202f"))
    yield Fact("pruner", found.pruner)
    yield Fact(
        "importance",
        "PED-ANOVA over the complete trials: how far the better half of them drew otherwise",
    )
