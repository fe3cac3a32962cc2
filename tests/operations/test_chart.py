"""The Helm chart renders what Kubernetes and the operators accept, and refuses what could not work."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.configuration import variables
from schemas.topics import topics
from tests.operations.chart import (
    ALL,
    CHART,
    KUBERNETES,
    LEAST,
    helm,
    of,
    refusal,
    refused,
    refused_by_strimzi,
    rendered,
)
from tests.unit.operations.rules import RULES

OPERATORS = ("kafka.strimzi.io", "keda.sh", "monitoring.coreos.com")
FOREIGN = ("AWS_", "OTEL_")
OPERATORS_KNOW = {
    "KafkaTopic": {"partitions", "replicas", "config"},
    "KafkaUser": {"authentication", "authorization"},
    "PrometheusRule": {"groups"},
    "ScaledObject": {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "cooldownPeriod", "triggers"},
    "ServiceMonitor": {"jobLabel", "selector", "endpoints"},
    "TriggerAuthentication": {"secretTargetRef"},
}
VARIANTS: dict[str, dict[str, Any]] = {
    "least": {},
    "all": dict(ALL),
    "one gateway on SQLite": {"gateway": {"replicas": 1, "jobStoreSecret": "", "allowOpen": True}},
    "plain Kafka without operator": {
        "kafka": {"securityProtocol": "PLAINTEXT", "caSecret": ""},
        "strimzi": {"enabled": False},
        "networkPolicy": {"enabled": False},
    },
    "models in object storage": {
        "processor": {
            "modelStore": {
                "url": "s3://models/county",
                "endpoint": "https://minio.storage:9000",
                "region": "us-east-1",
                "credentialsSecret": "model-store",
            },
            "persistence": {"size": "2Gi", "storageClass": "fast"},
        },
    },
    "mutual TLS": {"kafka": {"securityProtocol": "SSL"}, "autoscaling": {"enabled": True}},
}


def values(variant: str) -> dict[str, Any]:
    merged: dict[str, Any] = {key: dict(value) for key, value in LEAST.items()}
    for key, value in VARIANTS[variant].items():
        merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    return merged


@pytest.fixture(params=VARIANTS)
def resources(request: pytest.FixtureRequest, tmp_path: Path) -> list[dict[str, Any]]:
    return rendered(tmp_path, values(request.param))


@pytest.fixture
def everything(tmp_path: Path) -> list[dict[str, Any]]:
    return rendered(tmp_path, ALL)


def pods(resources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what each workload's pods are made of."""
    kinds = ("Deployment", "StatefulSet", "Job")
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in resources if each["kind"] in kinds}


