import socket
from pathlib import Path

import pytest

from deploy.errors import DirectoryInUse, PortTaken
from deploy.local.ports import free_ports
from deploy.local.processes import Processes, Programs, only_stack, refuse_taken_ports, stack_runs
from deploy.local.settings import LocalSettings
from schemas.settings import KafkaSettings, StackRecord


def settings(tmp_path: Path, **given: object) -> LocalSettings:
    gateway, processor = free_ports(2)
    return LocalSettings.model_validate(
        {"data_dir": tmp_path, "gateway_port": gateway, "processor_port": processor, **given}
    )


def test_a_taken_port_is_refused_with_its_owner_and_the_variable_to_set(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {port} is taken by process(.|\n)*GATEWAY_PORT="):
            refuse_taken_ports(settings(tmp_path, gateway_port=port))
        with pytest.raises(PortTaken, match="PROCESSOR_PORT="):
            refuse_taken_ports(settings(tmp_path, processor_port=port - 1, workers=2))


def test_a_worker_cannot_have_the_gateways_port(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    with pytest.raises(PortTaken, match=f"GATEWAY_PORT and worker 1 both want port {port}"):
        refuse_taken_ports(settings(tmp_path, gateway_port=port, processor_port=port - 1, workers=2))


def test_free_ports_are_accepted(tmp_path: Path) -> None:
    refuse_taken_ports(settings(tmp_path))


def test_a_second_stack_is_refused_and_told_where_the_first_is(tmp_path: Path) -> None:
    StackRecord(bootstrap_servers="x:1", gateway_url="http://g", supervisor_pid=7).write(tmp_path)
    with only_stack(tmp_path):
        assert stack_runs(tmp_path)
        with pytest.raises(DirectoryInUse, match=r"already \(process 7, gateway http://g\)"), only_stack(tmp_path):
            pass
    assert not stack_runs(tmp_path)


def test_each_worker_has_a_port_and_a_group_identity_of_its_own(tmp_path: Path) -> None:
    found = settings(tmp_path, workers=3)
    processes = Processes(Programs(), found, KafkaSettings(bootstrap_servers="b:1"), lambda _line: None)
    environments = [service.command().environment or {} for service in processes.workers()]
    assert [int(each["PROCESSOR_PORT"]) - found.processor_port for each in environments] == [0, 1, 2]
    assert len({each["PROCESSOR_INSTANCE_ID"] for each in environments}) == 3
    assert {each["KAFKA_BOOTSTRAP_SERVERS"] for each in environments} == {"b:1"}
    assert {each["DATA_DIR"] for each in environments} == {str(tmp_path)}


def test_an_address_that_listens_everywhere_is_shown_as_one_to_open(tmp_path: Path) -> None:
    found = settings(tmp_path, gateway_host="::", gateway_port=8123)
    assert found.gateway_url == "http://[::1]:8123"
