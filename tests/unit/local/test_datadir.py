import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.errors import DirectoryInUse, DiskFull
from deploy.local import datadir
from deploy.local.datadir import DataDirectory, running_cluster


def test_a_directory_serves_one_cluster_at_a_time(tmp_path: Path) -> None:
    with DataDirectory(tmp_path, 1):
        with pytest.raises(DirectoryInUse, match="running on"), DataDirectory(tmp_path, 1):
            pass
        assert running_cluster(tmp_path) is not None
    assert running_cluster(tmp_path) is None
    with DataDirectory(tmp_path, 1):
        pass


def test_the_cluster_id_stays(tmp_path: Path) -> None:
    with DataDirectory(tmp_path, 1) as first:
        before = first.cluster_id
    with DataDirectory(tmp_path, 1) as second:
        assert second.cluster_id == before


def test_an_old_address_is_not_told_of_a_cluster_that_does_not_listen_yet(tmp_path: Path) -> None:
    with DataDirectory(tmp_path, 1) as first:
        first.record("127.0.0.1:1")
        kept = running_cluster(tmp_path)
        assert kept is not None
        assert kept.bootstrap_servers == "127.0.0.1:1"
    with DataDirectory(tmp_path, 1):
        kept = running_cluster(tmp_path)
        assert kept is not None
        assert kept.bootstrap_servers == ""


def test_data_of_another_number_of_brokers_is_refused_and_kept(tmp_path: Path) -> None:
    with DataDirectory(tmp_path, 3) as first:
        before = first.cluster_id
    with pytest.raises(DirectoryInUse, match=r"3 broker\(s\), not of 1"), DataDirectory(tmp_path, 1):
        pass
    with DataDirectory(tmp_path, 3) as again:
        assert again.cluster_id == before


def test_a_damaged_file_of_ours_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    (tmp_path / "cluster.json").write_text("{")
    with DataDirectory(tmp_path, 1) as directory:
        assert directory.cluster_id


def test_a_broker_that_outlived_its_keeper_is_ended(tmp_path: Path) -> None:
    code = "import time; print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, f"{tmp_path}/broker-1.properties"], stdout=-1) as orphan:
        assert orphan.stdout is not None
        orphan.stdout.readline()
        (tmp_path / "broker-1.pid").write_text(f"{orphan.pid}\n")
        with DataDirectory(tmp_path, 1):
            assert not psutil.pid_exists(orphan.pid)
    assert not (tmp_path / "broker-1.pid").exists()


def test_a_stale_process_id_that_is_somebody_elses_now_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as innocent:
        (tmp_path / "broker-1.pid").write_text(f"{innocent.pid}\n")
        (tmp_path / "broker-2.pid").write_text("nonsense")
        with DataDirectory(tmp_path, 1):
            assert psutil.Process(innocent.pid).is_running()
            assert innocent.poll() is None
        innocent.kill()


def test_too_little_room_is_said_before_a_broker_dies_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datadir, "NEEDED_BYTES", 1 << 62)
    with pytest.raises(DiskFull, match="MiB are free"), DataDirectory(tmp_path, 1):
        pass
    assert running_cluster(tmp_path) is None
