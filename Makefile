# truebar: `make demo` and `make test` are all a new user needs; the rest is below.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

export DAGSTER_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export MLFLOW_LOCK_MODEL_DEPENDENCIES := false
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

.PHONY: help install demo test check fmt ui clean

help:            ## Show the targets.
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

install: $(STAMP)  ## Make .venv with the pinned dependencies.

# torch comes first and by pip: its CPU wheel is chosen so; every other way pulls CUDA.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip -c constraints.txt uv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[orchestration,exchanges,learning,dev]'
	cd dbt_features && ../$(BIN)/dbt --quiet parse --no-use-colors
	touch $@

demo: install    ## Import the embedded market, run the whole graph, print the verdicts.
	$(BIN)/truebar demo

test: install    ## Run all tests.
	$(BIN)/pytest -n 2 --dist loadfile -m "not daemon"
	$(BIN)/pytest -m daemon

check: install   ## Lint, format check, types, import contract, definitions.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	DAGSTER_HOME= $(BIN)/dagster definitions validate -w workspace.yaml

fmt: install     ## Format and fix what can be fixed.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ui: install      ## Dagster UI and daemon on http://127.0.0.1:3000.
	$(BIN)/truebar ui

clean:           ## Remove caches and build leftovers, never data.
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov
	rm -rf dbt_features/target dbt_features/logs
	find . -path ./$(VENV) -prune -o -path ./.truebar -prune -o -name __pycache__ -type d -print0 | xargs -0 -r rm -rf
	find . -path ./$(VENV) -prune -o -path ./.truebar -prune -o -name '*.egg-info' -type d -print0 | xargs -0 -r rm -rf
	rm -f $(STAMP)
