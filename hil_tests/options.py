"""What the plugin is told: options of the command line, settings of a configuration file, whether there is a suite."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hil_tests.suite import Suite

SUITE: "pytest.StashKey[Suite]" = pytest.StashKey()  # of a run that judges
OF_USERS = {"bundle", "bench", "board", "verdict"}  # fixtures
SETTINGS = {
    "nightjar_bundle": "bundle folder or .tflite that is judged where --bundle is not given; from the file's folder",
    "nightjar_board": "board where --board is not given",
}


def add_options(parser: pytest.Parser) -> None:
    """Add every option under its name of the suite, `--hil-NAME`, and under its short one where nobody else has it.

    Called when all other plugins have added theirs.
    """
    for name, help_text in SETTINGS.items():
        parser.addini(name, help_text)
    group = parser.getgroup("nightjar", "hardware in the loop")

    def add(name: str, **how: Any) -> None:
        long, dest = f"--hil-{name}", f"hil_{name.replace('-', '_')}"
        try:
            group.addoption(f"--{name}", long, dest=dest, **how)
        except (ValueError, argparse.ArgumentError):  # it is another plugin's
            group.addoption(long, dest=dest, **how)

    add(
        "board",
        help="virtual (default), native, ..., a bench's name, or any: the first free one that fits",
    )
    add("tag", action="append", default=[], help="with --board any: a tag that it must have")
    add("bench", help="the bench file")
    add("port", help="reach the board at this serial port")
    add("no-flash", action="store_true", help="judge what runs on the board")
    add("bundle", help="bundle folder or .tflite to judge")
    add("seed", type=int, default=0, help="of the random vectors")
    add("vectors", type=int, default=4, help="random vectors, besides a bundle's own")
    add("inputs", help=".npy or .npz of inputs to judge, too")
    add("rounding", default="tflite", choices=("tflite", "tflm"))
    add("stream", action="store_true", help="make firmware that streams, and judge it")
    add("project", help="judge the ELF of this project as it lies there")
    add("wait", type=float, default=0, help="seconds to wait for a board that is taken")
    add("deadline", type=float, default=3600, help="seconds for everything")
    add("faults", help="damage the link: seed=N,rate=R")
    add("force", action="store_true", help="replace a project that was changed")
    add("history", help="append the verdict to this store: a file, or postgresql://...")
    add("quarantine", help="a file of tests that are not judged")
    add(
        "allow-quarantined",
        action="append",
        default=[],
        help="an entry of it that does not keep the run from 0",
    )
    add("quarantine-verify", action="store_true", help="ask only those, and judge them")
    add("soak", type=int, default=20, help="inferences of the soak test")
    group.addoption("--hil-out", help="folder for the project and for what reproduces a difference")
    group.addoption("--hil-json", help="write the verdict as nightjar/verify/1")
    group.addoption("--hil-html", help="write the verdict as one page")
    group.addoption("--hil-record", help="write what passes between session and board")
    group.addoption("--hil-proof", help="write the proof to this file")
    group.addoption("--hil-nonce", default="", help="of who started this run; goes into the proof")


def take_settings(config: pytest.Config) -> None:
    """Take from the configuration file what the command line does not say."""
    option = config.option
    if option.hil_bundle is None and config.getini("nightjar_bundle"):
        folder = config.rootpath if config.inipath is None else config.inipath.parent
        option.hil_bundle = str(folder / Path(config.getini("nightjar_bundle")))
    if option.hil_board is None:
        option.hil_board = config.getini("nightjar_board") or "virtual"
