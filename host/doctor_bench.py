"""The doctor's checks of what reaches boards: probe tools, rights, switches, probes, the virtual STM32N6.

Nobody needs them for the tiers without hardware. What is a choice among several is a NOTE when it is missing.
"""

import grp
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from host.boards import openocd, probes
from host.boards.kinds import NOT_SEEN, SILICON, VIRTUAL_N6, BenchKind
from host.boards.virtual_n6.build import COMMAND, find
from host.errors import NightjarError
from host.findings import BOARDS, Finding

if TYPE_CHECKING:
    from host.boards.bench_file import BenchBoard

RULES = (Path("/etc/udev/rules.d"), Path("/run/udev/rules.d"), Path("/usr/lib/udev/rules.d"))
GROUP = "dialout"  # of serial ports
_RULE = 'SUBSYSTEM=="usb", ATTR{idVendor}=="0483", MODE="0660", GROUP="dialout"'


@dataclass(frozen=True)
class ProbeTool:
    """A tool that talks to a probe.

    Attributes:
        arguments: with which it says its version.
        least: the oldest version that is of use.
        old: what is wrong with older ones.
        use: what it is for.
        remedy: how one gets it.
        knows: what it must say besides, where its version does not tell whether it is of use.
    """

    name: str
    arguments: tuple[str, ...]
    least: tuple[int, int]
    old: str
    use: str
    remedy: str
    knows: str = ""


_CUBE = "install STM32CubeProgrammer 2.21 or later from st.com, and put its bin on PATH"
TOOLS = (
    ProbeTool(
        "openocd",
        ("-c", f"echo [find {openocd.TARGET}]", "-c", "shutdown"),
        (0, 12),
        "it has no target for the STM32N6, as the released 0.12",
        "the gdb server that is started on a board's probe",
        "build OpenOCD from its git, commit 7d688bc or later",
        rf"^\S*{openocd.TARGET}\s*$",  # a build from git says 0.12, too
    ),
    ProbeTool(
        "probe-rs",
        ("--version",),
        (0, 32),
        "it cannot program the NOR",
        "writes the NOR of the STM32N6570-DK",
        "install it from https://probe.rs",
    ),
    ProbeTool(
        "STM32_Programmer_CLI",
        ("--version",),
        (2, 21),
        "it does not reach the NOR of the NUCLEO-N657X0-Q",
        "writes the NOR of both boards",
        _CUBE,
    ),
    ProbeTool(
        "STM32_SigningTool_CLI",
        ("--version",),
        (2, 21),
        "it gives a header that starts elsewhere, or knows no -align",
        "puts ST's header before what boots from flash",
        _CUBE,
    ),
    ProbeTool(
        "ST-LINK_gdbserver",
        ("--version",),
        (0, 0),
        "",
        "a gdb server",
        "install STM32CubeIDE or STM32CubeCLT from st.com, and put its bin on PATH",
    ),
    ProbeTool(
        "pyocd",
        ("--version",),
        (0, 36),
        "it does not read the pack STM32N6xx_DFP",
        "a gdb server; it needs the pack STM32N6xx_DFP",
        f"{sys.executable} -m venv ~/pyocd && ~/pyocd/bin/pip install pyocd &&"
        " ~/pyocd/bin/pyocd pack install stm32n657",
    ),
)


def check_tool(tool: ProbeTool) -> Finding:
    """A probe's tool and its version."""
    if shutil.which(tool.name) is None:
        return Finding(tool.name, "NOTE", f"not found ({tool.use})", tool.remedy, ())
    try:
        output = _said(tool)
    except NightjarError as error:
        return Finding(tool.name, "NOTE", error.what, tool.remedy, ())
    found = re.search(r"(\d+)\.(\d+)[.\w+-]*", output)
    if found is None:
        return Finding(tool.name, "NOTE", "does not say its version", tool.remedy, ())
    is_old = (int(found[1]), int(found[2])) < tool.least
    if is_old or re.search(tool.knows, output, re.MULTILINE) is None:
        return Finding(tool.name, "NOTE", f"{found[0]}: {tool.old}", tool.remedy, ())
    return Finding(tool.name, "OK", f"{found[0]}, {NOT_SEEN}", tiers=())


def check_loaders() -> Finding:
    """STM32CubeProgrammer's external loaders for the boards' NORs, which lie beside it."""
    name = "external loaders"
    program = shutil.which("STM32_Programmer_CLI")
    if program is None:
        return Finding(name, "NOTE", "not found; they come with STM32CubeProgrammer", _CUBE, ())
    folder = Path(program).resolve().parent / "ExternalLoader"
    missing = [kind.loader for kind in SILICON.values() if not (folder / kind.loader).is_file()]
    if missing:
        return Finding(name, "NOTE", f"{folder} lacks {', '.join(missing)}", _CUBE, ())
    return Finding(name, "OK", f"{folder}, {NOT_SEEN}", tiers=())


