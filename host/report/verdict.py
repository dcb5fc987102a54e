"""The verdict: what was proved about which firmware, and the JSON `nightjar/verify/1`."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from host.backends import NEURAL_ART
from host.boards.kinds import NOT_SEEN, SILICON
from host.coverage.coverage import Coverage
from host.exit_codes import Exit
from host.printable import printable
from host.report.attempt import FailedAttempt
from host.report.finding import finding
from host.report.gates import Judged
from host.report.quarantined import Quarantined
from host.report.reach import Reach
from host.report.second import SecondOpinion
from host.report.tflite import TfliteVerdict

if TYPE_CHECKING:
    from host.coverage.covered import Covered

NOT_COUNTED = "not counted: only an exact verdict says how much it proves"
SCHEMA = "nightjar/verify/1"
SCHEMA_FILE = Path(__file__).with_name("verify.schema.json")


@dataclass(frozen=True)
class NotApplicable:
    """What a session does not ask, because there is nothing to ask."""

    what: str
    reason: str


@dataclass(frozen=True)
class FirstDifference:
    """The first tensor that differs: the earliest on the way of the data, then the lowest vector.

    `layer` is the index of the op, None for what lies outside the layers: op FRONTEND (the spectrogram), INPUT (the
    model's int8 input), OUTPUT (the scores as sent) and RUN (repeated or untapped runs). `index` is empty and `got` and
    `want` are None where there is no element to show. `part` is what a layer is called; of an "epoch" of the NPU,
    `layer` is the number, and op EPOCH says that its tensor is none of the model's.
    """

    vector: int
    layer: int | None
    name: str
    op: str
    index: tuple[int, ...]
    got: int | float | str | None
    want: int | float | str | None
    differing: int
    max_steps: int
    cause: str
    part: str = "layer"


@dataclass(frozen=True)
class LayerVerdict:
    """One op output, or one buffer that an epoch of the NPU finishes, over all vectors.

    `instructions` is None on a board that counts nothing.
    """

    index: int
    name: str
    op: str
    bytes: int
    observed: bool
    reason: str
    differing: int
    max_steps: int
    instructions: int | None


@dataclass(frozen=True)
class CostVerdict:
    """One untapped inference, largest over the vectors; None where there is no such stage, or nothing is counted.

    The same in microseconds, by the core's measured clock, where cycles are counted; else None.
    """

    frontend: int | None
    model: int | None
    frontend_us: float | None = None
    model_us: float | None = None


@dataclass(frozen=True)
class LatencyVerdict:
    """Untapped inferences, frontend and model together, each on a vector of its own, in the unit of costs.

    The first `warm_ups` are dropped and `n` are left. `p99` is the 99th percentile by nearest rank.
    """

    n: int
    warm_ups: int
    minimum: int
    median: float
    p99: int


@dataclass(frozen=True)
class FootprintVerdict:
    """Bytes. `stack` is the largest measured use, or the linker's reserve where it cannot be measured."""

    flash: int
    engine_flash: int
    ram: int
    arena: int
    stack: int


@dataclass(frozen=True)
class MeasuredClock:
    """What a core's counter counts in a second of the host's time, in Hz; the bounds that the link's delays leave."""

    hz: float
    least: float
    most: float


@dataclass(frozen=True)
class Proved:
    """Which firmware answered, and by what means."""

    contract_sha256: str
    elf_sha256: str
    protocol: int
    compiler: str
    rounding: str
    cost_unit: str
    tapped_runs: int
    untapped_runs: int
    digests: int  # how many digests of tensors were compared
    link: dict[str, int]  # counters of the link
    outside: str = ""  # text that came outside frames, the last of it
    uid: str = ""  # unique id of the chip, hex
    clocks: tuple[int, ...] = ()  # Hz, as its registers say, the core's first
    measured_clock: MeasuredClock | None = None  # of the core
    caches: int = 0  # bit 0: instructions, bit 1: data
    placement: dict[str, str] = field(default_factory=dict)  # memory of each section of the ELF
    npu_budget: tuple[str, ...] = ()  # of the bundle: what backend neural_art may differ by


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """float32 [bins, frames] of one vector, as host and board computed it; the board's was read back over the link."""

    vector: int
    host: npt.NDArray[np.float32]
    board: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Exhibits:
    """What a page shows beside the figures; not part of the JSON."""

    spectrograms: tuple[Spectrogram, ...] = ()
    steps: npt.NDArray[np.int64] | None = (
        None  # how far each element of the first difference is off
    )
    command: str = ""  # what reproduces the verdict
    folder: str = ""  # what reproduces the first difference


@dataclass(frozen=True)
class Verdict:
    """Whether a board computes what the host computes.

    exact: complete, and nothing differs. complete: everything that applies was judged. exit_code: of
    the command that made the verdict. board: the kind that the firmware is for; tier: who ran it;
    boot: what it started from, "ram", "flash", or "" where there is no choice or nobody knows.
    not_applicable: what there was nothing to judge of, with the reason. coverage: what the vectors
    reached of the firmware, or None and a reason. image_crc: CRC-32 of the loaded image, computed by
    the firmware, in hex. recalled: what was not computed anew, because nothing that it depends on had
    changed. attempts: how often it took; failed_attempts: what
    ended those before. tflite: of an exact verdict on the NPU, what TFLite makes of the
    same vectors, or None and a reason. second: of an exact verdict by TFLite's or tflite-micro's kernels, what
    other kernels say of that judge, or None and a reason. reach: of an exact verdict, what its vectors moved. gate:
    what a baseline or the coverage asked for says where an exact verdict does not end with 0: what grew, what lies
    below, or what cannot be compared. latency: None where nothing is
    counted, or too few vectors ran. gates: what each gate says that was asked for. stands: the name on the bench of the
    board that ran it, "" where no bench has it. quarantined: the entries of the quarantine that hold for it.
    """

    exact: bool
    board: str
    backend: str
    build_id: str
    model_sha256: str
    reference: str
    vectors: int
    first_difference: FirstDifference | None
    layers: tuple[LayerVerdict, ...]
    cost: CostVerdict
    footprint: FootprintVerdict
    proved: Proved
    complete: bool = True
    exit_code: int = 0
    tier: str = ""
    boot: str = ""
    not_applicable: tuple[NotApplicable, ...] = ()
    coverage: Coverage | None = None
    coverage_reason: str = NOT_COUNTED
    image_crc: str = ""
    recalled: tuple[str, ...] = ()
    attempts: int = 1
    failed_attempts: tuple[FailedAttempt, ...] = ()
    gate: str = ""
    latency: LatencyVerdict | None = None
    gates: tuple[Judged, ...] = ()
    stands: str = ""
    tflite: TfliteVerdict | None = None
    tflite_reason: str = ""
    second: SecondOpinion | None = None
    second_reason: str = ""
    reach: Reach | None = None
    quarantined: tuple[Quarantined, ...] = ()
    exhibits: Exhibits = field(default_factory=Exhibits, compare=False, repr=False)

    def __post_init__(self) -> None:
        wrong = self.first_difference is not None or any(layer.differing for layer in self.layers)
        if self.exact != (self.complete and not wrong):
            raise AssertionError(
                "a verdict is exact if and only if it is complete and nothing differs"
            )
        if self.exit_code == Exit.OK and not self.passes:
            raise AssertionError(
                "only a verdict that is exact, or lacks what is allowed, ends with 0"
            )
        if self.exact and (not self.layers or self.vectors < 1 or not self.proved.digests):
            raise AssertionError("a verdict on nothing is no verdict")

    def as_json(self) -> dict[str, Any]:
        """The verdict as `nightjar/verify/1`."""
        # The exhibits hold arrays; asdict would copy them.
        raw = asdict(replace(self, exhibits=Exhibits()))
        del raw["exhibits"]
        # A board that nobody has yet seen it judge is said to be one.
        remark = {"remark": NOT_SEEN} if self.tier in SILICON else {}
        if self.backend != NEURAL_ART:  # TFLite itself is the reference
            del raw["tflite"], raw["tflite_reason"]
        else:
            del raw["second"], raw["second_reason"]
        remark |= {"finding": self.finding} if self.finding else {}
        return {"schema": SCHEMA, **raw, **remark}

    def covered(self, covered: "Covered") -> "Verdict":
        """The verdict with what its vectors reached; one that is not exact stays as it is."""
        if not self.passes:
            return self
        return replace(
            self,
            coverage=covered.coverage,
            coverage_reason=covered.reason,
            recalled=(*self.recalled, *(("coverage",) if covered.recalled else ())),
        )

    @property
    def left_out(self) -> tuple[Quarantined, ...]:
        """The entries of the quarantine for which something was not judged."""
        return tuple(one for one in self.quarantined if one.tests and one.passing is None)

    @property
    def passes(self) -> bool:
        """Whether it may end with 0: exact, or right as far as it went, and all that is left out is allowed by name."""
        allowed = bool(self.left_out) and all(one.allowed for one in self.left_out)
        return self.exact or (
            allowed
            and self.first_difference is None
            and (self.exit_code != Exit.INCOMPLETE or self.gate != "")
        )

    @property
    def finding(self) -> str:
        """What to do with a difference that may be the chip's; "" where it is none."""
        first = self.first_difference
        if first is None or first.layer is None or first.part != "epoch":
            return ""
        return finding(self.tier, first.cause)

    @property
    def where(self) -> str:
        """What firmware ran, and on what."""
        return ran_on(self.board, self.tier) + (f", {self.stands}" if self.stands else "")

    @property
    def state(self) -> str:
        """Exact, Different or Incomplete."""
        if self.first_difference is not None:
            return "Different"
        return "Exact" if self.exact else "Incomplete"

    @property
    def headline(self) -> str:
        """One sentence for people."""
        observed = sum(layer.observed for layer in self.layers)
        vectors = f"{self.vectors} vector{'s' if self.vectors != 1 else ''}"
        names = ", ".join(one.name for one in self.left_out)
        held = f"; IN QUARANTINE: {names}" if names else ""
        if not self.complete and self.first_difference is None:
            judged = " that was judged" if held else ""
            return (
                f"INCOMPLETE: nothing{judged} differs on {vectors} ({self.where}), but not all that applies was"
                f" judged{held}"
            )
        if self.exact:
            of = f"{len(self.layers)} layers equal the reference"
            if self.backend == NEURAL_ART:
                epochs = len({layer.index for layer in self.layers})
                of = f"{epochs} epochs equal the executor of the network"
            wrong = () if self.second is None else self.second.judge_wrong
            but = "; BUT ITS JUDGE IS WRONG" if wrong else ""
            but += f"; at attempt {self.attempts}" if self.attempts > 1 else ""
            return f"EXACT: {observed} tensors of {of}, byte for byte, on {vectors} ({self.where}){but}"
        assert self.first_difference is not None
        return f"DIFFERENT: {describe(self.first_difference)}{held}"


def ran_on(board: str, tier: str) -> str:
    """The kind of board that firmware is for, with who ran it where that is another: no emulator passes for silicon.

    Silicon itself is marked as long as nobody has seen it judged.
    """
    if tier in SILICON:
        return f"{board}, {NOT_SEEN}"
    return board if tier in ("", board) else f"{board} on {tier}"


def describe(difference: FirstDifference) -> str:
    """The first difference as one line for people."""
    kind = "" if difference.op == "EPOCH" else f" {difference.op}"
    place = (
        difference.op if difference.layer is None else f"{difference.part} {difference.layer}{kind}"
    )
    text = f"vector {difference.vector}, {place} ({short_name(difference.name)})"
    if difference.got is not None:
        text += f" at {list(difference.index)}: got {difference.got}, want {difference.want}"
        text += f"; {difference.differing} differ, by {difference.max_steps} steps at most"
    return f"{text}; likely cause: {difference.cause}"


def short_name(name: str, length: int = 60) -> str:
    """A tensor's name cut to what a table can show: converters join the names of all that was fused."""
    first = printable(name.split(";", 1)[0])
    return first if len(first) <= length else "…" + first[1 - length :]
