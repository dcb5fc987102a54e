"""The folder that a generation for the NPU is written to: its manifest, and that its files are what it lists."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host.bundle import NPU_MANIFEST
from host.errors import BadInput, IdentityFailure
from host.files import sha256_bytes, sha256_file
from host.owned import listed as listed_in
from host.reading import load_json, read_file
from model_gen.codegen.neural_art.fields import Fields
from model_gen.codegen.neural_art.output_folder import MOST, Output, of_files

SCHEMA = "nightjar/neural-art/1"
MANIFEST, LOG, GENERATED = NPU_MANIFEST, "stedgeai.log", "generated"
BUNDLE = "bundle"  # beside them, where the network was made of one
AGAIN = "make it again with `nightjar generate --backend neural_art`"


@dataclass(frozen=True)
class Written:
    """A folder that was written: where it is, its manifest, and the files of the generation in it."""

    folder: Path
    manifest: dict[str, Any]
    output: Output


def is_written(folder: Path) -> bool:
    """Whether a folder has such a manifest."""
    return (folder / MANIFEST).is_file()


def read_written(folder: Path) -> Written:
    """A folder that `nightjar generate --backend neural_art` wrote, with every file as it was written.

    Raises:
        BadInput: its manifest or a file is absent or damaged.
        IdentityFailure: a file is not the one that the manifest lists, or the manifest was changed.
    """
    raw = load_json(folder / MANIFEST, MANIFEST, next_step=AGAIN)
    top = Fields.of(raw, MANIFEST, AGAIN)
    if top.text("schema") != SCHEMA:
        raise top.misfit("schema", SCHEMA, raw["schema"])
    listed, files, left = top.object("files"), {}, MOST
    for name in listed.content:
        if name.startswith("/") or ".." in Path(name).parts:
            raise BadInput(
                f"{MANIFEST} may list files of its own folder alone",
                evidence=f"Received: {name!r}",
                next_step=AGAIN,
            )
        data = read_file(folder / name, name, left, follow=False, next_step=AGAIN)
        left -= len(data)
        wanted, found = listed.object(name).text("sha256"), sha256_bytes(data)
        if found != wanted:
            raise IdentityFailure(
                f"{name} is not the file that this folder was written with",
                evidence=f"Received: SHA-256 {found}; {MANIFEST} says {wanted}",
                next_step=AGAIN,
            )
        if Path(name).parent.name == GENERATED:
            files[Path(name).name] = data
    _check_manifest(folder)
    return Written(folder, raw, of_files(files))


def _check_manifest(folder: Path) -> None:
    """Refuse a manifest that was edited; where the folder came without its list of files, nothing tells.

    Raises:
        IdentityFailure: as told.
    """
    whole = listed_in(folder)
    told = None if whole is None else whole.files.get(MANIFEST)
    if told is not None and told.sha256 != sha256_file(folder / MANIFEST):
        raise IdentityFailure(
            f"{MANIFEST} is not the file that this folder was written with",
            evidence=f"Received: {folder / MANIFEST}, which was changed",
            next_step=AGAIN,
        )
