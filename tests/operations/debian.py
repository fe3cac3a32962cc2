"""Programs that tests need and that come with the system, not with Python."""

import shutil

import pytest


def program(name: str, package: str) -> str:
    """Return the path of a program; skip the test where it is missing, and say what brings it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is missing: install the Debian package {package} (.ci/packages does)")
    return found
