"""What a trial came to, and what is noted of it in the study."""

from dataclasses import dataclass

COMPLETE, PRUNED, FAILED = "complete", "pruned", "failed"
# Attributes of a trial.
CURVE = "curve"  # [epoch, objective while it trained] of each epoch that was judged
DEATHS = "deaths"  # processes in a row that ended over it without a word
MACHINE = "machine"  # which computer took it
MACS, PARAMETERS = "macs", "parameters"
REASON = "reason"  # why it is not complete
CHECKPOINT = "checkpoint"


@dataclass(frozen=True)
class Outcome:
    """The end of a trial: `values` of a complete one, `reason` of another."""

    state: str
    values: tuple[float, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        """For people."""
        told = ("{:.4f}", "{:,.0f} MACs")  # the objective, and where there are two, the size
        came = [form.format(value) for form, value in zip(told, self.values, strict=False)]
        return ", ".join([self.state, *came, *([self.reason] if self.reason else [])])


def pruned(reason: str) -> Outcome:
    """A trial that was ended early, or not begun."""
    return Outcome(PRUNED, reason=reason)
