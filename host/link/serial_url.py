"""A serial port by pyserial's URL: a device, a pty, socket://host:port or rfc2217://host:port."""

import errno
import select
from typing import Any

import serial

from host.deadline import Deadline
from host.errors import BoardFailure, BoardLocked, LinkFailure
from host.link.port_holder import (
    describe,
    in_use,
    is_held_here,
    keep_others_out,
    let_others_in,
    other_holders,
    port_holders,
)
from host.link.transport import wait_for

_CHUNK = 1 << 16
_POLL = 0.02  # seconds; only where the port has no file descriptor, and cut short by the first byte
_NO_LINES = "ign_set_control"  # an option of pyserial's URL


class PortVanished(BoardFailure):
    """The port was open, and is gone."""


class SerialUrl:
    """An open serial port, used by nobody else.

    Raises:
        BoardLocked: another process has it open.
        BoardFailure: it cannot be opened.
    """

    def __init__(self, url: str, baud: int = 921600) -> None:
        # Our deadlines alone end a write: pyserial's would end one of a process that did not get to run, too,
        # and not say that its bytes are sent.
        options: dict[str, Any] = {"baudrate": baud, "timeout": 0, "write_timeout": 0}
        if "://" not in url:
            options["exclusive"] = not is_held_here(url)
        if url.startswith("rfc2217://"):
            options["timeout"] = _POLL
            del options["write_timeout"]
        try:
            self._port = _opened(url, options)
        except (serial.SerialException, OSError, ValueError) as error:
            busy = getattr(error, "errno", None) in (errno.EAGAIN, errno.EBUSY)
            raise (BoardLocked if busy else BoardFailure)(
                f"the serial port {url} cannot be opened",
                evidence="; ".join(filter(None, (str(error), describe(port_holders(url))))),
                next_step="end what else uses the port, or wait for it"
                if busy
                else "check the cable, the name and your permissions; end what else uses the port",
            ) from error
        self._url = url
        try:
            self._fd: int | None = self._port.fileno()
        except (OSError, AttributeError):
            self._fd = None
        if self._fd is not None and "://" not in url:
            others = other_holders(url)  # most programs lock nothing
            if others:
                self._port.close()
                raise in_use(url, others)
            keep_others_out(self._fd)

    def write(self, data: bytes, deadline: Deadline) -> None:
        view = memoryview(data)
        try:
            while view:
                if self._fd is not None and not wait_for(self._fd, select.POLLOUT, deadline, None):
                    break
                step = bytes(view[:512])
                sent = self._port.write(step)
                view = view[len(step) if sent is None else sent :]
        except (serial.SerialException, OSError) as error:
            raise self._vanished(error) from error
        if view:
            raise LinkFailure(
                f"{self._url} takes no more bytes",
                evidence=f"{len(view)} of {len(data)} bytes unsent",
                next_step="reset the board",
            )

    def read(self, deadline: Deadline) -> bytes:
        try:
            while True:
                if self._fd is not None:
                    ready = wait_for(self._fd, select.POLLIN, deadline, None)
                    data = bytes(self._port.read(_CHUNK)) if ready else b""
                    if data or not ready:
                        return data
                else:
                    data = bytes(self._port.read(1))
                    if data:
                        return data + bytes(self._port.read(self._port.in_waiting))
                if deadline.expired:
                    return b""
        except (serial.SerialException, OSError) as error:
            raise self._vanished(error) from error

    def close(self) -> None:
        if self._port.is_open and self._fd is not None:
            let_others_in(self._fd)
        self._port.close()

    def _vanished(self, error: Exception) -> PortVanished:
        return PortVanished(
            f"the serial port {self._url} has vanished",
            evidence=str(error),
            next_step="check the cable and the board's power",
        )


def _opened(url: str, options: dict[str, Any]) -> Any:
    """The port. Over RFC 2217 a far side without modem lines, such as a pty, never confirms that they are set."""
    try:
        return serial.serial_for_url(url, **options)
    except serial.SerialException as error:
        if not url.startswith("rfc2217://") or _NO_LINES in url or "'control'" not in str(error):
            raise
    return serial.serial_for_url(url + ("&" if "?" in url else "?") + _NO_LINES, **options)
