"""The Faust application: it hosts the agent, the web view and the life of the worker; it moves no records itself."""

from collections.abc import AsyncIterable
from typing import Any, Final

import faust

from processor.agent import Desk, Valuer, answer_batches
from processor.batch import Batch

_ON_THE_WAY: Final = 64
"""Batches on the channel; each lane has one at a time there."""


class _App(faust.App):
    class BootStrategy(faust.app.base.BootStrategy):
        """Starts neither Faust's consumer nor its producer: the lanes move the records."""

        enable_kafka = False


def faust_app(name: str, *, host: str, port: int, data_dir: str) -> faust.App:
    """Return an application without Kafka, tables, topics and pages of its own."""
    return _App(
        name,
        broker="kafka://",  # never connected to,
        store="memory://",
        datadir=data_dir,
        web_bind=host,
        web_host=host,
        web_port=port,
        web_tables_enabled=False,
        web_router_enabled=False,
        web_stats_enabled=False,
        web_graph_enabled=False,
        web_metrics_enabled=False,
        topic_disable_leader=True,
        worker_redirect_stdouts=False,
    )


def add_agent(app: faust.App, channel: Any, valuer: Valuer, desk: Desk) -> None:
    """Have the app's agent answer the batches of a channel."""

    @app.agent(channel, name="valuation")
    async def value(batches: AsyncIterable[Batch]) -> None:
        await answer_batches(batches, valuer, desk)


def batch_channel(app: faust.App) -> Any:
    """Return the channel on which lanes hand batches to the agent."""
    # Faust opens the flow when its consumer has partitions; ours is off, so nobody else would.
    app.flow_control.resume()
    return app.channel(maxsize=_ON_THE_WAY)
