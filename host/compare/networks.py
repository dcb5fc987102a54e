"""What a project around a generated network is judged by: the executor of the very network.c that lies in it.

Its layers are the buffers that epochs finish, in the executor's order. They are taken from what the executor does and
not from the project's table of taps: one that forgot an epoch, or hides a tensor, must not be able to prove anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from host.backends import NEURAL_ART
from host.compare.layers import Layer, Structure
from host.errors import BadInput, IdentityFailure
from host.files import sha256_file
from host.npu.executed_model import ExecutedModel, GeneratedNetwork, Written
from host.owned import LIST, listed
from host.project import GENERATED, RUNTIME, Project, Tap
from host.reference.judging import Judging

EPOCH = "EPOCH"  # the kind of a layer that is no op of the model
_SCRATCH = "SCRATCH_"  # what the compiler calls the room that an operator of the processor works in
_AGAIN = "generate the network and its project again with `nightjar generate --backend neural_art`"


@dataclass(frozen=True, eq=False)
class JudgedNetwork:
    """A generated network as a session wants it: its layers, and who judges them."""

    generated: GeneratedNetwork
    structure: Structure

    @property
    def judging(self) -> Judging:
        return self.generated.judging


def judged_network(project: Project) -> JudgedNetwork | None:
    """The network of a project; None where its backend compiles the model itself.

    Raises:
        IdentityFailure: network.c, or what lies beside it, is not what the project was written with.
        BadInput: it cannot be executed, or the project's taps do not cover it.
    """
    if project.description.backend != NEURAL_ART:
        return None
    folder = project.path / GENERATED
    if not folder.is_dir():
        raise BadInput(
            "a project of backend neural_art holds the network.c that it was made of",
            evidence=f"Received: {project.path} without {GENERATED}",
            next_step=_AGAIN,
        )
    _check_unchanged(project)
    st = project.path / RUNTIME
    generated = GeneratedNetwork.read(folder, st if st.is_dir() else None)
    taps = project.description.taps
    structure = _structure(generated.model, taps)
    _check_slots(taps)
    _check_hidden(generated, structure, taps)
    return JudgedNetwork(generated, structure)


def _structure(model: ExecutedModel, taps: Sequence[Tap]) -> Structure:
    """By rising epoch, as the data goes: the executor tells of outputs last.

    The kind of a layer is what its tap calls it: a name for people, by which nothing is judged.
    """
    kinds = {(tap.index, tap.tensor): tap.op for tap in taps}
    layers: list[Layer] = []
    for number, one in sorted(enumerate(model.written), key=lambda pair: pair[1].epoch):
        position = sum(layer.index == one.epoch for layer in layers)
        kind = kinds.get((one.epoch, number), EPOCH)
        layers.append(Layer(one.epoch, position, number, one.name, kind))
    return Structure(
        tuple(layers),
        tuple(port.tensor for port in model.inputs),
        tuple(port.tensor for port in model.outputs),
        part="epoch",
    )


def _check_unchanged(project: Project) -> None:
    """Hold what lies in the project's `generated` against the project's list of what was written.

    A folder that came without its list says nothing of it, as one of a recording: the tensors must.

    Raises:
        IdentityFailure: a file was changed, added or removed, or the list is damaged.
    """
    whole = listed(project.path)
    if whole is None:
        if (project.path / LIST).exists():
            raise IdentityFailure(
                f"{LIST} is not the list that this project was written with",
                evidence=f"Received: {project.path / LIST}, which cannot be read",
                next_step=_AGAIN,
            )
        return
    start = f"{GENERATED}/"
    written = {name: one.sha256 for name, one in whole.files.items() if name.startswith(start)}
    paths = [path for path in sorted((project.path / GENERATED).rglob("*")) if path.is_file()]
    found = {path.relative_to(project.path).as_posix(): sha256_file(path) for path in paths}
    for name in sorted(written.keys() | found.keys()):
        if written.get(name) != found.get(name):
            raise IdentityFailure(
                f"{name} is not the file that this project was written with",
                evidence=f"Received: SHA-256 {found.get(name, 'of nothing')}; the project's list says"
                f" {written.get(name, 'nothing of it')}",
                next_step=f"restore the file, or {_AGAIN}",
            )


def _check_slots(taps: Sequence[Tap]) -> None:
    """Refuse two tensors in one slot: whichever the firmware looks at there, the other is not looked at.

    Raises:
        BadInput: there are such.
    """
    by_slot: dict[int, Tap] = {}
    for tap in taps:
        if tap.observed and tap.slot is not None and by_slot.setdefault(tap.slot, tap) is not tap:
            raise BadInput(
                "the project's table of taps hides a tensor: a verdict from it would prove nothing",
                evidence=f"{by_slot[tap.slot].name} and {tap.name} are both in slot {tap.slot}",
                next_step=_AGAIN,
            )


def _check_hidden(generated: GeneratedNetwork, structure: Structure, taps: Sequence[Tap]) -> None:
    """Refuse taps that hide a tensor without need: nothing else would look at it.

    Raises:
        BadInput: one does.
    """
    from model_gen.codegen.neural_art.network_source import parse_network

    hidden = {(tap.index, tap.tensor): tap for tap in taps if not tap.observed}
    if not hidden:
        return
    blocks = [(block.first, block.last) for block in parse_network(generated.code.text).epochs]
    written = generated.model.written
    for number, one in enumerate(written):
        tap = hidden.get((one.epoch, number))
        if tap is None or one.name.startswith(_SCRATCH):
            continue
        later = (other for other in written if other.epoch > one.epoch and _overlap(one, other))
        if not any(_same_block(one.epoch, other.epoch, blocks) for other in later):
            raise BadInput(
                "the project's table of taps hides a tensor: a verdict from it would prove nothing",
                evidence=f"epoch {one.epoch} finishes {one.name}, which no later epoch of its block overwrites;"
                f" its tap says: {tap.reason or 'nothing'}",
                next_step=_AGAIN,
            )


def _overlap(one: Written, other: Written) -> bool:
    return one.address < other.address + other.bytes and other.address < one.address + one.bytes


def _same_block(one: int, other: int, blocks: Sequence[tuple[int | None, int | None]]) -> bool:
    return any(
        first is not None and last is not None and first <= one <= last and first <= other <= last
        for first, last in blocks
    )
