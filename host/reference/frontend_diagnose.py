"""Where a firmware's frontend leaves the way: its own tables, read from the ELF, stage by stage against the
contract's."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.errors import HostFailure
from host.frontend_contract import FrontendContract
from host.reference.frontend_stages import stages
from host.reference.frontend_tables import FrontendTables, make_tables


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The first stage whose bytes differ, and the table entries that explain it."""

    stage: str
    table: str
    entry: int  # the first that differs
    want: float
    got: float
    features: npt.NDArray[
        np.float32
    ]  # what the firmware's tables give, to be held against the board's

    @property
    def line(self) -> str:
        """For people."""
        return (
            f"first differs in stage {self.stage}: nj_frontend_{self.table}[{self.entry}] is {self.got!r} in the"
            f" firmware, {self.want!r} in the contract"
        )


def firmware_tables(elf: Path, contract: FrontendContract) -> FrontendTables:
    """The tables as they are in an ELF.

    Raises:
        HostFailure: a table is missing or has another size.
    """
    from elftools.elf.elffile import ELFFile

    found = {}
    own = make_tables(contract)
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        symbols = file.get_section_by_name(".symtab")
        for field in fields(own):
            array = getattr(own, field.name)
            if array.size == 0:
                found[field.name] = array
                continue
            named = symbols and symbols.get_symbol_by_name(f"nj_frontend_{field.name}")
            if not named or named[0]["st_size"] != array.nbytes:
                raise HostFailure(
                    f"the firmware holds no nj_frontend_{field.name} of {array.nbytes} bytes",
                    evidence=f"Received: {elf}",
                    next_step="make the project again with `nightjar generate`",
                )
            section = file.get_section(named[0]["st_shndx"])
            start = named[0]["st_value"] - section["sh_addr"]
            data = section.data()[start : start + array.nbytes]
            found[field.name] = np.frombuffer(data, array.dtype)
    return FrontendTables(**found)


def diagnose(
    elf: Path, contract: FrontendContract, chunk: npt.NDArray[np.int16]
) -> Diagnosis | None:
    """Compute each stage of a chunk with the firmware's tables and with the contract's; None where all are equal.

    Raises:
        HostFailure: the ELF is not of this contract.
    """
    tables, own = firmware_tables(elf, contract), make_tables(contract)
    for field in fields(own):
        want, got = getattr(own, field.name), getattr(tables, field.name)
        differing = np.flatnonzero(want.view(np.uint8) != got.view(np.uint8))
        if differing.size == 0:
            continue
        entry = int(differing[0]) // want.itemsize
        right, wrong = stages(chunk, contract), stages(chunk, contract, tables)
        for name, array in right.items():
            if array.tobytes() != wrong[name].tobytes():
                return Diagnosis(
                    name,
                    field.name,
                    entry,
                    want[entry].item(),
                    got[entry].item(),
                    wrong["features"],
                )
    return None
