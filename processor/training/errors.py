"""What can go wrong on purpose while training.

::

    TrainingError
    ├── TooFewSales     the county has not enough usable sales to learn from
    └── EqualPrices     every usable sale has the same price: there is nothing to learn
"""


class TrainingError(Exception):
    """Base of everything this package raises on purpose."""


class TooFewSales(TrainingError):  # noqa: N818 - reads as what it is
    """Not enough usable sales remain after validation; the message says how many and why the others went."""


class EqualPrices(TrainingError):  # noqa: N818 - reads as what it is
    """No price differs from another, so no characteristic can explain a difference; the message names the price."""
