"""A ratio study as one JSON-ready document: the study, trimmed, by stratum, and the rows left out."""

from dataclasses import asdict

from processor.ratio_study.files import Pairs
from processor.ratio_study.strata import by_stratum, value_deciles
from processor.ratio_study.study import study, trimmed_study

DECILES = "value_decile"


def study_pairs(pairs: Pairs) -> dict[str, object]:
    """Study sales and values.

    The keys of the study stand at the top; beside them ``trimmed`` (the same without outlier ratios, and how many were
    cut), ``strata`` (groups of at least 30 sales, by column and by decile of worth) and ``rejected`` (line, reason).
    """
    bounds = (pairs.low, pairs.high)
    trimmed, cut = trimmed_study(pairs.price, pairs.value, *bounds)
    groupings = dict(pairs.strata)
    groupings.setdefault(DECILES, value_deciles(pairs.price, pairs.value))
    strata = by_stratum(pairs.price, pairs.value, groupings, *bounds)
    return {
        **study(pairs.price, pairs.value, *bounds).document(),
        "trimmed": {"trimmed": cut, **trimmed.document()},
        "strata": {
            grouping: {name: one.document() for name, one in groups.items()} for grouping, groups in strata.items()
        },
        "rejected": [asdict(one) for one in pairs.rejected],
    }
