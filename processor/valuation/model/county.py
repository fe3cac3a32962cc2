"""What a bundle holds of a county: the model, the sales it learned from, how its values are made and doubted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processor.valuation.allocation import LandSplit
from processor.valuation.frame import Floats, Frame, Ints, Objects, Sales
from processor.valuation.model.doubts import Support
from processor.valuation.model.interval import Spread
from processor.valuation.model.model import Model

Bytes = NDArray[np.bytes_]


@dataclass(frozen=True, slots=True)
class Sold:
    """The training sales in order of day: who they are, and what the model makes of them.

    Texts are UTF-8 in fixed width; an empty ``document_number`` is none. ``lines`` [s, lines] are the contributions of
    each explanation line, ``residual`` is log price minus model and index as the model sees the sale now, ``honest``
    the same for a model that had not seen it.
    """

    sale_id: Bytes
    property_id: Bytes
    document_number: Bytes
    day: Ints
    price: Floats
    lines: Floats
    residual: Floats
    honest: Floats

    def sales(self, version: str) -> Sales:
        """Return the sales' identities without their characteristics."""
        sale_id, property_id, document = (
            texts(column) for column in (self.sale_id, self.property_id, self.document_number)
        )
        document[document == ""] = None
        none = np.full(len(self.day), None, dtype=object)
        empty = Frame(len(self.day), {}, {})
        return Sales(sale_id, property_id, document, self.day, self.day, self.price, none, empty, version)


@dataclass(frozen=True, slots=True)
class CountyModel:
    """The content of a bundle.

    ``share`` is how much the comparables count beside the model. ``method_sd`` holds for each method how much less
    certain it is than the reconciled value, as a further standard deviation in log price.
    """

    county_id: str
    model: Model
    sold: Sold
    spread: Spread
    support: Support
    split: LandSplit
    share: float
    method_sd: Floats


def texts(column: Bytes) -> Objects:
    """Decode a column of texts."""
    decoded = np.empty(len(column), dtype=object)
    decoded[:] = [text.decode() for text in column.tolist()]
    return decoded


def encoded(column: Objects) -> Bytes:
    """Encode a column of texts, None as the empty text."""
    return np.array([(text or "").encode() for text in column.tolist()], dtype=np.bytes_)
