"""A worker as `python -m processor`, but for its engine: that one raises whenever a certain property is in a batch."""

from typing import Final

import processor.worker
from processor.__main__ import main
from processor.appraisal import Appraisal, ConstantAppraisal
from processor.valuation.frame import InsufficientData, Subjects

RAISES: Final = "PROP_THAT_THE_ENGINE_CANNOT_BEAR"
MESSAGE: Final = "the engine cannot bear this property " + "at all " * 100


class FaultyEngine(ConstantAppraisal):
    """Values every property the same, except for one."""

    def value(self, subjects: Subjects) -> list[bytes | InsufficientData]:
        """Raise if the one is among the subjects."""
        if RAISES in subjects.property_id:
            raise ArithmeticError(MESSAGE)
        return super().value(subjects)


def _faulty(*_: object) -> Appraisal:
    return FaultyEngine()


if __name__ == "__main__":
    vars(processor.worker)["appraisal"] = _faulty
    main()
