"""What requests are valued with: the counties' rolls and engines, or one fixed value to measure the pipeline with."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np

from processor.handler import Engines, Roll
from processor.roll import PropertyRoll, RollFollower, RollSnapshots, ServingModels, SnapshotRules
from processor.settings import ProcessorSettings
from processor.valuation.frame import Frame, InsufficientData, Ints, Subjects
from processor.warming import Warming
from schemas.clock import epoch_ms
from schemas.settings import CommonSettings
from schemas.topics import Topics


class Appraisal(Protocol):
    """A roll and the engines over it, and how they are kept current."""

    @property
    def roll(self) -> Roll:
        """The property roll."""
        ...

    @property
    def engines(self) -> Engines:
        """The engines in service."""
        ...

    @property
    def ready(self) -> bool:
        """Whether the roll has been read as far as its topics went at the start."""
        ...

    @property
    def inline(self) -> bool:
        """Whether valuing is so quick that it may be done in the event loop, some thousand requests at a time."""
        ...

    async def start(self) -> None:
        """Begin to read; returns at once."""
        ...

    async def stop(self) -> None:
        """Stop reading."""
        ...

    async def wait_ready(self) -> None:
        """Return once ``ready``; raises when it will never be."""
        ...

    async def catch_up(self) -> None:
        """Return when the roll holds everything that its topics held as of the call."""
        ...

    def sizes(self) -> Mapping[str, int]:
        """Return how many properties each county has."""
        ...

    def versions(self) -> Mapping[str, str]:
        """Return the version of the engine that serves each county."""
        ...

    def troubles(self) -> Mapping[str, str]:
        """Return the counties whose announced model does not serve, and why, as a constant to count by."""
        ...

    @property
    def store_reachable(self) -> bool:
        """Whether the model store answered when it was last asked."""
        ...

    def trained_ms(self) -> Mapping[str, int]:
        """Return when each county's model was trained, in milliseconds since 1970-01-01."""
        ...

    def levels(self, day: int) -> Mapping[str, float]:
        """Return by what factor the newest sales correct each county's model on a day since 1970-01-01."""
        ...

    def studies(self) -> Mapping[str, Mapping[str, float]]:
        """Return the statistics of each county's ratio study, as announced with the model."""
        ...


class CountyAppraisal:
    """The counties as their topics tell of them."""

    inline: Final = False

    def __init__(
        self,
        topics: Topics,
        client_options: Mapping[str, Any],
        common: CommonSettings,
        snapshots: RollSnapshots | None = None,
    ) -> None:
        # The engines bring scipy and numba along, 64 MB that the benchmarks' composition does without.
        from processor.model_store import open_model_store  # noqa: PLC0415 - start-up time
        from processor.valuation.model.serving import TrainedEngines  # noqa: PLC0415 - start-up time
        from processor.valuation.registry import EngineRegistry  # noqa: PLC0415 - start-up time

        self.roll: PropertyRoll = PropertyRoll()
        self._models = ServingModels()
        self._follower = RollFollower(self.roll, self._models, topics, client_options, snapshots=snapshots)
        self._trained = TrainedEngines(open_model_store(common), self._models.get, self.roll.sales)
        self.engines: EngineRegistry = EngineRegistry(self.roll.sales, trained=self._trained)
        self._warming = Warming(self.roll, self.engines, self._announced)
        self._keeping_warm: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether the roll has been read as far as its topics went at the start, is followed, and engines are made."""
        return self._warming.done and self._follower.ready and self._follower.failure is None

    async def start(self) -> None:
        """Begin to follow the topics."""
        await self._follower.start()
        self._keeping_warm = asyncio.create_task(self._keep_warm(), name="warming")

    async def stop(self) -> None:
        """Stop following the topics and making engines."""
        self._warming.stop()
        if self._keeping_warm is not None:
            self._keeping_warm.cancel()
            await asyncio.gather(self._keeping_warm, return_exceptions=True)
        await self._follower.stop()
        self._trained.close()
        self.engines.close()

    async def wait_ready(self) -> None:
        """Return once the roll is read and engines are made; raises what ended the follower."""
        await self._follower.wait_ready()
        await self._warming.wait_done()

    async def catch_up(self) -> None:
        """Return when the roll holds everything that its topics held as of the call."""
        await self._follower.catch_up()

    async def _keep_warm(self) -> None:
        await self._follower.wait_ready()
        await self._warming.keep()

    def _announced(self) -> Mapping[str, str]:
        return {county_id: model.version for county_id, model in self._models.all().items()}

    def sizes(self) -> Mapping[str, int]:
        """Return how many properties each county has."""
        return self.roll.sizes()

    def versions(self) -> Mapping[str, str]:
        """Return the version of every engine that serves; a county not valued yet is shown with the announced one."""
        troubles = self._trained.troubles()
        announced = self._announced()
        awaited = {county_id: version for county_id, version in announced.items() if county_id not in troubles}
        serving = {county_id: each for county_id, each in self._trained.versions().items() if county_id in announced}
        return {**self.engines.versions(), **awaited, **serving}

    def troubles(self) -> Mapping[str, str]:
        """Return the counties whose announced model does not serve, and why."""
        announced = self._models.all()
        return {county_id: why for county_id, why in self._trained.troubles().items() if county_id in announced}

    @property
    def store_reachable(self) -> bool:
        """Whether the model store answered when it was last asked."""
        return self._trained.store_reachable

    def trained_ms(self) -> Mapping[str, int]:
        """Return when each county's model was trained."""
        return {county_id: epoch_ms(model.trained_at) for county_id, model in self._models.all().items()}

    def levels(self, day: int) -> Mapping[str, float]:
        """Return the level of every county that a trained model has valued."""
        return self._trained.levels(day)

    def studies(self) -> Mapping[str, Mapping[str, float]]:
        """Return the figures of each study."""
        return {county_id: figures(model.study) for county_id, model in self._models.all().items()}


