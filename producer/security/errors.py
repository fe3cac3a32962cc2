"""Errors of the keys file.

::

    KeysFileError       the file cannot be read, is no keys file, or does not hold what was asked for
"""

from schemas.errors import SettingsError


class KeysFileError(SettingsError):
    """The keys file cannot be read or written, is no keys file, or holds no such key."""
