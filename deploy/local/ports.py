"""Ports of this machine: who has one, and which are free."""

import random
import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_FIRST_PORT: Final = 15_000
_LAST_PORT: Final = 32_000


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Return whether a server could listen on the port now."""
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Return consecutive ports that nobody listens on; another process may take them before they are used.

    They lie below the range from which systems take the ports of outgoing connections, so that none of those gets
    in the way meanwhile.
    """
    while True:
        first = random.randrange(_FIRST_PORT, _LAST_PORT - count)  # noqa: S311 - spread, not secrecy
        ports = list(range(first, first + count))
        if all(is_free(port) for port in ports):
            return ports


def owner(port: int) -> str:
    """Return who listens on the port, as far as this user may know, as words for a message."""
    import psutil  # noqa: PLC0415 - start-up time

    try:
        listening = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return "another process"
    for each in listening:
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port and each.pid:
            try:
                process = psutil.Process(each.pid)
                return f"process {each.pid} ({' '.join(process.cmdline())[:80] or process.name()})"
            except psutil.Error:
                return f"process {each.pid}"
    return "another process"
