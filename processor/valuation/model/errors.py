"""What can be wrong with a bundle.

::

    BundleError
    ├── NoSuchBundle      there is none of that county and version
    ├── CorruptBundle     it cannot be read, or its content is not what its version says
    └── Objected          its study did not pass the gate
"""


class BundleError(Exception):
    """Base of everything this package raises on purpose."""


class NoSuchBundle(BundleError):  # noqa: N818 - reads as what it is
    """There is no bundle where one was asked for."""


class CorruptBundle(BundleError):  # noqa: N818 - reads as what it is
    """A bundle is refused: files are missing or damaged, or were changed after the version was given."""


class Objected(BundleError):  # noqa: N818 - reads as what it is
    """A bundle may not serve: its forward study did not pass the gate."""
