import hashlib
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import orjson

from deploy.sample import sample_county
from deploy.sample.draws import Draws
from deploy.sample.files import write_files
from deploy.sample.market import market_level
from schemas.records import PropertyRecord, SaleRecord
from schemas.tabular import load_mapping, read_properties, read_sales

DIGEST = "17750b5177b183785821b282c720207cd1a834d3a137b8be7c88381c7ec67042"
DIGEST_COMMAND = """
import hashlib, orjson
from deploy.sample import sample_county
county = sample_county()
print(hashlib.sha256(orjson.dumps([county.properties, county.sales])).hexdigest())
"""


def test_the_county_is_the_same_bytes_everywhere() -> None:
    county = sample_county()
    assert hashlib.sha256(orjson.dumps([county.properties, county.sales])).hexdigest() == DIGEST


def test_the_county_is_the_same_bytes_in_another_process() -> None:
    done = subprocess.run([sys.executable, "-c", DIGEST_COMMAND], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == DIGEST


def test_there_are_five_thousand_properties_and_thirty_six_months_of_sales() -> None:
    county = sample_county()
    ids = [record["property_id"] for record in county.properties]
    assert len(set(ids)) == len(ids) == 5000
    assert {"PROP1", "PROP123", "PROP4999", "PROP_FAIL_SIMULATION"} <= set(ids)
    months = Counter(str(sale["sale_date"])[:7] for sale in county.sales)
    assert len(months) == 36
    assert min(months) == "2023-11"
    assert max(months) == "2026-10"
    assert min(months.values()) > 50
    assert len(county.sales) >= 4500
    assert len({sale["sale_id"] for sale in county.sales}) == len(county.sales)


def test_every_record_is_a_valid_one() -> None:
    county = sample_county()
    for record in county.properties:
        assert PropertyRecord.model_validate(record).county_id == "BENTON"
    for sale in county.sales:
        assert date(2023, 11, 1) <= SaleRecord.model_validate(sale).sale_date <= date(2026, 10, 31)


def test_the_two_named_properties_are_ordinary_and_clean() -> None:
    county = sample_county()
    for own_id in ("PROP123", "PROP_FAIL_SIMULATION"):
        [record] = [record for record in county.properties if record["property_id"] == own_id]
        assert record["property_class"] == "Single family"
        assert {"living_area_sqft", "lot_size_sqft", "year_built", "latitude", "condition"} <= record.keys()
        assert all(sale["eligible"] for sale in county.sales if sale["property_id"] == own_id)


def test_some_sales_are_dirty_as_real_ones_are() -> None:
    sales = sample_county().sales
    assert 100 < sum(not sale["eligible"] for sale in sales) < 400
    assert max(sale.get("bedrooms", 0) for sale in sales) == 33  # type: ignore[type-var]
    assert {2204, 198} <= {sale.get("year_built") for sale in sales}
    documents = Counter(sale["document_number"] for sale in sales)
    assert sum(count > 1 for count in documents.values()) == 8


def test_no_house_is_sold_before_it_is_built() -> None:
    for sale in sample_county().sales:
        year = sale.get("year_built")
        assert year in {None, 2204} or int(str(year)) <= int(str(sale["sale_date"])[:4])


def test_market_levels_end_at_one() -> None:
    levels = market_level()
    assert len(levels) == 36
    assert levels[-1] == 1.0
    assert 0.85 < levels.min() < levels.max() < 1.05


def test_prices_follow_the_documented_process() -> None:
    """The logarithm of price against size and quality: what a hedonic must be able to learn."""
    sales = [sale for sale in sample_county().sales if sale["eligible"] and sale.get("living_area_sqft")]
    area = np.log([float(str(sale["living_area_sqft"])) for sale in sales])
    quality = np.array([float(str(sale["quality"])) for sale in sales])
    price = np.log([float(str(sale["sale_price"])) for sale in sales])
    design = np.column_stack([np.ones(len(sales)), area, quality])
    beta, *_ = np.linalg.lstsq(design, price, rcond=None)
    assert 0.25 < beta[1] < 0.9
    assert 0.02 < beta[2] < 0.2


def test_draws_are_uniform_and_bell_shaped() -> None:
    draws = Draws(1)
    uniform, bell = draws.uniform(20_000), draws.bell(20_000)
    assert abs(uniform.mean() - 0.5) < 0.01
    assert 0 <= uniform.min() < uniform.max() < 1
    assert abs(bell.mean()) < 0.03
    assert abs(bell.std() - 1) < 0.02
    picks = np.bincount(draws.pick(20_000, (1, 3)), minlength=2)
    assert abs(picks[1] / 20_000 - 0.75) < 0.02


def test_importing_the_files_gives_the_published_records_but_for_what_the_import_reports(tmp_path: Path) -> None:
    write_files(tmp_path)
    properties, report = read_properties(tmp_path / "properties.csv", load_mapping(tmp_path / "properties.toml"))
    assert report.problems == []
    assert list(properties.records()) == [dict(record) for record in sample_county().properties]
    sales, report = read_sales(tmp_path / "sales.csv", load_mapping(tmp_path / "sales.toml"))
    assert report.rejected == 0
    reported = {problem.line - 2 for problem in report.problems}
    assert len(reported) == 11
    for row, (imported, published) in enumerate(zip(sales.records(), sample_county().sales, strict=True)):
        assert (imported == published) is (row not in reported), published["sale_id"]
