"""`truebar compile`: afterwards the kernels are there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

FEATURES = """
import gc
from numba.core.dispatcher import Dispatcher
from truebar.features import batch
from truebar.market import synthetic
batch(synthetic("SYN-NULL", seed=3, n_bars=150).bars, timeframe="15m")
kernels = [one for one in gc.get_objects() if isinstance(one, Dispatcher) and one.stats.cache_path]
print(sum(sum(one.stats.cache_hits.values()) for one in kernels),
      sum(sum(one.stats.cache_misses.values()) for one in kernels))
"""


def test_compile_leaves_no_kernel_to_the_first_features():
    program = Path(sys.executable).with_name("truebar")
    quiet = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [program, "compile", "--json"], capture_output=True, text=True, env=quiet, check=True
    )
    assert set(json.loads(done.stdout)["cpu_s"]) == {"features", "protocol"}
    first = subprocess.run([sys.executable, "-c", FEATURES], capture_output=True, text=True, check=True)
    found, compiled = map(int, first.stdout.split())
    assert found > 0
    assert compiled == 0
