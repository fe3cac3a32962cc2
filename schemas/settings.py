"""Settings that more than one process reads: how to reach Kafka, where data lies, what the local stack recorded."""

import ssl
from pathlib import Path
from typing import Any, Final, Literal, Self

import orjson
from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import SettingsError
from schemas.logs import LogFormat

DEFAULT_BOOTSTRAP: Final = "127.0.0.1:9092"
_STACK_FILE: Final = "stack.json"


class StackRecord(BaseModel):
    """What a running local stack tells the commands: where its parts listen. Lies in ``DATA_DIR/stack.json``."""

    bootstrap_servers: str
    gateway_url: str
    processor_urls: list[str] = Field(default_factory=list)
    supervisor_pid: int
    pids: dict[str, int] = Field(default_factory=dict)

    @classmethod
    def read(cls, data_dir: Path) -> Self | None:
        """Return the record of the stack in ``data_dir``, None where none runs or the file is unreadable."""
        try:
            return cls.model_validate(orjson.loads((data_dir / _STACK_FILE).read_bytes()))
        except (OSError, ValueError):
            return None

    def write(self, data_dir: Path) -> None:
        """Replace the record atomically."""
        data_dir.mkdir(parents=True, exist_ok=True)
        fresh = data_dir / f".{_STACK_FILE}.new"
        fresh.write_bytes(orjson.dumps(self.model_dump(), option=orjson.OPT_INDENT_2))
        fresh.replace(data_dir / _STACK_FILE)

    @staticmethod
    def remove(data_dir: Path) -> None:
        """Forget the stack; absent already is fine."""
        (data_dir / _STACK_FILE).unlink(missing_ok=True)


class CommonSettings(BaseSettings):
    """Where data lies and how to log; every process has these."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", populate_by_name=True)

    data_dir: Path = Field(Path(".local"), description="where this machine's data lies")
    model_store_url: str | None = Field(
        None, description="where trained models lie: a path or `s3://BUCKET/PREFIX`; DATA_DIR/models when unset"
    )
    model_store_endpoint_url: str | None = Field(
        None,
        description="the S3-compatible service of an `s3://` model store, AWS's own when unset; "
        "credentials come from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and their like",
    )
    topic_prefix: str = Field("", description="put before every topic name, to share a cluster between installations")
    log_format: LogFormat = Field("console", description="`console` for people, `json` for machines")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="level of the system's own logs"
    )


class KafkaSettings(BaseSettings):
    """How to reach Kafka: ``KAFKA_*`` in the environment."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_", env_ignore_empty=True, extra="ignore", populate_by_name=True)

    bootstrap_servers: str | None = Field(
        None, description="the cluster to use; when unset `make run` and the tests start a local Apache Kafka"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how connections are secured"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism, with the SASL protocols"
    )
    sasl_username: str | None = Field(None, description="SASL user name")
    sasl_password: SecretStr | None = Field(None, description="SASL password")
    ssl_cafile: Path | None = Field(None, description="PEM file of the authorities that sign broker certificates")
    ssl_certfile: Path | None = Field(None, description="PEM file of the client certificate, for mutual TLS")
    ssl_keyfile: Path | None = Field(None, description="PEM file of the client certificate's key")

    def resolved_bootstrap(self, data_dir: Path) -> str:
        """Return the servers to use: the environment's, else the running local stack's, else the default port."""
        if self.bootstrap_servers is not None:
            return self.bootstrap_servers
        stack = StackRecord.read(data_dir)
        return DEFAULT_BOOTSTRAP if stack is None else stack.bootstrap_servers

    def client_options(self, data_dir: Path) -> dict[str, Any]:
        """Return the connection keywords that every aiokafka client takes.

        Raises:
            SettingsError: the settings contradict each other or name files that cannot be read.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": self.resolved_bootstrap(data_dir),
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            if self.sasl_username is None or self.sasl_password is None:
                raise SettingsError("KAFKA_SECURITY_PROTOCOL asks for SASL: set KAFKA_SASL_USERNAME and _PASSWORD")
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password.get_secret_value()
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = self._ssl_context()
        return options

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ssl_cafile)
            if self.ssl_certfile is not None:
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile)
        except (OSError, ssl.SSLError) as wrong:
            raise SettingsError(f"KAFKA_SSL_CAFILE, _CERTFILE or _KEYFILE cannot be used: {wrong}") from wrong
        return context
