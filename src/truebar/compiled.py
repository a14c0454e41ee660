"""Compile a function of arrays with numba and keep its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Return `function` compiled at its first call; the machine code is kept beside the source.

    numba's own decorator has no types, so a strict checker would lose those of every kernel.
    The plain function stays reachable as `.py_func`, for tests.
    """
    return cast("Function", numba.njit(cache=True, nogil=True)(function))
