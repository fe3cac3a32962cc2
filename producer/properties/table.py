"""The copy itself: one SQLite file, one writing thread, one reading thread; rows and topic positions go together."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import orjson

from producer.properties.base import Condition, CountySize, PropertyPage
from producer.store.base import Place

_VERSION: Final = 1
_PAGE: Final = 5_000
_SCHEMA: Final = """
CREATE TABLE properties(
    county TEXT NOT NULL, property_id TEXT NOT NULL, search TEXT NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (county, property_id)
);
CREATE INDEX properties_by_text ON properties(county, property_id, search);
CREATE TABLE counties(county TEXT PRIMARY KEY, properties INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER property_added AFTER INSERT ON properties BEGIN
    INSERT INTO counties VALUES (new.county, 1) ON CONFLICT DO UPDATE SET properties = properties + 1;
END;
CREATE TRIGGER property_removed AFTER DELETE ON properties BEGIN
    UPDATE counties SET properties = properties - 1 WHERE county = old.county;
END;
CREATE TABLE models(county TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE positions(
    topic TEXT NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) WITHOUT ROWID;
CREATE TABLE cluster(id TEXT NOT NULL);
"""
_PUT: Final = """
INSERT INTO properties VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET search = excluded.search, record = excluded.record
"""
_PUT_POSITION: Final = "INSERT INTO positions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET position = excluded.position"
_SEARCH: Final = """
SELECT property_id FROM properties
WHERE county = ? AND property_id > ? AND (? = '' OR instr(search, ?3) > 0) ORDER BY property_id LIMIT ?
"""
_FIND: Final = "SELECT record FROM properties WHERE county = ? AND property_id = ?"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far the topics of which cluster are in the copy."""

    cluster_id: str | None
    positions: Mapping[Place, int]


class PropertyRow(NamedTuple):
    """One property; a ``record`` of None removes it. ``search`` is the text that a search looks through."""

    county: str
    property_id: str
    search: str
    record: bytes | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What to write in one transaction."""

    properties: Sequence[PropertyRow]
    models: Sequence[tuple[str, bytes | None]]
    positions: Mapping[Place, int]


class PropertyTable:
    """Rows of the compacted topics; writing the same changes again changes nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = ThreadPoolExecutor(1, "properties-write")
        self._reader = ThreadPoolExecutor(1, "properties-read")
        self._writing: sqlite3.Connection | None = None
        self._reading: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Create the file or take over the one that is there; one of another version is replaced."""
        await self._in(self._writer, self._open)

    async def close(self) -> None:
        """Close the file; what was applied stays."""
        await self._in(self._reader, lambda: _close(self._reading))
        await self._in(self._writer, lambda: _close(self._writing))
        self._reader.shutdown(wait=False)
        self._writer.shutdown(wait=False)

    async def bookmark(self) -> Bookmark:
        """Return how far the topics have been applied, and of which cluster."""
        return await self._read(_bookmark)

    async def adopt(self, cluster_id: str) -> None:
        """Note the cluster that the positions belong to."""
        await self._write(lambda db: _adopt(db, cluster_id))

    async def apply(self, changes: Changes) -> None:
        """Write rows and positions in one transaction."""
        await self._write(lambda db: _apply(db, changes))

    async def clear(self) -> None:
        """Forget everything."""
        await self._write(_clear)

    async def find(self, county: str, property_id: str) -> bytes | None:
        """Return one record."""
        row = await self._read(lambda db: db.execute(_FIND, (county, property_id)).fetchone())
        return None if row is None else bytes(row[0])

    async def search(self, county: str, text: str, *, after: str | None, limit: int) -> PropertyPage:
        """Return a page of the records that hold ``text``, in any case, in their id or address."""
        return await self._read(lambda db: _search(db, county, text.casefold(), after or "", limit))

    async def ids(self, county: str, conditions: Sequence[Condition]) -> Sequence[str]:
        """Return the ids of the records that meet every condition; other reads get in between."""
        found: list[str] = []
        after = ""
        while page := await self._read(partial(_page, county=county, after=after, conditions=conditions)):
            found += [own for own, met in page if met]
            after = page[-1][0]
        return found

    async def counties(self) -> Sequence[CountySize]:
        """Return the counties with properties."""
        query = "SELECT county, properties FROM counties WHERE properties > 0 ORDER BY county"
        return await self._read(lambda db: [CountySize(*row) for row in db.execute(query)])

    async def models(self) -> Mapping[str, bytes]:
        """Return the models in service."""
        return await self._read(lambda db: dict(db.execute("SELECT county, record FROM models").fetchall()))

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writing = _connected(self._path)
        if self._writing.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            self._writing.close()
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._writing = _connected(self._path)
            self._writing.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
        self._reading = _connected(self._path)

    async def _write(self, work: Callable[[sqlite3.Connection], None]) -> None:
        def transaction() -> None:
            with _opened(self._writing) as db:
                work(db)

        await self._in(self._writer, transaction)

    async def _read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._in(self._reader, lambda: work(_opened(self._reading)))

    @staticmethod
    async def _in(thread: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, timeout=10.0)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA recursive_triggers = ON")
    return db


def _opened(db: sqlite3.Connection | None) -> sqlite3.Connection:
    if db is None:
        raise RuntimeError("the copy of the roll is not open")
    return db


def _close(db: sqlite3.Connection | None) -> None:
    if db is not None:
        db.close()


def _apply(db: sqlite3.Connection, changes: Changes) -> None:
    for row in changes.properties:
        if row.record is None:
            db.execute("DELETE FROM properties WHERE county = ? AND property_id = ?", (row.county, row.property_id))
        else:
            db.execute(_PUT, row)
    for county, record in changes.models:
        if record is None:
            db.execute("DELETE FROM models WHERE county = ?", (county,))
        else:
            db.execute("INSERT INTO models VALUES (?, ?) ON CONFLICT DO UPDATE SET record = ?2", (county, record))
    db.executemany(_PUT_POSITION, ((*place, position) for place, position in changes.positions.items()))


def _bookmark(db: sqlite3.Connection) -> Bookmark:
    cluster = db.execute("SELECT id FROM cluster").fetchone()
    rows = db.execute("SELECT topic, partition, position FROM positions")
    return Bookmark(None if cluster is None else cluster[0], {(row[0], row[1]): row[2] for row in rows})


def _adopt(db: sqlite3.Connection, cluster_id: str) -> None:
    db.execute("DELETE FROM cluster")
    db.execute("INSERT INTO cluster VALUES (?)", (cluster_id,))


def _clear(db: sqlite3.Connection) -> None:
    for table in ("properties", "counties", "models", "positions", "cluster"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above


def _page(db: sqlite3.Connection, county: str, after: str, conditions: Sequence[Condition]) -> list[tuple[str, bool]]:
    """Return the next ids and whether each meets the conditions."""
    if not conditions:
        query = "SELECT property_id FROM properties WHERE county = ? AND property_id > ? ORDER BY property_id LIMIT ?"
        return [(own, True) for (own,) in db.execute(query, (county, after, _PAGE))]
    query = "SELECT property_id, record FROM properties WHERE county = ? AND property_id > ? ORDER BY 1 LIMIT ?"
    rows = db.execute(query, (county, after, _PAGE))
    return [(own, _met(conditions, orjson.loads(record))) for own, record in rows]


def _met(conditions: Sequence[Condition], record: Mapping[str, object]) -> bool:
    return all(condition.met_by(record) for condition in conditions)


def _search(db: sqlite3.Connection, county: str, text: str, after: str, limit: int) -> PropertyPage:
    ids = [row[0] for row in db.execute(_SEARCH, (county, after, text, limit + 1))]
    page: Iterable[str] = ids[:limit]
    records = [bytes(db.execute(_FIND, (county, own)).fetchone()[0]) for own in page]
    return PropertyPage(records, ids[limit - 1] if len(ids) > limit else None)
