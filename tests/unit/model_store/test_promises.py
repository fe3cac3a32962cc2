"""A directory, and object storage in memory, keep what a model store promises."""

from pathlib import Path

import obstore
import pytest
from obstore.store import MemoryStore

from processor.model_store.objects import Objects
from processor.model_store.remote import ObjectModelStore
from processor.valuation.model.store import ModelStore
from tests.model_store import StorePromises, sales, trained

__all__ = ["sales", "trained"]


class DirectoryPlace:
    """Bundles in a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def store(self) -> ModelStore:
        return ModelStore(self._root)

    def spoil(self, key: str, content: bytes) -> None:
        (self._root / key).write_bytes(content)

    def keys(self) -> list[str]:
        return [str(path) for path in self._root.rglob("*") if path.is_file()]


class MemoryPlace:
    """Bundles as objects in memory; every process has a cache of its own."""

    def __init__(self, root: Path) -> None:
        self._objects = MemoryStore()
        self._root = root
        self._processes = 0

    def store(self) -> ObjectModelStore:
        self._processes += 1
        return ObjectModelStore(
            Objects(self._objects, "memory:"), ModelStore(self._root / f"process-{self._processes}")
        )

    def spoil(self, key: str, content: bytes) -> None:
        obstore.put(self._objects, key, content)

    def keys(self) -> list[str]:
        return [each["path"] for page in obstore.list(self._objects) for each in page]


class TestDirectory(StorePromises):
    @pytest.fixture
    def place(self, tmp_path: Path) -> DirectoryPlace:
        return DirectoryPlace(tmp_path)


class TestObjects(StorePromises):
    @pytest.fixture
    def place(self, tmp_path: Path) -> MemoryPlace:
        return MemoryPlace(tmp_path)
