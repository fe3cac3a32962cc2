"""Tells a task's own cancellation from one that leaks out of aiokafka when a connection breaks."""

import asyncio


def leaked() -> bool:
    """Return whether a ``CancelledError`` just caught was not meant for the current task, and may be outlived."""
    task = asyncio.current_task()
    return task is not None and not task.cancelling()
