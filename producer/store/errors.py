"""Errors of the job store.

::

    StoreError
    ├── StoreUnavailable    the store cannot be read or written for now (disk full, locked, server away): try again
    ├── StoreReplaced       another process has emptied the store since its positions were read: read them again
    └── BadCursor           a paging cursor that this store did not make (also a ValueError)
"""


class StoreError(Exception):
    """Base of everything a job store raises on purpose."""


class StoreUnavailable(StoreError):  # noqa: N818 - states the condition, as the field's own errors do
    """The store cannot be read or written for now; nothing was changed, and trying again later is right."""


class StoreReplaced(StoreError):  # noqa: N818 - states what happened
    """The store was emptied since its positions were read; nothing was written."""


class BadCursor(StoreError, ValueError):  # noqa: N818 - names the thing at fault
    """A cursor was altered, cut short, or made for other filters."""
