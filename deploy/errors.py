# ruff: noqa: N818 - the names say what happened
"""Errors of running the system.

::

    DeployError                 everything below; `hint` says what to do about it
    ├── JavaMissing             no Java of a sufficient version
    ├── JarsUnavailable         Kafka's jars are neither in the cache nor to be had
    │   └── JarAltered          a jar is not the one whose sum is recorded
    ├── PortTaken               a port that was asked for belongs to another process
    ├── DirectoryInUse          the data directory belongs to a running stack, or to another kind of cluster
    ├── DiskFull                too little room for a broker's data
    ├── BrokerFailed            a broker ended or did not answer; carries its last log lines
    ├── ChildFailed             a worker or the gateway did not come up; carries its last log lines
    ├── NotRunning              there is no local stack to talk to
    ├── TopicsDiffer            a topic cannot be brought to what the table says
    └── UnknownRole             nobody has such a role on the cluster
"""

from collections.abc import Sequence


class DeployError(Exception):
    """Base of everything this package raises on purpose: what is wrong, and a hint what to do about it."""

    def __init__(self, message: str, *, hint: str = "", log: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.log = tuple(log)

    def __str__(self) -> str:
        """Return the message, the hint and the last log lines, each on lines of its own."""
        return "\n".join(part for part in (self.message, self.hint, *(f"  | {line}" for line in self.log)) if part)


class JavaMissing(DeployError):
    """No Java of a sufficient version can be found."""


class JarsUnavailable(DeployError):
    """A jar is neither in the cache nor to be had from the artifact repository."""


class JarAltered(JarsUnavailable):
    """A jar was fetched whose SHA-256 sum is not the recorded one."""


class PortTaken(DeployError):
    """A port that was asked for belongs to another process."""


class DirectoryInUse(DeployError):
    """A data directory belongs to a running stack, or to a cluster of another shape."""


class DiskFull(DeployError):
    """There is too little room for a broker's data."""


class BrokerFailed(DeployError):
    """A broker ended, or did not answer in time."""


class ChildFailed(DeployError):
    """A worker or the gateway ended, or did not become ready in time."""


class NotRunning(DeployError):
    """There is no local stack to talk to."""


class TopicsDiffer(DeployError):
    """A topic cannot be brought to what the topics table says."""


class UnknownRole(DeployError):
    """Nobody has such a role on the cluster."""
