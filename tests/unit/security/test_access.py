"""The rules for a Kafka with an authorizer: from the topics table, and no more than each role needs."""

import json
import shlex

import pytest
from typer.testing import CliRunner

from deploy.access import ROLES, Rule, rules_for
from deploy.cli import build, run
from processor.settings import ProcessorSettings
from schemas.topics import topics

TABLE = topics("c7.")


def rules(role: str, operation: str = "", kind: str = "topic") -> set[str]:
    found = rules_for("c7.", None, [f"{role}=User:x"])
    return {rule.name for rule in found if rule.kind == kind and operation in {"", rule.operation}}


def test_each_topic_is_written_by_who_makes_it_and_by_nobody_else() -> None:
    writers = {topic.name: {role for role in ROLES if topic.name in rules(role, "Write")} for topic in TABLE}
    assert writers == {
        TABLE.requests.name: {"gateway", "operator"},
        TABLE.results.name: {"worker"},
        TABLE.dead_letters.name: {"worker"},
        TABLE.property_records.name: {"gateway", "importer"},
        TABLE.property_sales.name: {"gateway", "importer"},
        TABLE.models.name: {"trainer"},
        TABLE.replays.name: {"gateway", "operator"},
    }


def test_only_who_works_on_dead_letters_may_remove_them_and_only_the_operator_makes_topics() -> None:
    assert {role for role in ROLES if rules(role, "Delete")} == {"gateway", "operator"}
    assert rules("gateway", "Delete") == {TABLE.dead_letters.name}
    assert {role for role in ROLES if rules(role, "Create")} == {"operator"}
    assert rules("reader") == {TABLE.results.name}


def test_every_rule_stays_within_its_installation() -> None:
    for rule in rules_for("c7.", None, []):
        if rule.kind != "group":
            assert "c7." in rule.name, rule
        assert rule.name not in {"", "*"}
        assert rule.operation != "All"


def test_the_workers_rules_follow_their_group() -> None:
    assert rules("worker", "Read", "group") == {ProcessorSettings().group}
    named = rules_for("c7.", "another", ["worker=User:w"])
    assert Rule("worker", "User:w", "Read", "group", "another") in named
    assert Rule("worker", "User:w", "Write", "transactional-id", f"another.{TABLE.requests.name}.", "prefixed") in named


def test_the_command_writes_what_a_shell_takes_and_what_programs_read() -> None:
    said = CliRunner().invoke(build(), ["topics", "acls", "--role", "reader=User:o'brien $(x)"])
    words = [shlex.split(line) for line in said.stdout.splitlines()]
    assert all("User:o'brien $(x)" in line for line in words)
    listed = json.loads(CliRunner().invoke(build(), ["topics", "acls", "--json"]).stdout)["acls"]
    assert {rule["role"] for rule in listed} == set(ROLES)


@pytest.mark.parametrize("role", ["x=User:y", "worker", "worker=y", "=User:y"])
def test_an_unknown_role_is_said_in_a_sentence(role: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda: build()(["topics", "acls", "--role", role], standalone_mode=False)) == 1
    assert "ROLE=User:NAME" in capsys.readouterr().err
