import hashlib
import os
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.errors import JarAltered, JarsUnavailable
from deploy.local.jars import Jar, class_path, jars_directory, lock_digest, missing, read_lock


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    return tmp_path / "cache"


class Repository:
    """Serves jars from memory and counts what it was asked for."""

    def __init__(self, **content: bytes) -> None:
        self.content = content
        self.asked: list[str] = []

    def jars(self) -> list[Jar]:
        return [Jar("org.x", name, "1", hashlib.sha256(data).hexdigest()) for name, data in self.content.items()]

    def __call__(self, jar: Jar, scratch: Path) -> Path:
        self.asked.append(jar.artifact)
        path = scratch / f"served-{jar.artifact}"
        path.write_bytes(self.content[jar.artifact])
        return path


def test_the_committed_list_names_kafka_and_its_log_backend_with_whole_sums() -> None:
    jars = read_lock()
    assert {"org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36"} <= {
        f"{jar.group}:{jar.artifact}:{jar.version}" for jar in jars
    }
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert len({jar.file_name for jar in jars}) == len(jars) > 40


def test_a_second_user_of_the_cache_fetches_nothing() -> None:
    repository = Repository(a=b"A", b=b"B")
    jars = repository.jars()
    first = class_path(jars, source=repository)
    assert [path.read_bytes() for path in first] == [b"A", b"B"]
    assert class_path(jars, source=repository) == first
    assert sorted(repository.asked) == ["a", "b"]


def test_a_file_that_was_altered_in_the_cache_is_fetched_again() -> None:
    repository = Repository(a=b"A", b=b"B")
    first = class_path(repository.jars(), source=repository)
    first[1].write_bytes(b"evil")
    assert [jar.artifact for jar in missing(repository.jars())] == ["b"]
    class_path(repository.jars(), source=repository)
    assert first[1].read_bytes() == b"B"
    assert repository.asked.count("a") == 1


def test_a_fetched_file_with_another_sum_is_refused_and_not_kept() -> None:
    repository = Repository(a=b"A")
    jars = repository.jars()
    repository.content["a"] = b"evil"
    with pytest.raises(JarAltered, match=r"recorded in kafka\.lock"):
        class_path(jars, source=repository)
    assert not list(jars_directory(jars).iterdir())


def test_nothing_that_is_not_listed_comes_onto_the_class_path() -> None:
    repository = Repository(a=b"A")
    jars = repository.jars()
    class_path(jars, source=repository)
    (jars_directory(jars) / "stray.jar").write_bytes(b"S")
    assert [path.name for path in class_path(jars, source=repository)] == ["a-1.jar"]


def test_what_a_killed_fetch_left_is_removed(cache: Path) -> None:
    repository = Repository(a=b"A")
    abandoned = cache / "terrafusion" / "kafka" / f"{lock_digest(repository.jars())}-fetch-dead"
    abandoned.mkdir(parents=True)
    class_path(repository.jars(), source=repository)
    assert not abandoned.exists()


def test_many_at_once_fetch_each_jar_once() -> None:
    repository = Repository(**{f"j{i}": bytes([i]) * 1000 for i in range(20)})
    jars = repository.jars()
    with ThreadPoolExecutor(6) as pool:
        paths = list(pool.map(lambda _: class_path(jars, source=repository), range(6)))
    assert len(set(paths)) == 1
    assert len(repository.asked) == 20
    assert missing(jars) == ()


def test_progress_counts_up_to_all() -> None:
    repository = Repository(a=b"A", b=b"B", c=b"C")
    heard: list[tuple[int, int]] = []
    class_path(repository.jars(), lambda done, total: heard.append((done, total)), repository)
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_mavens_own_repository_is_used_where_its_file_is_the_recorded_one(tmp_path: Path) -> None:
    [jar] = Repository(a=b"A").jars()
    own = tmp_path / "m2" / "org" / "x" / "a" / "1" / "a-1.jar"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"A")
    assert class_path([jar])[0].read_bytes() == b"A"
    assert own.exists()


@pytest.mark.usefixtures("unreachable_network")
def test_a_jar_that_is_not_to_be_had_is_named_with_advice() -> None:
    [jar] = Repository(a=b"A").jars()
    with pytest.raises(JarsUnavailable, match=r"org.x:a:1 could not be fetched(.|\n)*Check the network"):
        class_path([jar])


@pytest.fixture
def unreachable_network(monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int]) -> None:
    """Lead every request to a proxy that does not exist."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_the_cache_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert jars_directory([]).is_relative_to(tmp_path / ".cache" / "terrafusion")


def test_the_authorities_of_this_machine_are_trusted_while_fetching(monkeypatch: pytest.MonkeyPatch) -> None:
    trusted: list[str | None] = []
    repository = Repository(a=b"A", b=b"B")

    def source(jar: Jar, scratch: Path) -> Path:
        trusted.append(os.environ.get("REQUESTS_CA_BUNDLE"))
        return repository(jar, scratch)

    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    class_path(repository.jars()[:1], source=source)
    assert "REQUESTS_CA_BUNDLE" not in os.environ
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/mine")
    class_path(repository.jars()[1:], source=source)
    assert trusted == [ssl.get_default_verify_paths().cafile, "/mine"]
    assert os.environ["REQUESTS_CA_BUNDLE"] == "/mine"
