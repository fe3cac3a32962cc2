"""Lanes: the only place that speaks Kafka. One lane moves one partition, exactly once."""

from processor.lanes.source import LaneSource

__all__ = ["LaneSource"]
