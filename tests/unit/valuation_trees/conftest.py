"""One small county, trained once for all tests that only read."""

from pathlib import Path

import pytest

from processor.training.train import Trained
from processor.valuation.frame import Sales
from processor.valuation.model.appraisal import MassAppraisal
from processor.valuation.model.bundle import Bundle
from processor.valuation.model.store import ModelStore
from tests.model_store import trained_once
from tests.unit.training.county import DAYS, FIRST_DAY, made_sales

AS_OF = FIRST_DAY + DAYS - 120


@pytest.fixture(scope="session")
def sales() -> Sales:
    return made_sales()


@pytest.fixture(scope="session")
def trained() -> Trained:
    return trained_once()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return ModelStore(Path(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="session")
def bundle(trained: Trained, store: ModelStore) -> Bundle:
    return store.write(trained.county, {**trained.papers, "objections": []}, "2026-01-01T00:00:00.000Z")


@pytest.fixture(scope="session")
def engine(bundle: Bundle, sales: Sales) -> MassAppraisal:
    return MassAppraisal(bundle, sales)
