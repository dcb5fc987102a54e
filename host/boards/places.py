"""Where a gdb server or a serial port is, by one name however it is spelled."""

import ipaddress
import os
import re
import shlex
import socket
from urllib.parse import urlsplit

# As gdb's `target remote` takes it; an address of version 6 stands in brackets.
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]*)):(\d{1,5})")
_HERE = "localhost"


def address_of(text: str) -> tuple[str, int] | None:
    """(host, port) of host:port, the host "" where it is left out; None: it is no such text."""
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 1 << 16:
        return None
    return found[1] or found[2], int(found[3])


def places(text: str, *, look_up: bool = True) -> tuple[str, ...]:
    """Every place that is meant, sorted; two spellings of one place have a place in common.

    Args:
        text: host:port, a URL of pyserial's, the path of a device or a socket, or `| command`.
        look_up: whether names of hosts are looked up; else only numbers and this computer's usual name are known.
    """
    if text.startswith("|"):
        return (_command(text),)
    address = _of_url(text) if "://" in text else address_of(text)
    if address is not None:
        host, port = address
        return tuple(sorted(f"{one}:{port}" for one in _hosts(host, look_up)))
    return (os.path.realpath(text) if text.startswith("/") else text,)


def _command(text: str) -> str:
    try:
        return f"| {shlex.join(shlex.split(text[1:]))}"
    except ValueError:  # no whole quotation: the shell will refuse it
        return text


def _of_url(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        return (parts.hostname, parts.port) if parts.hostname and parts.port else None
    except ValueError:
        return None


def _hosts(host: str, look_up: bool) -> set[str]:
    """The addresses of a host; all of this computer's are one, since a server may listen at all of them."""
    if host.lower() in ("", _HERE):
        return {_HERE}
    flags = 0 if look_up else socket.AI_NUMERICHOST
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError):  # nobody knows it
        return {host.lower()}
    if any(_is_here(family, where) for family, _, _, _, where in found):
        return {_HERE}
    return {str(_plain(str(where[0]))) for _, _, _, _, where in found}


def _is_here(family: int, where: tuple[object, ...]) -> bool:
    """Whether an address is one of this computer's: nothing can be bound to another one."""
    address = _plain(str(where[0]))
    if address.is_loopback or address.is_unspecified:
        return True
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(where)
    except OSError:
        return False
    return True


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address of version 4 by that version, wherever it was written in the other's way."""
    found = ipaddress.ip_address(address)
    return getattr(found, "ipv4_mapped", None) or found
