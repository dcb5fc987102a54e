"""From observations to the verdict. A PASS is impossible when anything is missing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

from host.compare.expect import Expected
from host.compare.layers import Structure
from host.compare.observation import Finding, Observation
from host.compare.tensors import distance
from host.errors import HostFailure
from host.exit_codes import Exit
from host.project import Tap
from host.report.quarantined import Quarantined
from host.report.verdict import (
    CostVerdict,
    Exhibits,
    FirstDifference,
    FootprintVerdict,
    LatencyVerdict,
    LayerVerdict,
    MeasuredClock,
    NotApplicable,
    Proved,
    Spectrogram,
    Verdict,
)

WARM_UPS = 1  # inferences that latency leaves out: caches and branch prediction are cold then


class Footprint(Protocol):
    """Bytes of an ELF, as host.build.footprint gives them."""

    @property
    def flash(self) -> int: ...
    @property
    def engine_flash(self) -> int: ...
    @property
    def ram(self) -> int: ...
    @property
    def arena(self) -> int: ...
    @property
    def stack(self) -> int: ...


@dataclass(frozen=True)
class Answered:
    """Who answered: from HELLO, the ELF and the link."""

    board: str  # kind of board that the firmware says it is
    tier: str  # who ran it
    backend: str
    build_id: str
    model_sha256: str
    contract_sha256: str
    elf_sha256: str
    reference: str
    protocol: int
    compiler: str
    rounding: str
    cost_unit: str
    has_frontend: bool
    image_crc: str  # of what lies in the board's memory, computed by the firmware at its start
    boot: str = ""  # what it started from
    uid: str = ""
    clocks: tuple[int, ...] = ()
    measured_clock: MeasuredClock | None = None
    caches: int = 0
    placement: dict[str, str] = field(default_factory=dict)
    link: dict[str, int] = field(default_factory=dict)
    outside: str = ""  # text that came outside frames
    recalled: tuple[str, ...] = ()  # what was not computed anew
    npu_budget: tuple[str, ...] = ()  # what the bundle lets layers of the NPU differ by


class Case:
    """Gathers the observations of all vectors; `judge` makes the verdict of them.

    `held` is what is in quarantine, as (vector, place on the way of the data): seen, and no first difference.
    """

    def __init__(
        self,
        structure: Structure,
        taps: tuple[Tap, ...],
        vectors: int,
        held: Collection[tuple[int, int]] = (),
    ) -> None:
        self.held = frozenset(held)
        self.structure = structure
        self.taps = taps
        self.vectors = vectors
        self.observations: dict[int, Observation] = {}
        self.sizes: tuple[int, ...] = ()
        self.spectrograms: list[Spectrogram] = []
        self.leading: tuple[Observation, Finding] | None = None

    def add(self, observation: Observation, expected: Expected) -> None:
        """Take an observation; tensors are kept only of the vector that has the first difference so far."""
        if observation.board_features is not None and expected.features is not None:
            shown = Spectrogram(observation.vector, expected.features, observation.board_features)
            self.spectrograms = [*self.spectrograms, shown][:3]
        self.take(observation, tuple(tensor.bytes for tensor in expected.layers))

    def take(self, observation: Observation, sizes: tuple[int, ...]) -> None:
        """Take an observation, and the bytes of each layer's tensor."""
        self.sizes = sizes
        kept = observation
        judged = [f for f in observation.findings if (observation.vector, f.place) not in self.held]
        first = min(judged, key=lambda finding: finding.place, default=None)
        if first is not None and (
            self.leading is None
            or (first.place, observation.vector) < (self.leading[1].place, self.leading[0].vector)
        ):
            self.leading = (observation, first)
        elif observation.findings:
            kept = observation.without_tensors()
        for vector, other in self.observations.items():
            if self.leading is not None and vector != self.leading[0].vector:
                self.observations[vector] = other.without_tensors()
        self.observations[observation.vector] = kept

    @property
    def missing(self) -> list[int]:
        """Vectors not observed yet."""
        return [i for i in range(self.vectors) if i not in self.observations]

    def differs(self, vector: int, place: int) -> bool:
        """Whether something was seen to differ there."""
        seen = self.observations.get(vector)
        return seen is not None and any(finding.place == place for finding in seen.findings)

    def first_difference(self) -> FirstDifference | None:
        """The earliest differing tensor on the way of the data, then the lowest vector."""
        if self.leading is None:
            return None
        observation, finding = self.leading
        return first_difference(observation.vector, finding, self.structure)

    def judge(
        self,
        answered: Answered,
        footprint: Footprint,
        *,
        complete: bool = True,
        exit_code: int = Exit.OK,
        not_applicable: Sequence[NotApplicable] = (),
        exhibits: Exhibits | None = None,
        quarantined: tuple[Quarantined, ...] = (),
    ) -> Verdict:
        """The verdict over the vectors that were observed.

        Args:
            complete: whether everything that applies was judged. Only then can the verdict be exact.
            exit_code: what the verdict says the command ends with; with a difference an OK or an
                INCOMPLETE is a FIRMWARE.
            exhibits: what the page shows; None for those of this case.

        Raises:
            HostFailure: it is said to be complete, and a vector, a layer or a digest is missing.
        """
        if complete:
            self.check_complete()
        observations = [self.observations[i] for i in sorted(self.observations)]
        counts = answered.cost_unit != "none"
        stack = max(o.stack for o in observations)
        first = self.first_difference()
        if first is not None and exit_code in (Exit.OK, Exit.INCOMPLETE):
            exit_code = Exit.FIRMWARE
        return Verdict(
            exact=complete and first is None,
            board=answered.board,
            backend=answered.backend,
            build_id=answered.build_id,
            model_sha256=answered.model_sha256,
            reference=answered.reference,
            vectors=len(observations),
            first_difference=first,
            layers=tuple(
                self._layer(position, observations, counts)
                for position in range(len(self.structure.layers))
            ),
            cost=_cost(observations, answered),
            latency=latency(observations) if answered.cost_unit != "none" else None,
            footprint=FootprintVerdict(
                flash=footprint.flash,
                engine_flash=footprint.engine_flash,
                ram=footprint.ram,
                arena=footprint.arena,
                stack=stack or footprint.stack,
            ),
            proved=Proved(
                contract_sha256=answered.contract_sha256,
                elf_sha256=answered.elf_sha256,
                protocol=answered.protocol,
                compiler=answered.compiler,
                rounding=answered.rounding,
                cost_unit=answered.cost_unit,
                tapped_runs=sum(o.tapped_runs for o in observations),
                untapped_runs=sum(o.untapped_runs for o in observations),
                digests=sum(o.digests for o in observations),
                link=answered.link,
                outside=answered.outside,
                uid=answered.uid,
                clocks=answered.clocks,
                measured_clock=answered.measured_clock,
                caches=answered.caches,
                placement=answered.placement,
                npu_budget=answered.npu_budget,
            ),
            complete=complete,
            exit_code=int(exit_code),
            tier=answered.tier,
            boot=answered.boot,
            not_applicable=tuple(not_applicable),
            image_crc=answered.image_crc,
            recalled=answered.recalled,
            exhibits=self.exhibits() if exhibits is None else exhibits,
            quarantined=quarantined,
        )

    def exhibits(self, command: str = "", folder: str = "") -> Exhibits:
        """What a page shows of this case beside the figures."""
        difference = None if self.leading is None else self.leading[1].difference
        return Exhibits(
            spectrograms=tuple(self.spectrograms),
            steps=None if difference is None else distance(difference.got, difference.want),
            command=command,
            folder=folder,
        )

    def _layer(
        self, position: int, observations: Sequence[Observation], counts: bool
    ) -> LayerVerdict:
        layer, tap = self.structure.layers[position], self.taps[position]
        findings = [f for o in observations for f in o.findings if f.layer == position]
        return LayerVerdict(
            index=layer.index,
            name=layer.name,
            op=layer.op,
            bytes=self.sizes[position],
            observed=tap.observed,
            reason=tap.reason,
            differing=sum(f.differing for f in findings),
            max_steps=max((f.max_steps for f in findings), default=0),
            instructions=max(sum(o.step_costs[s] for s in tap.cost_steps) for o in observations)
            if counts
            else None,
        )

    def check_complete(self) -> None:
        """Raise HostFailure where a vector, a layer or a digest is missing."""
        observed = {position for position, tap in enumerate(self.taps) if tap.observed}
        problems = []
        if self.missing:
            problems.append(f"vectors {self.missing[:8]} of {self.vectors} were not judged")
        if len(self.taps) != len(self.structure.layers):
            problems.append(f"{len(self.taps)} taps for {len(self.structure.layers)} layers")
        for observation in self.observations.values():
            lacking = sorted(observed - observation.compared)
            if lacking:
                problems.append(f"vector {observation.vector}: layers {lacking[:8]} not compared")
            needed = max((s for t in self.taps for s in t.cost_steps), default=-1)
            if needed >= len(observation.step_costs):
                problems.append(
                    f"vector {observation.vector}: {len(observation.step_costs)} steps counted, of {needed + 1}"
                )
        if problems or not self.vectors:
            raise HostFailure(
                "the comparison is not complete, so there is no verdict",
                evidence="; ".join(problems[:5]) or "no vectors",
                next_step="run it again; with pytest, without -k, -x and node ids",
            )


