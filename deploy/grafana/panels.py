"""What the dashboards are made of: one look for all panels, and the data source they read from.

A query that has nothing to count answers 0, so that an empty panel always means that something is missing.
"""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh
from grafana_foundation_sdk.models.prometheus import QueryEditorMode

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
_WIDTH: Final = 24
_HIGH: Final = 8


def board(uid: str, title: str, description: str) -> dashboard.Dashboard:
    """Return an empty dashboard over the last half hour."""
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["terrafusion"])
        .readonly()
        .timezone("browser")
        .refresh("5s")
        .time("now-30m", "now")
    )


def counties(metric: str) -> dashboard.QueryVariable:
    """Return the choice of counties, all at first, from a metric that has them."""
    return (
        dashboard.QueryVariable("county")
        .label("County")
        .datasource(PROMETHEUS)
        .query({"query": f"label_values({metric}, county_id)", "refId": "county"})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .include_all(True)  # noqa: FBT003 - the builder's way
        .multi(True)  # noqa: FBT003 - the builder's way
        .all_value(".*")
    )


def figure(title: str, description: str, expression: str, *, unit: str = "short", across: int = 4) -> stat.Panel:
    """Return one number, ``across`` of them in a line."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .height(4)
        .span(_WIDTH // across)
        .unit(unit)
        .min(0)
        .color_mode(looks.BigValueColorMode.NONE)
        .graph_mode(looks.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_query(expression, title.lower(), "A"))
    )


def lines(  # noqa: PLR0913 - what a graph shows and how
    title: str,
    description: str,
    expressions: Mapping[str, str],
    *,
    unit: str = "short",
    across: int = 2,
    stacked: bool = False,
    floor: float | None = 0,
) -> timeseries.Panel:
    """Return a graph of queries by their legends, ``across`` of them in a line; ``floor`` is where its axis begins."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .height(_HIGH)
        .span(_WIDTH // across)
        .unit(unit)
        .draw_style(looks.GraphDrawStyle.LINE)
        .show_points(looks.VisibilityMode.NEVER)
        .fill_opacity(40 if stacked else 10)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI))
    )
    if floor is not None:
        panel = panel.min(floor)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL).group("A"))
    return _asking(panel, expressions)


def _asking(panel: timeseries.Panel, expressions: Mapping[str, str]) -> timeseries.Panel:
    for name, (legend, expression) in zip("ABCDEFGH", expressions.items(), strict=False):
        panel = panel.with_target(_query(expression, legend, name))
    return panel


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(looks.LegendDisplayMode.TABLE)
        .placement(looks.LegendPlacement.BOTTOM)
        .show_legend(True)  # noqa: FBT003 - the builder's way
        .calcs(["lastNotNull", "max"])
    )


def percentiles(histogram: str, *, by: str = "") -> dict[str, str]:
    """Return the queries of a histogram's 50th, 90th and 99th percentiles; ``by`` selects its series."""
    rate = f"sum by (le) (rate({histogram}_bucket{by}[$__rate_interval]))"
    return {f"p{int(100 * share)}": f"histogram_quantile({share}, {rate})" for share in (0.5, 0.9, 0.99)}


def _query(expression: str, legend: str, name: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .datasource(PROMETHEUS)
        .expr(expression)
        .legend_format(legend)
        .ref_id(name)
        .editor_mode(QueryEditorMode.CODE)
        .range()
    )