def test_helm_finds_nothing_to_complain_of(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(dict(ALL)), encoding="utf-8")
    done = helm("lint", CHART, "--strict", "--values", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kubernetes_knows_every_resource_and_field(resources: list[dict[str, Any]]) -> None:
    for each in resources:
        if not each["apiVersion"].startswith(OPERATORS):
            kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_keda_and_the_prometheus_operator_know_every_resource_and_field(everything: list[dict[str, Any]]) -> None:
    assert refused(everything) == {}


@pytest.mark.parametrize("wrong", [{"minReplicaCount": "two"}, {"scaleTargetRef": {}}, {"pollingIntervall": 5}])
def test_a_resource_that_an_operator_would_not_take_is_found(
    everything: list[dict[str, Any]], wrong: dict[str, Any]
) -> None:
    [scaled] = of(everything, "ScaledObject").values()
    changed = {**scaled, "spec": {**scaled["spec"], **wrong}}
    assert refused([changed]).keys() == {scaled["metadata"]["name"]}


def test_strimzi_knows_every_topic_and_user(everything: list[dict[str, Any]]) -> None:
    assert of(everything, "KafkaTopic")
    assert of(everything, "KafkaUser")
    assert refused_by_strimzi(everything) == {}


def test_topics_and_users_that_strimzi_would_not_take_are_found(everything: list[dict[str, Any]]) -> None:
    first, second, *_ = of(everything, "KafkaTopic").values()
    user, *_ = of(everything, "KafkaUser").values()
    first["spec"]["partitionz"] = 3
    second["spec"]["replicas"] = "many"
    user["spec"]["authorization"]["acls"][0]["resource"]["nam"] = "x"
    wrong = {each["metadata"]["name"] for each in (first, second, user)}
    assert refused_by_strimzi(everything).keys() == wrong


def test_the_operators_are_told_only_what_they_know(everything: list[dict[str, Any]]) -> None:
    for each in everything:
        if each["apiVersion"].startswith(OPERATORS):
            assert each["spec"].keys() <= OPERATORS_KNOW[each["kind"]]


def test_the_scaler_reads_the_lag_as_the_workers_do(everything: list[dict[str, Any]]) -> None:
    [scaled] = of(everything, "ScaledObject").values()
    [trigger] = scaled["spec"]["triggers"]
    assert trigger["type"] == "kafka"
    assert trigger["metadata"] == {
        "bootstrapServers": "terrafusion-kafka-bootstrap:9093",
        "consumerGroup": "valuation-processor",
        "topic": "valuation.requests",
        "lagThreshold": "5000",
        "offsetResetPolicy": "earliest",
        "allowIdleConsumers": "false",
        "sasl": "scram_sha512",
        "tls": "enable",
    }
    [access] = of(everything, "TriggerAuthentication").values()
    assert trigger["authenticationRef"]["name"] == access["metadata"]["name"]
    assert {each["parameter"] for each in access["spec"]["secretTargetRef"]} == {"username", "password", "ca"}


def test_pods_may_do_nothing_that_they_need_not(resources: list[dict[str, Any]]) -> None:
    for pod in pods(resources).values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]
            mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert {"/data", "/tmp"} <= mounts  # noqa: S108 - where the image may write


def test_pods_are_given_only_variables_that_the_code_reads(resources: list[dict[str, Any]]) -> None:
    for pod in pods(resources).values():
        for container in pod["containers"]:
            named = [variable["name"] for variable in container["env"]]
            assert len(set(named)) == len(named)
            assert {name for name in named if not name.startswith(FOREIGN)} <= set(variables())


def test_every_volume_is_mounted_and_every_mount_has_a_volume(resources: list[dict[str, Any]]) -> None:
    claims = {
        each["metadata"]["name"]: {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", ())}
        for each in resources
        if each["metadata"]["name"] in pods(resources)
    }
    for name, pod in pods(resources).items():
        for container in pod["containers"]:
            mounts = {mount["name"] for mount in container["volumeMounts"]}
            assert mounts == {volume["name"] for volume in pod["volumes"]} | claims[name]


def test_services_budgets_and_policies_select_pods_that_exist(resources: list[dict[str, Any]]) -> None:
    workloads = [each for each in resources if each["kind"] in {"Deployment", "StatefulSet"}]
    labels = [each["spec"]["template"]["metadata"]["labels"].items() for each in workloads]
    selectors = [each["spec"]["selector"] for each in of(resources, "Service").values()]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in of(resources, "PodDisruptionBudget").values()]
    selectors += [each["spec"]["podSelector"]["matchLabels"] for each in of(resources, "NetworkPolicy").values()]
    assert selectors
    for selector in selectors:
        assert sum(selector.items() <= each for each in labels) == 1


def test_probes_ask_where_the_processes_answer(everything: list[dict[str, Any]]) -> None:
    for name, port in (("county-gateway", 8000), ("county-processor", 8001)):
        [container] = pods(everything)[name]["containers"]
        assert container["ports"] == [{"name": "http", "containerPort": port}]
        paths = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
        assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}


def test_topics_are_those_of_the_table(everything: list[dict[str, Any]]) -> None:
    found = of(everything, "KafkaTopic")
    assert found.keys() == {topic.name for topic in topics()}
    for topic in topics():
        spec = found[topic.name]["spec"]
        assert spec["partitions"] == topic.partitions
        assert spec["config"] == {**topic.settings, "min.insync.replicas": "2"}


