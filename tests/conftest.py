"""Fixtures that every test may ask for."""

from tests.kafka import kafka, own_topics

__all__ = ["kafka", "own_topics"]
