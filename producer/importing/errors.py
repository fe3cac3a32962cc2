"""Errors of importing.

::

    ImportFailed            the records could not be published; what was published before stays
"""


class ImportFailed(Exception):  # noqa: N818 - reads as what is the case
    """The records could not be published; the message says why and what to do."""
