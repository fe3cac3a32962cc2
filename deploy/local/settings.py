"""Settings of the stack on one machine, from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from schemas.settings import CommonSettings

Port = Annotated[int, Field(ge=1, le=65_535)]


class LocalSettings(CommonSettings):
    """What `terrafusion up` starts and where it listens."""

    gateway_host: str = Field("127.0.0.1", description="address the gateway listens on")
    gateway_port: Port = Field(8000, description="port the gateway listens on")
    processor_host: str = Field("127.0.0.1", description="address the workers' web views listen on")
    processor_port: Port = Field(8001, description="port of worker 0's web view; worker n of `make run` takes this + n")
    workers: int = Field(1, ge=1, le=64, description="workers that `make run` starts")
    local_kafka_port: Port = Field(
        9092, description="port of the local Kafka; when it is taken a free one is used, and printed"
    )

    @property
    def kafka_directory(self) -> Path:
        """Where the local Kafka's data lies."""
        return self.data_dir.resolve() / "kafka"

    @property
    def logs_directory(self) -> Path:
        """Where the processes of the stack log."""
        return self.data_dir.resolve() / "logs"

    @property
    def gateway_url(self) -> str:
        """Where the gateway answers people on this machine."""
        return _url(self.gateway_host, self.gateway_port)

    def processor_url(self, worker: int) -> str:
        """Where a worker's web view answers people on this machine."""
        return _url(self.processor_host, self.processor_port + worker)


def _url(host: str, port: int) -> str:
    """Return the address to open; a server that listens everywhere is reached on the loopback."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - recognised, not bound
    return f"http://{reached}:{port}"
