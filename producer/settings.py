"""Settings of the gateway, from the environment."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, SecretStr

from schemas.settings import CommonSettings

MAX_BATCH_REQUESTS: Final = 50_000
"""Requests that one call of the batch operation takes."""

Port = Annotated[int, Field(ge=0, le=65_535)]


class GatewaySettings(CommonSettings):
    """Where the gateway listens and what bounds it."""

    gateway_host: str = Field("127.0.0.1", description="address the gateway listens on")
    gateway_port: Port = Field(8000, description="port the gateway listens on; 0 takes a free one")
    gateway_api_keys_file: Path | None = Field(
        None, description="file of hashed API keys (`terrafusion keys`); unset: no keys are asked for"
    )
    gateway_allow_open: bool = Field(
        default=False,
        description="listen without API keys where other machines reach the gateway, which it refuses otherwise",
    )
    gateway_metrics_open: bool = Field(
        default=True, description="`/metrics` asks for no key; `false`: for one that may read"
    )
    gateway_api_key: SecretStr | None = Field(None, description="API key that the commands present to the gateway")
    gateway_cors_origins: str = Field(
        "", description="origins whose pages may call the gateway, with commas between; none when empty"
    )
    gateway_hosts: str = Field(
        "",
        description="further names (`Host`) by which a gateway without API keys that listens to this machine alone "
        "may be called, with commas between; `*` for any",
    )
    gateway_max_connections: int = Field(
        5_000, ge=1, description="connections beyond which the gateway turns new ones away with 503"
    )
    gateway_head_seconds: float = Field(
        15.0, gt=0, description="seconds a new connection's first request may take to arrive before it is closed"
    )
    gateway_max_runs_in_hand: int = Field(
        2_000, ge=1, description="single requests being answered beyond which the gateway turns more away with 503"
    )
    gateway_max_in_flight: int = Field(
        20_000, ge=1, description="records on their way to Kafka beyond which the gateway answers 503"
    )
    gateway_max_in_flight_bytes: int = Field(
        64 << 20, ge=1 << 20, description="bytes on their way to Kafka beyond which the gateway answers 503"
    )
    gateway_publish_seconds: float = Field(
        4.0, gt=0, le=30, description="seconds to wait for Kafka's acknowledgement before the gateway answers 503"
    )
    gateway_catch_up_seconds: float = Field(
        4.0, gt=0, le=30, description="seconds to wait for the job view before the gateway answers 503"
    )
    gateway_body_seconds: float = Field(
        20.0, gt=0, description="seconds a request's body may take to arrive before the gateway answers 408"
    )
    job_store_url: str | None = Field(
        None, description="job store, `sqlite:///PATH` or `postgresql://…`; SQLite in DATA_DIR when unset"
    )

    @property
    def cors_origins(self) -> frozenset[str]:
        """The origins of ``gateway_cors_origins``."""
        return frozenset(each.strip().rstrip("/") for each in self.gateway_cors_origins.split(",") if each.strip())