def first_difference(vector: int, finding: Finding, structure: Structure) -> FirstDifference:
    """A finding as the verdict shows it."""
    return FirstDifference(
        vector=vector,
        layer=None if finding.layer is None else structure.layers[finding.layer].index,
        name=finding.name,
        op=finding.op,
        index=finding.index,
        got=finding.got,
        want=finding.want,
        differing=finding.differing,
        max_steps=finding.max_steps,
        cause=finding.cause,
        part=structure.part,
    )


def latency(observations: Sequence[Observation]) -> LatencyVerdict | None:
    """Of one inference, in the order in which they ran; None where the warm-ups are all."""
    took = [one.frontend_cost + one.model_cost for one in observations][WARM_UPS:]
    if not took:
        return None
    took.sort()
    return LatencyVerdict(
        n=len(took),
        warm_ups=WARM_UPS,
        minimum=took[0],
        median=float(median(took)),
        p99=took[-(-99 * len(took) // 100) - 1],
    )


def _cost(observations: Sequence[Observation], answered: Answered) -> CostVerdict:
    """The largest cost of each stage; in time only where cycles are counted, and their clock was measured."""
    if answered.cost_unit == "none":
        return CostVerdict(None, None)
    frontend = max(o.frontend_cost for o in observations) if answered.has_frontend else None
    model = max(o.model_cost for o in observations)
    if answered.cost_unit != "cycles" or answered.measured_clock is None:
        return CostVerdict(frontend, model)
    a_microsecond = answered.measured_clock.hz / 1e6
    return CostVerdict(
        *(frontend, model),
        frontend_us=None if frontend is None else round(frontend / a_microsecond, 3),
        model_us=round(model / a_microsecond, 3),
    )
