"""A real Kafka that trusts nobody: SASL_SSL with SCRAM, mutual TLS, and an authorizer that denies by default.

Its plain listener is for the test itself, which makes users, rules and topics as an operator would.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trustme
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from cryptography.hazmat.primitives import serialization as pem

from deploy.access import Rule
from deploy.local.broker import More
from deploy.local.kafka import LocalKafka, Plan
from deploy.local.ports import free_ports
from deploy.local.topics import wake_coordinators

_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_KINDS: Final = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional-id": ResourceType.TRANSACTIONAL_ID,
}
_OPERATIONS: Final = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Create": AclOperation.CREATE,
    "Delete": AclOperation.DELETE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "AlterConfigs": AclOperation.ALTER_CONFIGS,
}


@dataclass(frozen=True)
class SecuredKafka:
    """Where the cluster is, and how to become somebody on it."""

    directory: Path
    plain: str
    sasl_ssl: str
    ssl: str
    authority: trustme.CA
    secrets: dict[str, str] = field(default_factory=dict)

    def user(self, name: str, password: str) -> dict[str, str]:
        """Make a SCRAM user; return the environment of a process that is it."""
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(name, credential, password.encode())
        admin = self._admin()
        for done in admin.alter_user_scram_credentials([change]).values():
            done.result(20)
        self.secrets[name] = password
        return self.login(name, password)

    def login(self, name: str, password: str) -> dict[str, str]:
        """Return the environment of a process that claims to be somebody."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.sasl_ssl,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": name,
            "KAFKA_SASL_PASSWORD": password,
            "KAFKA_SSL_CAFILE": str(self.directory / "ca.pem"),
        }

    def certified(self, name: str, authority: trustme.CA | None = None) -> dict[str, str]:
        """Return the environment of a process that shows a client certificate of this name."""
        certificate = (authority or self.authority).issue_cert(f"{name}@example.org", common_name=name)
        key, chain = self.directory / f"{name}.key", self.directory / f"{name}.pem"
        certificate.private_key_pem.write_to_path(key)
        chain.write_bytes(b"".join(each.bytes() for each in certificate.cert_chain_pems))
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.ssl,
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_CAFILE": str(self.directory / "ca.pem"),
            "KAFKA_SSL_CERTFILE": str(chain),
            "KAFKA_SSL_KEYFILE": str(key),
        }

    def allow(self, rules: list[Rule]) -> None:
        """Add rules, as `kafka-acls.sh` would."""
        admin = self._admin()
        for done in admin.create_acls([_binding(rule) for rule in rules]).values():
            done.result(20)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.plain, "log_level": 0})


@contextmanager
def secured_kafka(directory: Path) -> Iterator[SecuredKafka]:
    """Run a secured broker with certificates of an authority of its own."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    _write_keystore(authority, directory / "broker.pem")
    sasl_port, ssl_port = free_ports(2)
    more = More({"SASL_SSL": sasl_port, "SSL": ssl_port}, _settings(directory))
    with LocalKafka(Plan(more=more)) as kafka:
        plain = kafka.bootstrap_servers
        asyncio.run(wake_coordinators({"bootstrap_servers": plain}))
        yield SecuredKafka(directory, plain, f"127.0.0.1:{sasl_port}", f"127.0.0.1:{ssl_port}", authority)


def _settings(directory: Path) -> dict[str, str]:
    return {
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": "User:ANONYMOUS",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": _SCRAM,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(directory / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(directory / "ca.pem"),
        "listener.name.ssl.ssl.client.auth": "required",
        "listener.name.ssl.ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/,DEFAULT",
    }


def _write_keystore(authority: trustme.CA, path: Path) -> None:
    """Write key and chain as Kafka reads them: the key in PKCS #8."""
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    key = pem.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    as_pkcs8 = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    path.write_bytes(as_pkcs8 + b"".join(each.bytes() for each in certificate.cert_chain_pems))


def _binding(rule: Rule) -> AclBinding:
    return AclBinding(
        _KINDS[rule.kind],
        rule.name,
        ResourcePatternType.LITERAL if rule.pattern == "literal" else ResourcePatternType.PREFIXED,
        rule.principal,
        "*",
        _OPERATIONS[rule.operation],
        AclPermissionType.ALLOW,
    )
