#!/bin/sh
# Make the environment of the oracles and write what they say: sh benchmarks/oracles/make.sh [folder]
# Needs uv and Python 3.11; the environment goes to build/oracles unless a folder is given.
set -eu
cd "$(dirname "$0")/../.."
environment="${1:-build/oracles}"
uv="$(command -v uv || echo .venv/bin/uv)"
test -x "$environment/bin/python" || "$uv" venv --python 3.11 "$environment"
"$uv" pip install --quiet --python "$environment/bin/python" -r benchmarks/oracles/requirements.txt
"$environment/bin/python" benchmarks/oracles/run_engines.py tests/unit/backtest/oracles.json
