"""Errors of the ratio study.

::

    RatioStudyError
    ├── UnreadableFile    the file is missing, is no table, or lacks a column
    └── NoUsableSales     not one row has a positive price and a positive value
"""


class RatioStudyError(Exception):
    """Base of everything the ratio study raises on purpose."""


class UnreadableFile(RatioStudyError):  # noqa: N818 - names what is wrong
    """The file cannot be read as sales and values."""


class NoUsableSales(RatioStudyError):  # noqa: N818 - names what is missing
    """There is nothing to study."""
