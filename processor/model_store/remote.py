"""A model store in object storage, read through a directory that holds verified copies.

A bundle's version names its content, so a copy never goes stale: what lies in the cache is served without asking. The
arrays are written before the manifest, and a bundle without manifest is none, so readers see it whole or not at all.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from processor.model_store.objects import Objects, Stored
from processor.valuation.model import bundle
from processor.valuation.model.bundle import ARRAYS, MANIFEST, Bundle
from processor.valuation.model.county import CountyModel
from processor.valuation.model.errors import BundleError, CorruptBundle, NoSuchBundle, StoreAway
from processor.valuation.model.levels import packed, unpacked
from processor.valuation.model.market import Level
from processor.valuation.model.store import LEVELS, LEVELS_KEPT, SERVING, ModelStore, require_passed

_COPIES_KEPT: Final = 5
"""Versions of a county that the cache keeps: the one that serves and those that it may go back to."""
_PARTS: Final = 3
"""County, version and file make the key of a manifest."""


class ObjectModelStore:
    """Bundles by county in object storage; one thread may write, any may read."""

    def __init__(self, objects: Objects, cache: ModelStore) -> None:
        self._objects = objects
        self._cache = cache
        self._unsent: dict[str, bytes] = {}
        self._sent: dict[str, str] = {}

    @property
    def reachable(self) -> bool:
        """Whether the store answered when it was last asked."""
        return self._objects.reachable

    def write(self, model: CountyModel, papers: Mapping[str, Any], trained_at: str) -> Bundle:
        """Write a bundle; it does not serve by that. One that is there already is left as it is."""
        made = self._cache.write(model, papers, trained_at)
        base = f"{model.county_id}/{made.version}"
        if self._objects.get(f"{base}/{MANIFEST}") is None:
            for name in (ARRAYS, MANIFEST):
                self._objects.put(f"{base}/{name}", made.directory / name)
            return made
        return self._fetched(model.county_id, made.version)

    def read(self, county_id: str, version: str | None = None) -> Bundle:
        """Read and verify a bundle: from the cache where it holds an intact copy, else from the store."""
        version = self.serving(county_id) if version is None else version
        if version is None:
            raise NoSuchBundle(f"no model serves county {county_id}: train one first")
        try:
            return bundle.read(self._cache.directory(county_id, version))
        except (NoSuchBundle, CorruptBundle):
            return self._fetched(county_id, version)

    def papers(self, county_id: str, version: str) -> Mapping[str, Any]:
        """Return a bundle's manifest without its arrays."""
        directory = self._cache.directory(county_id, version)
        try:
            return bundle.papers(directory)
        except BundleError:
            with tempfile.TemporaryDirectory() as scratch:
                self._fetch_manifest(county_id, version, Path(scratch))
                return bundle.papers(Path(scratch))

    def counties(self) -> list[str]:
        """Return the counties that have bundles."""
        return sorted({county_id for county_id, _ in self._bundles("")})

    def versions(self, county_id: str) -> list[str]:
        """Return a county's versions, the last trained first; unreadable ones last."""
        trained = {version: self._trained_at(county_id, version) for _, version in self._bundles(county_id)}
        return sorted(trained, key=lambda version: (trained[version], version), reverse=True)

    def serving(self, county_id: str) -> str | None:
        """Return the version that serves a county, None where none does."""
        content = self._objects.get(f"{county_id}/{SERVING}")
        try:
            return None if content is None else str(orjson.loads(content)["version"])
        except (ValueError, KeyError, TypeError):
            return None

    def promote(self, county_id: str, version: str, *, force: bool = False) -> Bundle:
        """Let a version serve; what the store holds of it is verified first, not the copy."""
        self._cache.directory(county_id, version)
        found = self._fetched(county_id, version)
        if not force:
            require_passed(found)
        self._objects.put(f"{county_id}/{SERVING}", orjson.dumps({"version": version}))
        return found

    def keep_level(self, county_id: str, version: str, level: Level) -> None:
        """Keep a level; while the store is away the last fifty wait for it in memory."""
        key = f"{county_id}/{LEVELS}/{version}@{Path(level.pool).name}.level"
        if self._sent.get(county_id) == key:
            return
        self._unsent[key] = packed(level)
        for oldest in list(self._unsent)[:-LEVELS_KEPT]:
            del self._unsent[oldest]
        for waiting in list(self._unsent):
            self._objects.put(waiting, self._unsent[waiting])
            del self._unsent[waiting]
        self._sent[county_id] = key
        self._remove_old_levels(county_id)

    def level(self, county_id: str, version: str, pool: str | None = None) -> Level | None:
        """Return what a pool showed to a version, the last pool where None is named; None where nothing is kept."""
        if pool is None:
            kept = [each for each in self._levels(county_id) if Path(each.key).name.startswith(f"{version}@")]
            if not kept:
                return None
            pool = Path(kept[-1].key).stem.partition("@")[2]
        content = self._objects.get(f"{county_id}/{LEVELS}/{version}@{Path(pool).name}.level")
        try:
            return None if content is None else unpacked(content, pool)
        except ValueError:
            return None

    def _levels(self, county_id: str) -> list[Stored]:
        """Return the levels of a county, the last written last."""
        return sorted(self._objects.below(f"{county_id}/{LEVELS}"), key=lambda each: (each.modified, each.key))

    def _remove_old_levels(self, county_id: str) -> None:
        for each in self._levels(county_id)[:-LEVELS_KEPT]:
            self._objects.delete(each.key)

    def _bundles(self, prefix: str) -> list[tuple[str, str]]:
        keys = [each.key.split("/") for each in self._objects.below(prefix)]
        return [(key[0], key[1]) for key in keys if len(key) == _PARTS and key[2] == MANIFEST]

    def _trained_at(self, county_id: str, version: str) -> str:
        try:
            return str(self.papers(county_id, version).get("trained_at", ""))
        except StoreAway:
            raise
        except BundleError:
            return ""

    def _fetch_manifest(self, county_id: str, version: str, directory: Path) -> None:
        if not self._objects.fetch(f"{county_id}/{version}/{MANIFEST}", directory / MANIFEST):
            raise NoSuchBundle(f"{self._objects.address}/{county_id}/{version}: no model lies there")

    def _fetched(self, county_id: str, version: str) -> Bundle:
        """Copy a bundle into the cache; nothing appears there that is not what its version says."""
        directory = self._cache.directory(county_id, version)
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=directory.parent) as scratch:
            fresh = Path(scratch) / version
            fresh.mkdir()
            self._fetch_manifest(county_id, version, fresh)
            self._objects.fetch(f"{county_id}/{version}/{ARRAYS}", fresh / ARRAYS)
            try:
                bundle.read(fresh)
            except CorruptBundle as wrong:
                said = str(wrong).replace(str(fresh), f"{self._objects.address}/{county_id}/{version}")
                raise CorruptBundle(said) from None
            _put_in_place(fresh, directory)
        self._remove_old_copies(directory)
        return bundle.read(directory)

    @staticmethod
    def _remove_old_copies(newest: Path) -> None:
        """Keep few copies of a county; a removed one that is in service stays mapped until it is not."""
        copies = [path for path in newest.parent.iterdir() if (path / MANIFEST).is_file() and path != newest]
        copies.sort(key=lambda path: (path / MANIFEST).stat().st_mtime, reverse=True)
        for path in copies[_COPIES_KEPT - 1 :]:
            shutil.rmtree(path, ignore_errors=True)


def _put_in_place(fresh: Path, directory: Path) -> None:
    """Rename a verified copy to where it belongs; another process may have been quicker."""
    shutil.rmtree(directory, ignore_errors=True)
    try:
        fresh.replace(directory)
    except OSError:
        if not (directory / MANIFEST).is_file():
            raise
