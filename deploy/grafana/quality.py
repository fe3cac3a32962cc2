"""The dashboard of the values themselves: which models serve, how old they are, and how their ratio studies stand."""

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.panels import board, counties, lines

_COUNTY = 'county_id=~"$county"'


def quality() -> Dashboard:
    """Return the dashboard of models and ratio studies."""
    made = board(
        "terrafusion-quality",
        "TerraFusion Sync valuation quality",
        "Models in service against the IAAO standard: median 0.90-1.10, COD 5-15, PRD 0.98-1.03, PRB -0.05-0.05.",
    ).with_variable(counties("valuation_properties_loaded"))
    return _studies(_properties(_models(made)))


def _models(made: Dashboard) -> Dashboard:
    return (
        made.with_panel(
            lines(
                "Models",
                "Versions in service; a change shows as a new line.",
                {"{{county_id}} {{version}}": f"max by (county_id, version) (valuation_model_info{{{_COUNTY}}})"},
            )
        )
        .with_panel(
            lines(
                "Age of the models",
                "Days since training.",
                {"{{county_id}}": f"county:valuation_model_age:days{{{_COUNTY}}}"},
                unit="d",
            )
        )
        .with_panel(
            lines(
                "Market level",
                "Factor by which the newest sales correct the model.",
                {"{{county_id}}": f"county:valuation_market_level:ratio{{{_COUNTY}}}"},
                floor=None,
            )
        )
    )


def _properties(made: Dashboard) -> Dashboard:
    return made.with_panel(
        lines(
            "Models that do not serve",
            "Announced models that a worker cannot read, by reason; workers whose model store is away.",
            {
                "{{county_id}} {{reason}}": f"county_reason:valuation_model_unavailable:max{{{_COUNTY}}}",
                "store away": "count(valuation_model_store_reachable == 0) or vector(0)",
            },
        )
    ).with_panel(
        lines(
            "Properties",
            "On the roll.",
            {"{{county_id}}": f"max by (county_id) (valuation_properties_loaded{{{_COUNTY}}})"},
        )
    )


def _studies(made: Dashboard) -> Dashboard:
    return (
        made.with_panel(_statistic("Level", "Median ratio of value to price.", "median_ratio"))
        .with_panel(_statistic("Uniformity", "COD, percent: how far ratios lie from their median.", "cod"))
        .with_panel(_statistic("Vertical equity, PRD", "Above 1.03 cheap properties are valued higher.", "prd"))
        .with_panel(_statistic("Vertical equity, PRB", "Change of the ratio when the worth doubles.", "prb"))
    )


def _statistic(title: str, description: str, name: str) -> timeseries.Panel:
    query = f'county_statistic:valuation_ratio_study:value{{statistic="{name}",{_COUNTY}}}'
    return lines(title, description, {"{{county_id}}": query}, floor=None)
