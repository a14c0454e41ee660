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
# Where it is set, every command compiles all its Python anew.
unexport PYTHONDONTWRITEBYTECODE

# Which data, partition or table a target works on, given on the command line alone; empty: all, or the default.
DATA      :=
SYMBOL    :=
TIMEFRAME :=
TRIALS    :=
TABLE     := features.matrix
TO        :=
WHERE      = $(if $(SYMBOL),--symbol "$(SYMBOL)") $(if $(TIMEFRAME),--timeframe "$(TIMEFRAME)")

# Scripts that time both sides; the others prove (size, power) or draw.
BENCHES := $(filter-out $(addprefix benchmarks/,command.py planted.py size.py power.py seeds.py real.py draw.py \
	draw_market.py),$(wildcard benchmarks/*.py))

.PHONY: help install demo train-xgb backtest report watch mlflow export test proofs bench check fmt ui clean

help:            ## Show the targets.
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

install: $(STAMP)  ## Make .venv with the pinned dependencies.

# torch comes first and by pip: its CPU wheel is chosen so; every other way pulls CUDA.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip -c constraints.txt uv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[orchestration,exchanges,learning,dev]'
	cd dbt_features && ../$(BIN)/dbt --quiet parse --no-use-colors
	$(BIN)/truebar compile
	touch $@

demo: install    ## Run it all on the markets that come with it, or on your klines: DATA= SYMBOL= TIMEFRAME=
	$(BIN)/truebar demo $(if $(DATA),--data "$(DATA)") $(WHERE)

train-xgb: install  ## Search, train and judge one partition anew: SYMBOL= TIMEFRAME= [TRIALS=]
	$(BIN)/truebar train $(WHERE) $(if $(TRIALS),--trials "$(TRIALS)")

backtest: install   ## Judge what is trained again, without training: [SYMBOL=] [TIMEFRAME=]
	$(BIN)/truebar backtest $(WHERE)

report: install     ## Say where the reports are: [SYMBOL=] [TIMEFRAME=]
	$(BIN)/truebar report $(WHERE)

watch: install      ## Show how far searches are, wait for the next one; Ctrl-C ends it.
	$(BIN)/truebar watch $(WHERE)

mlflow: install     ## MLflow's UI over all trainings, on http://127.0.0.1:5000.
	$(BIN)/truebar mlflow

export: install     ## Write a table to a file: [TABLE=features.matrix] [TO=file.parquet|csv] [SYMBOL=] [TIMEFRAME=]
	$(BIN)/truebar export "$(TABLE)" $(if $(TO),--to "$(TO)") $(WHERE)

# More workers than cores: the daemon's tests, and those that kill, mostly wait.
test: install    ## Run all tests.
	$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

proofs: install  ## Size and power on hundreds of markets, other seeds, real ones (hours; goes on where it stopped).
	$(BIN)/python benchmarks/size.py
	$(BIN)/python benchmarks/power.py
	$(BIN)/python benchmarks/draw.py
	$(BIN)/python benchmarks/seeds.py
	$(BIN)/python benchmarks/real.py

bench: install   ## Time truebar beside its references, both sides in one process.
	for script in $(BENCHES); do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

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
