import os
import socket

from deploy.local.ports import free_ports, is_free, owner


def test_free_ports_are_free_and_differ() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)


def test_a_taken_port_is_not_free_and_its_owner_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        assert owner(port).startswith(f"process {os.getpid()} (")
    assert is_free(port)
