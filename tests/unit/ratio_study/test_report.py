import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from processor.commands.ratio_study import ratio_study
from processor.ratio_study import study
from processor.ratio_study.files import Pairs
from processor.ratio_study.report import html
from processor.ratio_study.standard import verdicts


def pairs(n: int = 400) -> Pairs:
    draw = np.random.default_rng(2)
    price = np.exp(draw.normal(12.8, 0.4, n))
    value = price * np.exp(draw.normal(-0.02, 0.12, n))
    strata = {"area <b>": ["north" if row % 2 else "south & <west>" for row in range(n)]}
    return Pairs(
        price,
        value,
        low=value * 0.8,
        high=value * 1.2,
        day=draw.integers(18_000, 18_400, n),
        latitude=draw.normal(46.2, 0.1, n),
        longitude=draw.normal(-119.2, 0.1, n),
        strata=strata,
    )


class Page(HTMLParser):
    """Collects what a reader of the page depends on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_needs_nothing_else_and_is_the_same_every_time() -> None:
    text = html("Forward study", pairs())
    page = Page(text)
    assert text == html("Forward study", pairs())
    assert not {"script", "link", "iframe"} & set(page.tags)
    outside = [value for name, value in page.attributes if name in {"src", "href", "xlink:href"} and value]
    assert all(value.startswith(("#", "data:")) for value in outside)
    assert page.tags.count("svg") == 4


def test_pictures_and_tables_say_what_they_are() -> None:
    page = Page(html("Forward study", pairs()))
    assert page.tags.count("figure") == page.tags.count("figcaption") == 4
    assert page.tags.count("table") == page.tags.count("caption")
    assert ("lang", "en") in page.attributes
    assert [value for name, value in page.attributes if name == "role"].count("img") == 4
    assert page.tags.count("h1") == 1


def test_names_from_the_file_are_text_not_markup() -> None:
    text = html("<i>x</i>", pairs())
    assert "<b>" not in text.split("<h2>", 1)[1]
    assert "<west>" not in text
    assert "south &amp; &lt;west&gt;" in text
    assert "<i>" not in text


def test_what_is_not_known_is_not_drawn() -> None:
    sales = pairs()
    page = Page(html("Plain", Pairs(sales.price, sales.value)))
    assert page.tags.count("svg") == 2


def test_a_board_reads_the_study_in_words() -> None:
    sales = pairs()
    found = study(sales.price, sales.value)
    text = html("Forward study", sales)
    assert f"The typical value is {100 * found.median_ratio:.1f} % of its sale price" in text
    assert f"Half of the values lie within {found.mdape:.1f} % of the price" in text
    assert "All 5 limits of the standard are met." in text
    low = html("Low", replace(sales, value=sales.value * 0.8))
    assert "Of 5 limits of the standard 1 are not met: Level (median ratio)." in low


def test_statistics_have_the_digits_that_reports_give_them() -> None:
    sales = pairs()
    found = study(sales.price, sales.value)
    text = html("Forward study", sales)
    assert found.cod is not None
    assert found.prd is not None
    assert f'<th scope="row">COD</th><td>{found.cod:.1f}</td>' in text
    assert f'<th scope="row">PRD</th><td>{found.prd:.3f}</td>' in text


def test_one_sale_makes_a_page_too() -> None:
    text = html("One", Pairs(np.array([300_000.0]), np.array([290_000.0])))
    assert "not computable" in text


def test_many_places_are_drawn_as_one_picture() -> None:
    text = html("Large", pairs(3_000))
    assert len(text) < 1_500_000
    assert "Median of the sales in each cell" in text
    assert "Each sale at its place" in html("Small", pairs(300))


def test_sales_at_one_place_are_drawn_too() -> None:
    sales = pairs(700)
    here = replace(sales, latitude=np.full(700, 46.2), longitude=np.full(700, -119.2))
    assert Page(html("Tower", here)).tags.count("svg") == 4


def test_tenths_are_named_by_what_their_sales_are_worth() -> None:
    sales = pairs()
    dear = replace(sales, price=sales.price * 10, value=sales.value * 10)
    assert re.search(r">\d+k-\d+k<", html("Forward study", sales))
    assert re.search(r">\d\.\dm-\d+\.\dm<", html("Dear", dear))


def test_a_study_is_held_against_the_standard() -> None:
    sales = pairs()
    found = {one.limit.statistic: one.met for one in verdicts(study(sales.price, sales.value))}
    assert found == {"median_ratio": True, "cod": True, "prd": True, "prb": True, "vei": True}
    low = {one.limit.statistic: one.met for one in verdicts(study(sales.price, sales.value * 0.8))}
    assert low["median_ratio"] is False
    assert low["cod"] is True


@pytest.mark.parametrize(
    ("vei", "significance", "met"), [(-14.0, 3.0, True), (-14.0, 11.0, False), (-14.0, None, False), (9.0, None, True)]
)
def test_a_vei_beyond_its_limit_is_in_order_unless_it_is_significant(
    vei: float, significance: float | None, *, met: bool
) -> None:
    sales = pairs()
    found = replace(study(sales.price, sales.value), vei=vei, vei_significance=significance)
    assert next(one.met for one in verdicts(found) if one.limit.statistic == "vei") is met


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    rows = "".join(
        f"{200_000 + 900 * i},{195_000 + 950 * i},2025-{i % 12 + 1:02d}-03,46.{i},-119.{i}\n" for i in range(40)
    )
    file, page = tmp_path / "sales.csv", tmp_path / "study.html"
    file.write_text("sale_price,estimate,sale_date,latitude,longitude\n" + rows)
    app = typer.Typer()
    app.command()(ratio_study)
    result = CliRunner().invoke(app, [str(file), "--html", str(page), "--json"])
    assert result.exit_code == 0
    assert Page(page.read_text()).tags.count("svg") == 4
    assert "2025-01-03 to 2025-12-03" in page.read_text()
    result = CliRunner().invoke(app, [str(file), "--html", str(tmp_path / "no" / "study.html")])
    assert result.exit_code == 1


@pytest.mark.parametrize("text", ["yesterday", "", "2025-13-01"])
def test_dates_that_are_none_leave_out_the_chart(tmp_path: Path, text: str) -> None:
    file, page = tmp_path / "sales.csv", tmp_path / "study.html"
    file.write_text(f"sale_price,estimate,sale_date\n100,100,{text}\n100,90,2025-01-01\n")
    app = typer.Typer()
    app.command()(ratio_study)
    result = CliRunner().invoke(app, [str(file), "--html", str(page)])
    assert result.exit_code == 0
    assert Page(page.read_text()).tags.count("svg") == 2
