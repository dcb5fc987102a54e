"""`nightjar sdcard`: cards that firmware logs on and hears recordings from."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host.cli.common import Group, json_option, say, write_json
from host.cli.parameters import ByteCount, WholeRange
from host.link.messages import Source
from host.printable import printable

if TYPE_CHECKING:
    from host.listen.card import Entry
    from host.sdcard.card import Listed

SCHEMA = "nightjar/sdcard/1"
LOG_SCHEMA = "nightjar/card-log/1"
_CARD = click.argument("card", type=click.Path(path_type=Path))


@click.group(cls=Group)
def command() -> None:
    """Prepare memory cards for firmware that listens, and read its log.

    CARD is an image file or a whole device, as /dev/sdb, with a FAT16 or FAT32 volume that is not
    mounted. Firmware has no file system: a log and recordings are files in one piece each, found by
    an index in front of the volume. Nothing that is on a card is ever changed or removed.
    """


@command.command()
@_CARD
@click.option("--size", type=ByteCount(), default="4G", show_default=True, help="Of the card.")
@click.option("--log", type=ByteCount(), default="16M", show_default=True, help="Room for a log.")
@json_option
def make(card: Path, size: int, log: int, json_path: str | None) -> None:
    """Make the image file of a new card, with a log that is empty."""
    from host.sdcard.blocks import opened
    from host.sdcard.card import Card
    from host.sdcard.image import new_image

    with new_image(card, size) as meanwhile, opened(meanwhile, write=True, named=card) as blocks:
        made = Card(blocks)
        made.add_log(log)
        made.commit()
        files = made.files()
    _tell(card, files, json_path)


@command.command()
@_CARD
@click.argument("recordings", nargs=-1, type=click.Path(path_type=Path))
@click.option("--log", type=ByteCount(), help="Add a log of this size, as 16M.")
@click.option("--rate", type=WholeRange(1000, 192_000), help="Of the recordings, in Hz.")
@json_option
def add(
    card: Path,
    recordings: tuple[Path, ...],
    log: int | None,
    rate: int | None,
    json_path: str | None,
) -> None:
    """Add recordings, or a log, to a card.

    Each RECORDING is decoded, mixed to one channel and brought to --rate as `nightjar classify` does:
    that of the firmware's contract, which `nightjar inspect` shows. All of them are added, or nothing.
    """
    from host.errors import BadInput
    from host.sdcard.blocks import opened
    from host.sdcard.card import Card

    if recordings and rate is None:
        raise BadInput(
            "recordings need the rate at which the firmware hears",
            evidence=f"Received: {len(recordings)} recordings and no --rate",
            next_step="`nightjar inspect BUNDLE` shows it, as 24000: --rate 24000",
        )
    if not recordings and log is None:
        raise BadInput(
            "there is nothing to add",
            evidence="Received: neither recordings nor --log",
            next_step="name recordings, with --rate, or give --log SIZE",
        )
    with opened(card, write=True) as blocks:
        on_it = Card(blocks)
        if log is not None:
            on_it.add_log(log)
        added = []
        for path in recordings:
            assert rate is not None
            from model_gen.audio.decode import decode

            added.append(on_it.add_recording(rate, decode(path, rate)))
        on_it.commit()
        for path, one in zip(recordings, added, strict=True):
            say(f"{path}: {one.name}", json_path)
        _tell(card, on_it.files(), json_path)


@command.command()
@_CARD
@json_option
def show(card: Path, json_path: str | None) -> None:
    """Show what the index of a card names."""
    from host.sdcard.blocks import opened
    from host.sdcard.card import Card

    with opened(card) as blocks:
        _tell(card, Card(blocks).files(), json_path)


@command.command()
@_CARD
@click.option(
    "--bundle",
    type=click.Path(path_type=Path),
    help="Name labels as this bundle does, which the firmware was made of.",
)
@json_option
def log(card: Path, bundle: Path | None, json_path: str | None) -> None:
    """Show the log that firmware has written on a card."""
    from host.sdcard.blocks import opened
    from host.sdcard.card import Card

    labels = () if bundle is None else _labels(bundle)
    with opened(card) as blocks:
        found = Card(blocks).log()
    entries = found.entries
    if bundle is not None:
        _check_labels(entries, labels, bundle)
    rate = 0
    for entry in entries:
        rate = entry.score if entry.kind.name == "START" else rate
        say(_line(entry, rate, labels), json_path)
    if not entries:
        say("nothing has been logged yet", json_path)
    if found.damaged:
        say(f"{found.damaged} blocks of the log are damaged, and their entries lost", json_path)
    if found.full:
        say("the log is full: firmware logs nothing more on this card", json_path)
    rows = [_entry(entry, labels) for entry in entries]
    told = {
        "schema": LOG_SCHEMA,
        "card": str(card),
        "damaged_blocks": found.damaged,
        "full": found.full,
    }
    write_json(json_path, {**told, "entries": rows})


def _labels(bundle: Path) -> tuple[str, ...]:
    from host.bundle import load_subject
    from host.errors import BadInput

    contract = load_subject(bundle).contract
    if contract is None:
        raise BadInput(
            "only a bundle names labels",
            evidence=f"Received: {bundle}",
            next_step="give the bundle that the firmware was built from, or leave --bundle away",
        )
    return contract.labels


def _check_labels(entries: "Sequence[Entry]", labels: tuple[str, ...], bundle: Path) -> None:
    """Refuse labels that are not those of the firmware that wrote the log: its entries have their CRC-32."""
    from host.errors import BadInput
    from model_gen.codegen.project.listening import labels_crc

    theirs = {entry.start for entry in entries if entry.kind.name == "START"}
    if theirs - {labels_crc(labels)}:
        raise BadInput(
            "the log was written by firmware with other labels",
            evidence=f"Received: {bundle}, whose labels' CRC-32 is {labels_crc(labels):08x}; the log has "
            + ", ".join(f"{one:08x}" for one in sorted(theirs)),
            next_step="give the bundle that the firmware was made of, or leave --bundle away",
        )


def _tell(card: Path, files: "tuple[Listed, ...]", json_path: str | None) -> None:
    for one in files:
        name = one.name or "no file of the card's any more"
        say(f"{one.kind.name.lower()}: {name}, {one.blocks:,} blocks from {one.first:,}", json_path)
    if not files:
        say(f"{card}: no index yet, or one of a volume that was formatted since", json_path)
    rows = [
        {"kind": one.kind.name.lower(), "name": one.name, "first": one.first, "blocks": one.blocks}
        for one in files
    ]
    write_json(json_path, {"schema": SCHEMA, "card": str(card), "files": rows})


def _entry(entry: "Entry", labels: tuple[str, ...]) -> dict[str, Any]:
    row = {**vars(entry), "kind": entry.kind.name.lower()}
    return {**row, "name": _name(entry, labels)} if entry.kind.name == "DETECTION" else row


def _name(entry: "Entry", labels: tuple[str, ...]) -> str:
    """A detection's label; "" where none is known."""
    return labels[entry.label] if entry.label < len(labels) else ""


def _line(entry: "Entry", rate: int, labels: tuple[str, ...]) -> str:
    match entry.kind.name:
        case "START":
            source = Source(entry.label).name.lower() if entry.label < len(Source) else entry.label
            return f"start: {source}, {entry.score} Hz, image {entry.count:08x}"
        case "DETECTION":
            when = " to ".join(_time(at, rate) for at in (entry.start, entry.end))
            name = printable(_name(entry, labels) or f"label {entry.label}")
            return f"detection: {name}, {when}, score {entry.score}, {entry.count} chunks"
        case "LOST":
            return f"lost: {entry.end:,} samples of sound by now, when {entry.start:,} had come"
        case _:
            return (
                f"end: {entry.start:,} samples heard, {entry.end:,} lost, {entry.score} detections,"
                f" {entry.count} events lost"
            )


def _time(samples: int, rate: int) -> str:
    return str(timedelta(seconds=samples / rate)) if rate else f"sample {samples}"