def check_probes() -> Finding:
    """The probes that are plugged in, without which no board is reached."""
    found = probes.find_probes()
    if not found:
        return Finding(
            "probes",
            "NOTE",
            "no ST-LINK is plugged in",
            "connect a board's ST-LINK socket by a USB cable that carries data",
            (),
        )
    detail = ", ".join(f"{probe.serial} ({probe.product or probe.usb})" for probe in found)
    return Finding("probes", "OK", detail, tiers=())


def check_rights() -> Finding:
    """That this user may open the probes that are there, and serial ports."""
    shut = [probe for probe in probes.find_probes() if not os.access(probe.node, os.R_OK | os.W_OK)]
    if shut:
        names = ", ".join(f"{probe.serial} ({probe.node})" for probe in shut)
        rules = RULES[0] / "70-st-link.rules"
        remedy = f"echo {shlex.quote(_RULE)} | sudo tee {rules} && sudo udevadm control --reload"
        return Finding(
            "rights", "NOTE", f"may not open {names}", f"{remedy} && sudo udevadm trigger", ()
        )
    rule = "udev rules for ST-LINKs" if has_rule(RULES) else "no udev rules for ST-LINKs"
    if os.geteuid() == 0:
        return Finding("rights", "OK", f"root; {rule}", tiers=())
    if GROUP in map(_group, {os.getegid(), *os.getgroups()}):
        return Finding("rights", "OK", f"of the group {GROUP}; {rule}", tiers=())
    return Finding(
        "rights",
        "NOTE",
        f"not of the group {GROUP}, which opens serial ports; {rule}",
        f"sudo usermod -aG {GROUP} $USER, then log in again",
        (),
    )


def check_switches(kind: BenchKind) -> Finding:
    """Where a board's boot switches stand: nothing reads them from here."""
    detail = f"development boot: {kind.development}; boot from flash: {kind.flash}; {NOT_SEEN}"
    return Finding(f"switches of {kind.name}", "OK", detail, tiers=())


def check_virtual() -> Finding:
    """The QEMU with our machine, which is built once."""
    program = find()
    if program is not None:
        return Finding(VIRTUAL_N6, "OK", str(program), tiers=(VIRTUAL_N6,))
    return Finding(VIRTUAL_N6, "NOTE", "not built", COMMAND, (VIRTUAL_N6,))


def _tools_of(board: "BenchBoard") -> list[ProbeTool]:
    """What flashes a board."""
    signer = "STM32_SigningTool_CLI"
    names = {
        "gdb": () if board.gdb else ("openocd",),
        "probe-rs": ("probe-rs", signer),
        "cubeprogrammer": ("STM32_Programmer_CLI", signer),
    }[board.flasher]
    return [tool for tool in TOOLS if tool.name in names]


def check_reach(kind: str) -> Finding:
    """A way to a board of a kind: a probe that is plugged in, or a gdb server in the bench file."""
    from host.boards.bench_file import find_bench

    name = f"a way to {kind}"
    try:
        known = [board for board in find_bench().boards if board.kind == kind]
    except NightjarError as error:
        remedy = error.next_step or "mend the bench file"
        return Finding(name, "FAIL", f"{error.what} {error.evidence}", remedy, (kind,))
    there = {probe.serial.upper() for probe in probes.find_probes()}
    for board in known:
        if board.gdb is not None and board.probe is None:
            return Finding(name, "OK", f"{board.name} by {board.gdb}; {NOT_SEEN}", tiers=(kind,))
        if board.probe is not None and board.probe.upper() in there:
            lacks = [tool for tool in _tools_of(board) if shutil.which(tool.name) is None]
            detail = f"{board.name} by probe {board.probe}, flashed by {board.flasher}"
            if lacks:
                without = " and ".join(tool.name for tool in lacks)
                remedy = lacks[0].remedy
                return Finding(name, "NOTE", f"{detail}; without {without}", remedy, (kind,))
            return Finding(name, "OK", f"{detail}; {NOT_SEEN}", tiers=(kind,))
    absent = ", ".join(f"{board.name} ({board.probe or 'no probe'})" for board in known)
    detail = f"not plugged in: {absent}" if absent else "none on the bench"
    remedy = (
        "plug in its probe" if absent else f"plug it in, then nightjar board scan --kind {kind}"
    )
    return Finding(name, "NOTE", detail, remedy, (kind,))


def bench_checks() -> tuple[Callable[[], Finding], ...]:
    """Every check of this file."""
    return (
        check_virtual,
        check_probes,
        check_rights,
        *(partial(check_tool, tool) for tool in TOOLS),
        check_loaders,
        *(partial(check_switches, kind) for kind in SILICON.values()),
        *(partial(check_reach, kind) for kind in BOARDS),
    )


def has_rule(folders: Iterable[Path]) -> bool:
    """Whether a file of udev rules names ST's vendor number."""
    for folder in folders:
        for path in folder.glob("*.rules"):
            try:
                if probes.ST in path.read_text(errors="replace"):
                    return True
            except OSError:
                continue
    return False


def _said(tool: ProbeTool) -> str:
    """What a tool says to the question for its version, on either stream and whatever its exit status."""
    from host.boards.flashers.tool import run
    from host.deadline import Deadline

    return run([tool.name, *tool.arguments], Deadline.after(20.0))[1]


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return ""
