"""The property roll and the pool of sales in memory, in columns, kept current from the compacted topics."""

from processor.roll.county import CountyRoll
from processor.roll.follower import RollFollower
from processor.roll.roll import PropertyRoll
from processor.roll.serving import ServingModels
from processor.roll.snapshots import RollSnapshots, SnapshotRules

__all__ = ["CountyRoll", "PropertyRoll", "RollFollower", "RollSnapshots", "ServingModels", "SnapshotRules"]
