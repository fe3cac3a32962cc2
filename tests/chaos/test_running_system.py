"""The whole system under a minute of faults: nothing lost, doubled, wrong or unseen. `make chaos` is the long run."""

from collections import Counter
from pathlib import Path

import pytest

from tests.chaos import history
from tests.chaos.checker import check
from tests.chaos.history import Fault, Result
from tests.chaos.run import run
from tests.chaos.scenarios import Scenario

_FAULTS = {
    "worker-kill": 3,
    "worker-term": 2,
    "worker-pause": 2,
    "worker-freeze": 1,
    "gateway-kill": 1,
    "broker-kill": 1,
    "network-cut": 2,
    "network-reset": 1,
}


@pytest.mark.timeout(540)
def test_every_request_gets_its_one_right_result_through_faults_of_every_part(tmp_path: Path) -> None:
    operations = run(Scenario(requests=4000, per_second=100, faults=_FAULTS, seed=20261123, http_share=0.2), tmp_path)

    history.write(tmp_path / "history.jsonl.gz", operations)
    assert check(operations) == [], f"the history is {tmp_path}/history.jsonl.gz, logs beside it"
    assert Counter(each.kind for each in operations if isinstance(each, Fault)) == _FAULTS
    assert sum(isinstance(each, Result) for each in operations) > 3900