def test_a_prefix_is_on_topics_rights_and_what_is_scaled_by(tmp_path: Path) -> None:
    resources = rendered(tmp_path, {**ALL, "topicPrefix": "test."})
    assert of(resources, "KafkaTopic").keys() == {topic.name for topic in topics("test.")}
    for user in of(resources, "KafkaUser").values():
        named = [
            acl["resource"]["name"]
            for acl in user["spec"]["authorization"]["acls"]
            if acl["resource"]["type"] == "topic"
        ]
        assert all(name.startswith("test.") for name in named)
    [scaled] = of(resources, "ScaledObject").values()
    assert scaled["spec"]["triggers"][0]["metadata"]["topic"] == "test.valuation.requests"


def test_only_workers_may_write_results_and_only_with_their_transactional_ids(everything: list[dict[str, Any]]) -> None:
    users = of(everything, "KafkaUser")
    rights = {
        (name, acl["resource"]["type"], acl["resource"].get("name")): acl["operations"]
        for name, user in users.items()
        for acl in user["spec"]["authorization"]["acls"]
    }
    assert "Write" in rights["terrafusion-processor", "topic", "valuation.results"]
    assert rights["terrafusion-gateway", "topic", "valuation.results"] == ["Read"]
    assert rights["terrafusion-processor", "topic", "valuation.requests"] == ["Read"]
    ids = "valuation-processor.valuation.requests."
    assert "Write" in rights["terrafusion-processor", "transactionalId", ids]
    assert ("terrafusion-gateway", "transactionalId", ids) not in rights


def test_another_group_is_everywhere_the_same(tmp_path: Path) -> None:
    changed = {**LEAST["processor"], "settings": {"PROCESSOR_GROUP": "night"}}
    resources = rendered(tmp_path, {**ALL, "processor": changed})
    acls = of(resources, "KafkaUser")["terrafusion-processor"]["spec"]["authorization"]["acls"]
    named = {acl["resource"]["name"] for acl in acls if acl["resource"]["type"] != "topic"}
    assert named == {"night", "night.valuation.requests."}
    [scaled] = of(resources, "ScaledObject").values()
    assert scaled["spec"]["triggers"][0]["metadata"]["consumerGroup"] == "night"


def test_workers_are_never_more_than_partitions(everything: list[dict[str, Any]], tmp_path: Path) -> None:
    [scaled] = of(everything, "ScaledObject").values()
    assert scaled["spec"]["maxReplicaCount"] == topics().requests.partitions
    assert "replicas" not in of(everything, "StatefulSet")["county-processor"]["spec"]
    said = refusal(tmp_path, {**LEAST, "autoscaling": {"enabled": True, "maxReplicas": 13}})
    assert "maxReplicas" in said


def test_the_rules_are_those_of_the_repository(everything: list[dict[str, Any]]) -> None:
    found = of(everything, "PrometheusRule")
    for path in RULES.glob("*.yml"):
        assert found[f"county-{path.stem}"]["spec"] == yaml.safe_load(path.read_text(encoding="utf-8"))
    jobs = {each["spec"]["jobLabel"] for each in of(everything, "ServiceMonitor").values()}
    assert jobs == {"app.kubernetes.io/component"}  # gateway and processor, as the rules call them


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"gateway": {"replicas": 2, "apiKeysSecret": "keys"}}, "jobStoreSecret"),
        ({"gateway": {"jobStoreSecret": "jobs"}}, "allowOpen"),
        ({"processor": {"modelStore": {}}}, "modelStore"),
        ({"processor": {**LEAST["processor"], "replicas": 13}}, "replicas"),
        ({"kafka": {"bootstrapServers": "nowhere"}}, "bootstrapServers"),
        ({"logLevel": "LOUD"}, "logLevel"),
        ({"gatway": {}}, "gatway"),
        ({"autoscaling": {"enabled": True, "minReplicas": 9, "maxReplicas": 3}}, "minReplicas"),
    ],
)
def test_what_could_not_work_is_refused_by_name(tmp_path: Path, wrong: dict[str, Any], named: str) -> None:
    assert named in refusal(tmp_path, {**LEAST, **wrong})
