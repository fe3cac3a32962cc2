"""What can be wrong with a bundle.

::

    BundleError
    ├── NoSuchBundle      there is none of that county and version
    ├── CorruptBundle     it cannot be read, or its content is not what its version says
    ├── StoreAway         the store cannot be asked now; what was read before serves on
    └── Objected          its study did not pass the gate
"""

from typing import ClassVar


class BundleError(Exception):
    """Base of everything this package raises on purpose; ``reason`` is a short constant to count by."""

    reason: ClassVar[str] = "refused"


class NoSuchBundle(BundleError):  # noqa: N818 - reads as what it is
    """There is no bundle where one was asked for."""

    reason = "missing"


class CorruptBundle(BundleError):  # noqa: N818 - reads as what it is
    """A bundle is refused: files are missing or damaged, or were changed after the version was given."""

    reason = "damaged"


class StoreAway(BundleError):  # noqa: N818 - names the state
    """The store does not answer, or does not let us in; nothing is known of its bundles."""

    reason = "unreachable"


class Objected(BundleError):  # noqa: N818 - reads as what it is
    """A bundle may not serve: its forward study did not pass the gate."""
