"""The handler: records in, outcomes out, nothing else touched.

It knows neither Kafka nor Faust nor HTTP; the agent calls it, and nearly all tests of the processing core aim at it.
"""

from processor.handler.collaborators import Collaborators, CountyRolls, Engines, Roll
from processor.handler.work import Work, begin, complete, gather

__all__ = ["Collaborators", "CountyRolls", "Engines", "Roll", "Work", "begin", "complete", "gather"]
