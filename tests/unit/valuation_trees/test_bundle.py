"""A bundle is what its version says, or it is refused."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pytest

from processor.training.train import Trained
from processor.valuation.frame import Floats, Sales
from processor.valuation.model import bundle as bundles
from processor.valuation.model.appraisal import MassAppraisal
from processor.valuation.model.bundle import Bundle
from processor.valuation.model.errors import BundleError, CorruptBundle, NoSuchBundle, Objected
from processor.valuation.model.packing import Array, pack, unpack
from processor.valuation.model.store import ModelStore


@dataclass(frozen=True, slots=True)
class _Inner:
    table: Floats
    name: str


@dataclass(frozen=True, slots=True)
class _Outer:
    inner: _Inner
    maybe: _Inner | None
    tables: tuple[Floats, ...]
    pair: tuple[int, float]
    label: str


def test_what_is_packed_comes_out_equal() -> None:
    given = _Outer(_Inner(np.arange(6.0).reshape(2, 3), "x"), None, (np.zeros(0), np.ones(2)), (1, 2.5), "label")
    arrays: dict[str, Array] = {}
    document = orjson.loads(orjson.dumps(pack(given, arrays)))
    found = unpack(_Outer, document, arrays)
    assert np.array_equal(found.inner.table, given.inner.table)
    assert [found.maybe, found.pair, found.label, len(found.tables)] == [None, (1, 2.5), "label", 2]


def test_the_version_names_the_content_and_not_the_hour(trained: Trained, tmp_path: Path) -> None:
    one = bundles.write(tmp_path / "a", trained.county, trained.papers, "2026-01-01T00:00:00.000Z")
    other = bundles.write(tmp_path / "b", trained.county, trained.papers, "2027-07-07T00:00:00.000Z")
    third = bundles.write(
        tmp_path / "c", trained.county, {**trained.papers, "revision": "0"}, "2026-01-01T00:00:00.000Z"
    )
    assert one.version == other.version != third.version


def test_a_version_that_is_there_is_left_as_it_is(trained: Trained, tmp_path: Path) -> None:
    first = bundles.write(tmp_path, trained.county, trained.papers, "first")
    second = bundles.write(tmp_path, trained.county, trained.papers, "second")
    assert second.manifest["trained_at"] == "first" == first.manifest["trained_at"]
    assert [path.name for path in (tmp_path / "MADE").iterdir()] == [first.version]


def _copy(bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle.directory, tmp_path / bundle.version))


@pytest.mark.parametrize("at", [0, 100_000, -1])
def test_one_changed_byte_of_the_arrays_is_refused(bundle: Bundle, tmp_path: Path, at: int) -> None:
    directory = _copy(bundle, tmp_path)
    content = bytearray((directory / "arrays.bin").read_bytes())
    content[at] ^= 1
    (directory / "arrays.bin").write_bytes(content)
    with pytest.raises(CorruptBundle, match="arrays"):
        bundles.read(directory)


def test_a_changed_manifest_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    directory = _copy(bundle, tmp_path)
    manifest = orjson.loads((directory / "manifest.json").read_bytes())
    manifest["study"]["cod"] = 1.0
    (directory / "manifest.json").write_bytes(orjson.dumps(manifest))
    with pytest.raises(CorruptBundle, match="manifest"):
        bundles.read(directory)


def test_a_manifest_with_another_hash_written_in_is_refused_too(bundle: Bundle, tmp_path: Path) -> None:
    directory = _copy(bundle, tmp_path)
    manifest = orjson.loads((directory / "manifest.json").read_bytes())
    manifest["version"] = "made-000000000000"
    (directory / "manifest.json").write_bytes(orjson.dumps(manifest))
    with pytest.raises(CorruptBundle):
        bundles.read(directory)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 99}', b"null"])
def test_an_unreadable_manifest_is_refused(bundle: Bundle, tmp_path: Path, content: bytes) -> None:
    directory = _copy(bundle, tmp_path)
    (directory / "manifest.json").write_bytes(content)
    with pytest.raises(CorruptBundle):
        bundles.read(directory)


def test_missing_arrays_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    directory = _copy(bundle, tmp_path)
    (directory / "arrays.bin").unlink()
    with pytest.raises(CorruptBundle):
        bundles.read(directory)


def test_nothing_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NoSuchBundle):
        bundles.read(tmp_path)


@pytest.mark.parametrize("version", ["", "..", "../x", "a/b", ".hidden"])
def test_a_version_is_no_path(store: ModelStore, version: str) -> None:
    with pytest.raises(NoSuchBundle):
        store.read("MADE", version)


def test_promoting_makes_a_version_serve(bundle: Bundle, tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    shutil.copytree(bundle.directory, tmp_path / "MADE" / bundle.version)
    assert store.serving("MADE") is None
    store.promote("MADE", bundle.version)
    assert store.serving("MADE") == bundle.version
    assert store.read("MADE").version == bundle.version
    assert store.versions("MADE") == [bundle.version]
    assert store.counties() == ["MADE"]


def test_a_model_that_did_not_pass_the_gate_serves_only_by_force(trained: Trained, tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    found = store.write(trained.county, {**trained.papers, "objections": ["COD 99"]}, "now")
    with pytest.raises(Objected, match="COD 99"):
        store.promote("MADE", found.version)
    assert store.serving("MADE") is None
    store.promote("MADE", found.version, force=True)
    assert store.serving("MADE") == found.version


def test_a_damaged_model_is_not_promoted(bundle: Bundle, tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    shutil.copytree(bundle.directory, tmp_path / "MADE" / bundle.version)
    (tmp_path / "MADE" / bundle.version / "arrays.bin").write_bytes(b"")
    with pytest.raises(BundleError):
        store.promote("MADE", bundle.version)
    assert store.serving("MADE") is None


def test_a_level_that_was_kept_gives_the_old_result_again(
    bundle: Bundle, engine: MassAppraisal, sales: Sales, tmp_path: Path
) -> None:
    store = ModelStore(tmp_path)
    store.keep_level("MADE", bundle.version, engine.level)
    kept = store.level("MADE", bundle.version, sales.version)
    assert kept is not None
    assert kept.on(int(sales.day[-1])) == engine.level.on(int(sales.day[-1]))
    assert store.level("MADE", bundle.version, "unknown") is None
