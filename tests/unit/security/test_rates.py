"""A key's rate: its quota at once, then its share of a minute."""

from hypothesis import given
from hypothesis import strategies as st

from producer.security.rates import Rates
from tests.unit.security.conftest import Ticks


def test_the_quota_may_be_used_at_once_and_comes_back_with_time() -> None:
    ticks = Ticks()
    rates = Rates(monotonic=ticks)
    assert [rates.take("k", 60).left for _ in range(60)] == list(range(59, -1, -1))
    refused = rates.take("k", 60)
    assert refused.retry_after == 1
    ticks.now += 1
    assert rates.take("k", 60).retry_after == 0
    assert rates.take("k", 60).retry_after == 1


@given(st.integers(1, 500), st.lists(st.floats(0, 30), max_size=300))
def test_no_minute_lets_through_more_than_twice_the_quota_and_who_waits_gets_in(
    quota: int, pauses: list[float]
) -> None:
    ticks = Ticks()
    rates = Rates(monotonic=ticks)
    let_in: list[float] = []
    for pause in pauses:
        ticks.now += pause
        if not rates.take("k", quota).retry_after:
            let_in.append(ticks.now)
    for at in let_in:
        assert sum(at <= other < at + 60 for other in let_in) <= 2 * quota
    allowance = rates.take("k", quota)
    ticks.now += allowance.retry_after
    assert not allowance.retry_after or not rates.take("k", quota).retry_after


def test_keys_do_not_share_their_rates() -> None:
    rates = Rates(monotonic=Ticks())
    assert rates.take("a", 1).retry_after == 0
    assert rates.take("a", 1).retry_after > 0
    assert rates.take("b", 1).retry_after == 0
