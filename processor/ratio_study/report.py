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
        rows=_rows(whole, trimmed),
        charts=_charts(pairs),
        strata=by_stratum(pairs.price, pairs.value, {**deciles, **pairs.strata}, *bounds),
        number=_number,
    )


def _rows(whole: Study, trimmed: Study) -> list[tuple[str, object, object, object]]:
    values, cut = whole.document(), trimmed.document()
    return [
        (label, values[name], values.get(f"{name.removesuffix('_ratio')}_ci"), cut[name])
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
        text = "Each sale at its place: red is valued high against its price, blue low, compared with the median ratio."
        drawn.append(Chart("Residuals on the map", text, charts.on_map(price, value, pairs.latitude, pairs.longitude)))
    return drawn


def _period(pairs: Pairs) -> str:
    if pairs.day is None:
        return ""
    first, last = np.datetime64(int(pairs.day.min()), "D"), np.datetime64(int(pairs.day.max()), "D")
    return f"{first} to {last}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    magnitude = abs(value)
    return f"{value:.0f}" if magnitude >= 1_000 else f"{value:.1f}" if magnitude >= 10 else f"{value:.3f}"  # noqa: PLR2004 - digits that people read
