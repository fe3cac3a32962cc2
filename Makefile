# The whole life of the project from its root; the only prerequisites are Python >= 3.11 with venv and GNU make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help run test check audit format lock bench chaos soak fuzz mutation clean

help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python >= 3.11 is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Creating the virtual environment .venv"
	@$(PYTHON) -m venv .venv

.venv/.run-installed: .venv/pyvenv.cfg requirements.lock pyproject.toml
	@echo "Installing what the system needs, pinned by hash (about a minute the first time)"
	@$(PIP) install --progress-bar on --quiet --require-hashes --requirement requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev-installed: .venv/pyvenv.cfg requirements-dev.lock pyproject.toml
	@echo "Installing what the system and its tests need, pinned by hash (about a minute the first time)"
	@$(PIP) install --progress-bar on --quiet --require-hashes --requirement requirements-dev.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ .venv/.run-installed

run: .venv/.run-installed  ## set everything up and run Kafka, workers and gateway in the foreground
	@exec $(BIN)/terrafusion up

test: .venv/.dev-installed  ## run the whole test suite, real Kafka included
	@exec $(BIN)/pytest

chaos: .venv/.dev-installed  ## break a running system on purpose and check that nothing is lost, doubled or wrong
	@exec $(BIN)/python -m tests.chaos

bench: .venv/.dev-installed  ## measure engine, pipeline, latency and gateway, against peers doing the same work
	@exec $(BIN)/python -m bench

soak: .venv/.dev-installed  ## an hour under load and faults: does anything grow?
	@exec $(BIN)/python -m tests.chaos.soak

fuzz: .venv/.dev-installed  ## fuzz the decoders for MINUTES (6); the finds of earlier runs are part of `make test`
	@$(BIN)/uv pip install --quiet --target .local/fuzz/tools atheris==3.0.0
	@PYTHONPATH=.local/fuzz/tools exec $(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),6)

mutation: .venv/.dev-installed  ## test the tests: change the code a little and see whether one notices; writes docs/mutation.md
	@$(BIN)/uv pip install --quiet --target .local/mutation/tools mutmut==3.8.1
	@PYTHONPATH=$(CURDIR)/.local/mutation/tools exec $(BIN)/python -m tests.mutation $(MODULES)

check: .venv/.dev-installed  ## format, lint, types, import contracts, generated files up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m schemas.documents --check
	$(BIN)/python -m deploy.configuration --check
	$(BIN)/python -m deploy.grafana --check
	$(BIN)/python -m deploy.kubernetes --check

audit: .venv/.dev-installed  ## static security checks, known vulnerabilities of what is installed, a bill of materials
	$(BIN)/ruff check --select S schemas producer processor deploy
	$(BIN)/uv tool run --from bandit==1.9.4 bandit --quiet --recursive --severity-level high schemas producer processor deploy
	@mkdir -p .local/reports
	$(BIN)/uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py requirements requirements.lock \
		--pyproject pyproject.toml --output-reproducible --output-file .local/reports/sbom.cdx.json
	$(BIN)/uv tool run --from pip-audit==2.10.1 pip-audit --strict --requirement requirements.lock --require-hashes --disable-pip

format: .venv/.dev-installed  ## format the code and write generated files anew
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .
	$(BIN)/python -m schemas.documents
	$(BIN)/python -m deploy.configuration
	$(BIN)/python -m deploy.grafana
	$(BIN)/python -m deploy.kubernetes

lock: .venv/.dev-installed  ## resolve the dependencies anew into the lock files, the benchmark's included
	$(BIN)/uv pip compile $(LOCK) --extra build --extra otel --extra postgresql --extra dev --output-file requirements-dev.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --extra build --extra otel --extra postgresql --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --output-file bench/peers/requirements.lock bench/peers/requirements.in

LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-header --no-annotate

clean:  ## remove what the project made, the data of the local stack included
	rm -rf .venv .local
