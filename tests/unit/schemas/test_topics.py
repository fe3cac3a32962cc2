from schemas.topics import topics

DAY_MS = 86_400_000


def test_the_table_is_the_contract() -> None:
    table = {topic.name: (topic.partitions, dict(topic.settings)) for topic in topics()}
    assert table == {
        "valuation.requests": (12, {"cleanup.policy": "delete", "retention.ms": str(7 * DAY_MS)}),
        "valuation.results": (12, {"cleanup.policy": "delete", "retention.ms": str(30 * DAY_MS)}),
        "valuation.dead-letters": (12, {"cleanup.policy": "delete", "retention.ms": str(30 * DAY_MS)}),
        "property.records": (12, {"cleanup.policy": "compact"}),
        "property.sales": (12, {"cleanup.policy": "compact"}),
        "valuation.models": (1, {"cleanup.policy": "compact"}),
        "valuation.replays": (1, {"cleanup.policy": "compact"}),
    }


def test_a_prefix_names_another_installation() -> None:
    assert [topic.name for topic in topics("t1.")] == [f"t1.{topic.name}" for topic in topics()]
