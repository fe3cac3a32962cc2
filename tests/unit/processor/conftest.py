"""Logs of the processor's unit tests in the product's own format: structlog's default prints every local variable."""

import pytest

from schemas import logs


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    logs.configure()
