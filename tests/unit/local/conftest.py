from collections.abc import Callable

import pytest

from deploy.local.ports import free_ports


@pytest.fixture
def free_port() -> Callable[[], int]:
    return lambda: free_ports(1)[0]
