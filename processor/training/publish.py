"""Publishing a trained model: judged by the gate, written to the store, promoted and announced if nothing objects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from processor.ratio_study import Study
from processor.training.gate import objections, worse
from processor.training.train import Trained
from processor.valuation.frame import Sales
from processor.valuation.model.appraisal import level_of
from processor.valuation.model.bundle import Bundle
from processor.valuation.model.errors import BundleError
from processor.valuation.model.store import BundleStore

Announce = Callable[[Bundle], object]
"""Tells the workers of a bundle that serves from now on; what it returns does not matter."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of a training: the bundle, whether it serves, and what speaks against it."""

    bundle: Bundle
    published: bool
    reasons: list[str]
    study: Study

    def document(self) -> dict[str, object]:
        """Return what the command prints: the verdict, the study, and what became of every sale and column given."""
        papers = self.bundle.manifest
        return {
            "county_id": self.bundle.model.county_id,
            "version": self.bundle.version,
            "published": self.published,
            "reasons": self.reasons,
            "study": self.study.document(),
            "sales": papers["sales"],
            "studied": papers["studied"],
            "features": papers["features"],
        }


def publish(  # noqa: PLR0913 - what is published, where to, and who is told when
    trained: Trained, sales: Sales, store: BundleStore, announce: Announce, *, trained_at: str, force: bool = False
) -> Publication:
    """Write the bundle; let it serve and announce it if the gate has no objection or ``force`` is given.

    A bundle that does not serve is kept all the same, to be looked at or promoted by hand.
    """
    county_id = trained.county.county_id
    reasons = objections(trained.study)
    bundle = store.write(trained.county, {**trained.papers, "objections": reasons}, trained_at)
    comparison = worse(trained.study, serving_study(store, county_id))
    reasons = reasons if comparison is None else [*reasons, comparison]
    store.keep_level(county_id, bundle.version, level_of(bundle.model, sales))
    published = force or not reasons
    if published:
        store.promote(county_id, bundle.version, force=force)
        announce(bundle)
    return Publication(bundle, published, reasons, trained.study)


def serving_study(store: BundleStore, county_id: str) -> Study | None:
    """Return the study of the bundle that serves a county, None where there is none to compare with."""
    version = store.serving(county_id)
    if version is None:
        return None
    try:
        return _study(store.papers(county_id, version)["study"])
    except (BundleError, KeyError, TypeError):
        return None


def _study(document: Mapping[str, Any]) -> Study:
    members: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in document.items()}
    return Study(**members)
