"""The worker's web view, served by Faust: metrics, liveness, readiness, and no other page."""

from collections.abc import Sequence
from typing import Any

import faust
from faust.web.base import BlueprintManager
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from processor.health import Health


def add_pages(app: faust.App, registry: CollectorRegistry, health: Health) -> None:
    """Put ``/metrics``, ``/livez`` and ``/readyz`` on a Faust app, and take Faust's own pages off it."""
    app.web.blueprints = BlueprintManager()

    @app.page("/metrics")
    async def metrics(self: Any, _request: Any) -> Any:
        # Faust hands `content_type` on to aiohttp, which refuses one that carries parameters.
        return self.bytes(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    @app.page("/livez")
    async def livez(self: Any, _request: Any) -> Any:
        return _answer(self, health.dead())

    @app.page("/readyz")
    async def readyz(self: Any, _request: Any) -> Any:
        return _answer(self, health.unready(), health.degraded())


def _answer(view: Any, reasons: list[str], degraded: Sequence[str] = ()) -> Any:
    """Answer 503 with the reasons where there are any; what is merely degraded is told with a 200."""
    status = "unavailable" if reasons else "degraded" if degraded else "ok"
    return view.json({"status": status, "reasons": [*reasons, *degraded]}, status=503 if reasons else 200)
