"""The plots of a study, each a figure of its own."""

from collections.abc import Iterator

from host.report.svg import KINDS, SOFT, plot, svg_of
from model_gen.tuning.result import Found, Trial


def plots(found: Found) -> Iterator[tuple[str, str]]:
    """(what it shows, for people; the figure as SVG)."""
    if any(trial.curve for trial in found.trials):
        yield "Each trial while it trained; dotted: pruned", _curves(found)
    if found.best:
        yield "Each trial that is complete, and the best so far", _course(found)
        if any(trial.macs for trial in found.trials if trial.value is not None):
            yield "Multiply-accumulates of each; joined: none is as small and better", _sizes(found)


def _curves(found: Found) -> str:
    with plot() as axes:
        for trial in found.trials:
            if trial.curve:
                x, y = zip(*trial.curve, strict=True)
                colour, width = _look(found, trial)
                style = ":" if trial.state == "pruned" else "-"
                mark = "." if len(x) == 1 else None
                axes.plot(x, y, style, color=colour, linewidth=width, marker=mark)
        _legend(axes, found)
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"{while_training(found.objective)} on validation")
        return svg_of(axes, "curves", "The objective of each trial over its epochs")


def _course(found: Found) -> str:
    done = [(one.number, one.value) for one in found.trials if one.value is not None]
    best, highest = [], done[0][1]
    for _, value in done:
        highest = max(highest, value)
        best.append(highest)
    with plot() as axes:
        numbers = [number for number, _ in done]
        axes.step(numbers, best, where="post", color=KINDS[0], linewidth=1.8)
        axes.plot(numbers, [value for _, value in done], "o", color=SOFT, markersize=4)
        axes.set_xlabel("trial")
        axes.set_ylabel(found.objective)
        return svg_of(axes, "course", "The objective of each trial by its number")


def _sizes(found: Found) -> str:
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    done = [one for one in found.trials if one.value is not None and one.macs]
    front = sorted((found.trial(n) for n in found.best), key=lambda one: one.macs or 0)
    with plot() as axes:
        for trial in done:
            colour, _ = _look(found, trial)
            axes.plot(trial.macs, trial.value, "o", color=colour, markersize=5)
        axes.plot([o.macs for o in front], [o.value for o in front], color=KINDS[0], linewidth=1)
        if found.budget_macs is not None:
            axes.axvline(found.budget_macs, color=SOFT, linestyle="--", linewidth=1)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(EngFormatter(sep="\u202f"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("multiply-accumulates")
        axes.set_ylabel(found.objective)
        _legend(axes, found)
        return svg_of(axes, "sizes", "The objective of each trial over its multiply-accumulates")


def while_training(objective: str) -> str:
    """What is judged after an epoch, where the objective is found when training has ended."""
    return "ap" if objective == "int8-ap" else objective


def _look(found: Found, trial: Trial) -> tuple[str, float]:
    """Colour and width of a trial's line."""
    if trial.number in found.best:
        return KINDS[0], 1.8
    return (KINDS[1], 1.6) if trial.number == 0 else (SOFT, 0.8)


def _legend(axes: "object", found: Found) -> None:
    names = [("best", KINDS[0]), ("without a search", KINDS[1]), ("others", SOFT)]
    for name, colour in names:
        axes.plot([], [], color=colour, label=name)  # type: ignore[attr-defined]
    axes.legend(loc="best")  # type: ignore[attr-defined]
