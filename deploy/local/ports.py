"""Ports of this machine: who has one, and which are free."""

import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Return whether a server could listen on the port now."""
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on; another process may take them before they are used."""
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
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
