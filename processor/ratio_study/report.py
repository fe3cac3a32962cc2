"""A ratio study as one HTML page that needs nothing else: tables, charts, strata, readable by people and readers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from processor.ratio_study import charts
from processor.ratio_study.files import Pairs
from processor.ratio_study.standard import verdicts
from processor.ratio_study.strata import by_stratum, value_deciles
from processor.ratio_study.study import Study, study, trimmed_study

_TEMPLATE: Final = "report.html.j2"
_LABELS: Final = {
    "median_ratio": "median ratio",
    "mean_ratio": "mean ratio",
    "weighted_mean_ratio": "weighted mean ratio",
    "cod": "COD",
    "prd": "PRD",
    "prb": "PRB",
    "vei": "VEI",
    "vei_significance": "VEI significance",
    "mki": "MKI",
    "mdape": "median absolute error",
    "within_5": "within 5 %",
    "within_10": "within 10 %",
    "within_20": "within 20 %",
    "r2": "R2",
    "coverage_90": "sales inside their 90 % interval",
}


_RATIOS: Final = frozenset({"median_ratio", "mean_ratio", "weighted_mean_ratio", "prd", "prb", "mki", "r2"})
"""Numbers of which the third digit counts; everything else is in per cent."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture and what it shows, in words."""

    title: str
    text: str
    svg: str


def html(title: str, pairs: Pairs) -> str:
    """Return the page of a study; the same sales give the same page."""
    bounds = (pairs.low, pairs.high)
    whole = study(pairs.price, pairs.value, *bounds)
    trimmed, cut = trimmed_study(pairs.price, pairs.value, *bounds)
    deciles = {"tenth by worth": value_deciles(pairs.price, pairs.value)}
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    return environment.get_template(_TEMPLATE).render(
        title=title,
        study=whole,
        period=_period(pairs),
        trimmed_count=cut,
        rejected=len(pairs.rejected),
        verdicts=verdicts(whole),
        summary=_summary(whole),
        rows=_rows(whole, trimmed),
        charts=_charts(pairs),
        strata=by_stratum(pairs.price, pairs.value, {**deciles, **pairs.strata}, *bounds),
        figure=_figure,
    )


def _summary(whole: Study) -> list[str]:
    """Return what the study says, in sentences for people who do not read statistics."""
    said = []
    if whole.median_ci is not None:
        low, high = (_per_cent(bound) for bound in whole.median_ci)
        said.append(
            f"The typical value is {_per_cent(whole.median_ratio)} % of its sale price "
            f"(between {low} and {high} %, with 95 % confidence)."
        )
    said.append(
        f"Half of the values lie within {whole.mdape:.1f} % of the price, {whole.within_10:.0f} % of them within 10 % "
        f"and {whole.within_20:.0f} % within 20 %."
    )
    known = [one for one in verdicts(whole) if one.met is not None]
    missed = [one.limit.label.partition(",")[0] for one in known if not one.met]
    if known and not missed:
        said.append(f"All {len(known)} limits of the standard are met.")
    elif missed:
        said.append(f"Of {len(known)} limits of the standard {len(missed)} are not met: {', '.join(missed)}.")
    if whole.coverage_90 is not None:
        said.append(f"{whole.coverage_90:.1f} % of the prices lie inside the interval that was to hold 90 % of them.")
    return said


def _per_cent(ratio: float) -> str:
    return f"{100.0 * ratio:.1f}"


def _rows(whole: Study, trimmed: Study) -> list[tuple[str, str, object, object, object]]:
    values, cut = whole.document(), trimmed.document()
    return [
        (name, label, values[name], values.get(f"{name.removesuffix('_ratio')}_ci"), cut[name])
        for name, label in _LABELS.items()
    ]


def _charts(pairs: Pairs) -> list[Chart]:
    price, value = pairs.price, pairs.value
    drawn = [
        Chart(
            "Ratio by worth",
            "Median ratio (dots) and middle half of the sales (bars) in each tenth by worth; grey is the range of 0.9 "
            "to 1.1, the line the median of all.",
            charts.by_decile(price, value),
        ),
        Chart("Ratios", "Number of sales by ratio; the line is the median.", charts.histogram(price, value)),
    ]
    if pairs.day is not None:
        text = "Median ratio of each month of sale, with its 95 % interval where there are at least six sales."
        drawn.append(Chart("Ratio over time", text, charts.by_month(price, value, pairs.day)))
    if pairs.latitude is not None and pairs.longitude is not None and np.isfinite(pairs.latitude).any():
        many = np.isfinite(pairs.latitude).sum() >= charts.FEWEST_FOR_CELLS
        text = "Median of the sales in each cell with five or more" if many else "Each sale at its place"
        text += ": red is valued high against its price, blue low, compared with the median ratio of all."
        drawn.append(Chart("Residuals on the map", text, charts.on_map(price, value, pairs.latitude, pairs.longitude)))
    return drawn


def _period(pairs: Pairs) -> str:
    if pairs.day is None:
        return ""
    first, last = np.datetime64(int(pairs.day.min()), "D"), np.datetime64(int(pairs.day.max()), "D")
    return f"{first} to {last}"


def _figure(name: str, value: float | None) -> str:
    """Return a statistic with the digits that reports of assessors give it."""
    if value is None:
        return "-"
    return f"{value:.3f}" if name in _RATIOS else f"{value:.1f}"
