"""A port that goes while it is open: back under its name, or absent."""

import os
import threading
import tty
from pathlib import Path

import pytest

from host.boards.vanished import explain_vanished, usb_lines
from host.deadline import Deadline
from host.errors import BoardFailure
from host.link.serial_url import PortVanished, SerialUrl


def vanished(link: Path) -> PortVanished:
    """What reading says of a port, named by a link, that goes."""
    master, slave = os.openpty()
    tty.setraw(slave)
    link.symlink_to(os.ttyname(slave))
    os.close(slave)
    port = SerialUrl(str(link))
    os.close(master)
    try:
        with pytest.raises(PortVanished) as caught:
            port.read(Deadline.after(20))
    finally:
        port.close()
    link.unlink()
    return caught.value


def test_one_that_stays_away_is_said_to_be_absent(tmp_path: Path) -> None:
    link = tmp_path / "by-id"
    said = explain_vanished(vanished(link), str(link), 0.2)
    assert isinstance(said, BoardFailure)
    assert "has vanished: it is absent, 0 s later" in said.what
    assert "the kernel" in said.evidence


def test_one_that_comes_back_is_said_to_be_back(tmp_path: Path) -> None:
    link = tmp_path / "by-id"
    error = vanished(link)
    threading.Timer(0.1, link.touch).start()
    said = explain_vanished(error, str(link), 60)
    assert "has vanished: it was back after" in str(said)


def test_what_is_something_else_stays_as_it_is(tmp_path: Path) -> None:
    other = BoardFailure("the board rebooted")
    assert explain_vanished(other, "/dev/nowhere") is other
    far = PortVanished("gone")
    assert explain_vanished(far, "socket://127.0.0.1:1") is far


def test_the_last_lines_of_usb_are_taken() -> None:
    log = "\n".join(
        [
            "[1.0] usb 1-1: new high-speed USB device number 2",
            "[2.0] cdc_acm 1-1:1.2: ttyACM0: USB ACM device",
            "[3.0] EXT4-fs (sda1): mounted",
            "[4.0] usb 1-1: USB disconnect, device number 2",
            "[5.0] usb 1-1: device descriptor read/64, error -71",
        ]
    )
    lines = usb_lines(log)
    assert len(lines) == 3
    assert lines[0].endswith("ttyACM0: USB ACM device")
    assert "error -71" in lines[-1]
    assert usb_lines("nothing of it") == []
