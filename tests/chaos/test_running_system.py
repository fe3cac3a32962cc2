"""The whole system under three minutes of faults: nothing lost, doubled, wrong or unseen. `make chaos` is longer."""

from collections import Counter
from pathlib import Path

import pytest

from tests.chaos import history
from tests.chaos.checker import check
from tests.chaos.disk import small_disk
from tests.chaos.history import Fault, Result
from tests.chaos.plan import KINDS
from tests.chaos.run import run
from tests.chaos.scenarios import Scenario

_FAULTS = {
    "worker-kill": 3,
    "worker-term": 2,
    "worker-pause": 3,
    "worker-freeze": 1,
    "gateway-kill": 3,
    "gateway-term": 2,
    "gateway-pause": 3,
    "gateway-freeze": 1,
    "broker-kill": 2,
    "broker-term": 2,
    "broker-pause": 3,
    "broker-freeze": 1,
    "network-latency": 3,
    "network-jitter": 3,
    "network-slow": 3,
    "network-slices": 3,
    "network-black-hole": 3,
    "network-reset": 4,
    "network-cut": 4,
    "rolling-restart": 1,
    "disk-full": 2,
    "model-swap": 3,
    "roll-update": 3,
    "duplicates": 3,
    "garbage": 3,
}


@pytest.mark.timeout(900)
def test_every_request_gets_its_one_right_result_through_faults_of_every_part(tmp_path: Path) -> None:
    assert set(_FAULTS) == set(KINDS)
    assert sum(_FAULTS.values()) >= 60
    scenario = Scenario(
        requests=2000, per_second=25, faults=_FAULTS, seed=20261123, workers=2, brokers=3, burst=200, crowded=True
    )
    operations = run(scenario, tmp_path)

    history.write(tmp_path / "history.jsonl.gz", operations)
    assert check(operations) == [], f"the history is {tmp_path}/history.jsonl.gz, logs beside it"
    faults = [each for each in operations if isinstance(each, Fault)]
    assert [each for each in faults if each.recovered_ms is None] == []
    with small_disk(tmp_path / "another") as disk:  # not everybody may mount one
        left_out = {"disk-full": 0} if disk is None else {}
    assert Counter(each.kind for each in faults) == Counter(_FAULTS | left_out)
    assert sum(isinstance(each, Result) for each in operations) > 1900
