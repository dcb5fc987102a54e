"""For tests: the folder of a project around a generated network, as the host sees it; no firmware is made."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from host.bundle import Subject
from host.npu.executed_model import GeneratedNetwork, Written
from host.npu.testing.networks import random_network
from host.npu.testing.write import write_network
from host.owned import new_directory
from host.project import DESCRIPTION, GENERATED, Port, Project, ProjectDescription, Tap
from host.reference.interpreter import ReferenceTensor

KINDS = ("pointwise", "residual", "pool", "software")
SUBJECT = Subject(Path("net.tflite"), b"a model that no op of the network is told by")


def write_project(
    out: Path, kinds: Sequence[str] = KINDS, *, seed: int = 1, dialect: str = "2.2"
) -> Project:
    """A project of a random network with a piece of each of `kinds`."""
    with new_directory(out) as folder:
        generated = folder / GENERATED
        network = random_network(Random(seed), "net", kinds)
        write_network(generated, network, dialect)
        for name in ("inputs.npz", "expected.npz", "tensors.json"):
            (generated / name).unlink()
        described = describe(GeneratedNetwork.read(generated))
        (folder / DESCRIPTION).write_bytes(described.to_json())
    return Project(out, described)


def describe(network: GeneratedNetwork) -> ProjectDescription:
    """What the project says of a network: an epoch a step, every buffer observed."""
    model = network.model
    epochs = sorted({one.epoch for one in model.written})
    steps = [epochs.index(one.epoch) for one in model.written]
    slots = sorted(range(len(steps)), key=lambda number: (steps[number], number))
    taps = [
        _tap(number, one, steps[number], slots.index(number))
        for number, one in enumerate(model.written)
    ]
    return ProjectDescription(
        board="stm32n6570-dk",
        backend="neural_art",
        model_sha256=SUBJECT.model_sha256,
        contract_sha256=SUBJECT.contract_sha256,
        rounding={},
        rules="neural_art",
        arena_bytes=1,
        steps=len(epochs),
        inputs=tuple(map(_port, model.inputs)),
        outputs=tuple(map(_port, model.outputs)),
        taps=tuple(taps),
    )


def with_tap(project: Project, number: int, **changes: object) -> Project:
    """The project with another tap in that place; without it where nothing is changed."""
    taps = list(project.description.taps)
    taps[number : number + 1] = [replace(taps[number], **changes)] if changes else []  # type: ignore[arg-type]
    return replace(project, description=replace(project.description, taps=tuple(taps)))


def _tap(number: int, one: Written, step: int, slot: int) -> Tap:
    return Tap(
        index=one.epoch,
        tensor=number,
        name=one.name,
        op="EPOCH",
        shape=one.shape,
        dtype=one.dtype,
        bytes=one.bytes,
        observed=True,
        reason="",
        slot=slot,
        step=step,
        cost_steps=(step,),
    )


def _port(one: ReferenceTensor) -> Port:
    size = one.dtype.itemsize
    for axis in one.shape:
        size *= axis
    return Port(one.tensor, one.name, one.shape, str(one.dtype), size, one.scale, one.zero_point)
