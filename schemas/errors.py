"""Errors of the language itself.

::

    SchemaError
    ├── InvalidRequest      a record on the requests topic that is no valid request
    └── SettingsError       settings that cannot work, with what to change
"""


class SchemaError(Exception):
    """Base of everything this package raises on purpose."""


class InvalidRequest(SchemaError):  # noqa: N818 - named as the failure reason is
    """A record on the requests topic cannot be read as a request.

    ``job_id`` is the canonical id when one could be read, so that whoever waits for it gets a final answer;
    ``property_id`` and ``county_id`` are what could be read of them, else empty.
    """

    def __init__(self, message: str, *, job_id: str | None = None, property_id: str = "", county_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.job_id = job_id
        self.property_id = property_id
        self.county_id = county_id


class SettingsError(SchemaError):
    """A setting, or a combination of settings, cannot work; the message says what to change."""
