"""The one question to a broker that decides whether it is up: the Metadata request of Kafka's protocol, version 0.

Asked over a bare socket, as the answer must come quickly, without a client's retries, and from exactly this broker.
"""

import socket
import struct
from typing import Final

_METADATA: Final = 3
# One topic, ".", which no cluster can hold: in version 0 to ask for none is to ask for all.
_NO_SUCH_TOPIC: Final = b"\x00\x00\x00\x01\x00\x01."


def brokers_known(host: str, port: int, timeout: float = 1.0) -> frozenset[int]:
    """Return the ids of the brokers that this broker knows to be serving.

    Raises:
        OSError: it does not answer within ``timeout`` seconds, or not with a whole answer.
    """
    request = struct.pack(">hhih", _METADATA, 0, 1, -1) + _NO_SUCH_TOPIC
    with socket.create_connection((host, port), timeout) as connection:
        connection.settimeout(timeout)
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as stream:
            size = struct.unpack(">i", _exactly(stream.read(4), 4))[0]
            return _broker_ids(_exactly(stream.read(size), size))


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ConnectionError("the broker closed the connection within its answer")
    return data


def _broker_ids(answer: bytes) -> frozenset[int]:
    """Read correlation id, then an array of (node id, host, port)."""
    count, position = struct.unpack_from(">i", answer, 4)[0], 8
    found = set()
    for _ in range(count):
        node, host_length = struct.unpack_from(">ih", answer, position)
        found.add(node)
        position += 4 + 2 + host_length + 4
    return frozenset(found)
