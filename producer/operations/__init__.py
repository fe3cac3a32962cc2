"""Every operation of the gateway, in the order of the contract: the application and the OpenAPI document come of it."""

from typing import Final

from producer.console.operations import CONSOLE
from producer.operations.batches import BATCHES
from producer.operations.deadletters import DEAD_LETTERS
from producer.operations.rolls import ROLLS
from producer.operations.service import SERVICE
from producer.operations.valuations import VALUATIONS

OPERATIONS: Final = (*VALUATIONS, *BATCHES, *ROLLS, *DEAD_LETTERS, *SERVICE, *CONSOLE)
"""All of them."""
