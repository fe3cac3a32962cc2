"""The setting says where models lie; credentials are never part of it."""

from pathlib import Path

import pytest

from processor.model_store import open_model_store
from processor.valuation.model.errors import NoSuchBundle, StoreAway
from processor.valuation.model.store import ModelStore
from schemas.settings import CommonSettings


def settings(url: str | None, data_dir: Path = Path("data"), endpoint: str | None = None) -> CommonSettings:
    return CommonSettings(data_dir=data_dir, model_store_url=url, model_store_endpoint_url=endpoint)


@pytest.mark.parametrize(
    ("url", "path"), [(None, "data/models"), ("/m", "/m"), ("file:///m%20n", "/m n"), ("rel", "rel")]
)
def test_a_path_or_a_file_url_is_a_directory(url: str | None, path: str) -> None:
    found = open_model_store(settings(url))
    assert isinstance(found, ModelStore)
    assert found.root == Path(path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("gs://bucket/models", "gs:// is not known"),
        ("s3:///models", "no bucket"),
        ("s3://key:secret@bucket/models", "AWS_ACCESS_KEY_ID"),
    ],
)
def test_what_is_no_store_is_refused_with_a_hint_and_without_its_secrets(url: str, said: str) -> None:
    with pytest.raises(NoSuchBundle, match=said) as refused:
        open_model_store(settings(url))
    assert "secret" not in str(refused.value)


def test_a_store_that_nobody_runs_is_away_and_not_reachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    store = open_model_store(settings("s3://bucket/models", tmp_path, "http://127.0.0.1:9"))
    assert store.reachable
    with pytest.raises(StoreAway, match="s3://bucket/models") as away:
        store.serving("MADE")
    assert [store.reachable] == [False]
    assert "hidden" not in str(away.value)
    assert "\n" not in str(away.value)
