"""Mends what aiokafka's connections do not expect of uvloop.

A connection that is reset is closed by the event loop at once, by aiokafka only when its reader comes to run. What is
sent in between fails on asyncio's own loop like anything that is under way; uvloop raises a ``RuntimeError``, which
none of aiokafka's tasks outlives: neither fetching nor following the metadata would ever go on.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_send = AIOKafkaConnection.send


def mend_connections() -> None:
    """Have requests on a connection that has just broken fail like those under way; for the whole process."""
    AIOKafkaConnection.send = _sent_while_open


def _sent_while_open(connection: Any, request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002 - aiokafka's
    writer = connection._writer  # noqa: SLF001 - there is no other way to know
    if writer is not None and writer.transport.is_closing():
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {connection.host}:{connection.port} broken")
    return _send(connection, request, expect_response)