class ConstantAppraisal:
    """Holds every property of every county and values all of them the same: what is left is the pipeline."""

    _RESULT: Final = b'{"estimated_value":250000.0,"model_version":"constant"}'

    county_id: Final = "*"
    version: Final = "constant"
    ready: Final = True
    inline: Final = True
    store_reachable: Final = True

    @property
    def roll(self) -> Roll:
        """All properties."""
        return self

    @property
    def engines(self) -> Engines:
        """The one engine."""
        return self

    def county(self, _county_id: str) -> "ConstantAppraisal":
        """Return the county, like all others."""
        return self

    def lookup(self, property_ids: Sequence[str]) -> tuple[Ints, Frame]:
        """Find every property."""
        return np.arange(len(property_ids)), Frame(len(property_ids), {}, {})

    def engine(self, _county_id: str) -> "ConstantAppraisal":
        """Return the engine, the same for all."""
        return self

    def value(self, subjects: Subjects) -> list[bytes | InsufficientData]:
        """Return the same result for each subject."""
        return [self._RESULT] * len(subjects)

    async def start(self) -> None:
        """Read nothing."""

    async def stop(self) -> None:
        """Read nothing."""

    async def wait_ready(self) -> None:
        """Return at once."""

    async def catch_up(self) -> None:
        """Return at once."""

    def sizes(self) -> Mapping[str, int]:
        """Return nothing: there are no properties."""
        return {}

    def versions(self) -> Mapping[str, str]:
        """Return nothing: there is no model."""
        return {}

    def troubles(self) -> Mapping[str, str]:
        """Return nothing: there is no model."""
        return {}

    def trained_ms(self) -> Mapping[str, int]:
        """Return nothing: there is no model."""
        return {}

    def levels(self, _day: int) -> Mapping[str, float]:
        """Return nothing: there is no market."""
        return {}

    def studies(self) -> Mapping[str, Mapping[str, float]]:
        """Return nothing: there is no model."""
        return {}


def figures(study: Mapping[str, object]) -> dict[str, float]:
    """Return what of a study is a finite number: announcements are anybody's."""
    return {
        name: float(value)
        for name, value in study.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def appraisal(
    settings: ProcessorSettings, topics: Topics, client_options: Mapping[str, Any], common: CommonSettings
) -> Appraisal:
    """Return the appraisal of a worker's settings: the counties', or the constant one."""
    if settings.engine == "constant":
        return ConstantAppraisal()
    rules = SnapshotRules(
        directory=settings.roll_snapshot_dir or common.data_dir / "roll",
        seconds=settings.roll_snapshot_seconds,
        max_hours=settings.roll_snapshot_max_hours,
        least_parcels=settings.roll_snapshot_parcels,
    )
    return CountyAppraisal(topics, client_options, common, RollSnapshots(rules))
