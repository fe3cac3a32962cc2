"""Errors of the job view.

::

    ViewError
    ├── BadEventId      a Last-Event-ID that no view gave out (also a ValueError)
    ├── SlowListener    a listener fell too far behind and was cut off; it may resume from the last id it got
    ├── LogUnavailable  the topics cannot be read for now: try again
    └── ForeignLog      the topics are not those that the store was filled from
"""


class ViewError(Exception):
    """Base of everything the view raises on purpose."""


class BadEventId(ViewError, ValueError):  # noqa: N818 - names the thing at fault
    """An event id was altered, cut short, or made for other topics."""


class SlowListener(ViewError):  # noqa: N818 - names the thing at fault
    """A listener fell too far behind and was cut off."""


class LogUnavailable(ViewError):  # noqa: N818 - states the condition
    """The topics cannot be read for now."""


class ForeignLog(ViewError):  # noqa: N818 - names the thing at fault
    """The topics are not those that the store was filled from: another cluster, or emptied and made anew."""
