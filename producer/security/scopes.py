"""What an API key allows."""

from collections.abc import Collection
from enum import StrEnum


class Scope(StrEnum):
    """One permission: ``read`` looks, ``submit`` publishes, ``admin`` replays and purges and holds the other two."""

    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


def allows(held: Collection[Scope], needed: Scope) -> bool:
    """Return whether somebody who holds some scopes may do what needs another."""
    return needed in held or Scope.ADMIN in held
