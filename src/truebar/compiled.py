"""Compile a function of arrays with numba, keep its type, and tell one version of it from the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from types import CodeType
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import FunctionCache
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., object])
Result = TypeVar("Result")


def compiled(function: Function) -> Function:
    """Return `function` compiled at its first call; the machine code is kept beside the source.

    numba's own decorator has no types, so a strict checker would lose those of every kernel.
    The plain function stays reachable as `.py_func`, for tests.

    numba looks at one file only when it asks whether kept machine code is still that of the source, and would
    go on with code into which an older version of a function or constant of another file was compiled. The
    name under which code is kept therefore holds `code_digest`.
    """
    return _compiled(function)


def compiled_as_numpy(function: Function) -> Function:
    """Return `function` compiled like `compiled`, where a number over zero is infinite or NaN, as in numpy.

    Without the test and the error at each division a kernel takes half the time.
    """
    return _compiled(function, error_model="numpy")


def compiled_in_place(function: Function) -> Function:
    """Return `function` compiled like `compiled_as_numpy`, to become a part of each compiled caller.

    A call costs more than what the small steps of a kernel do. Not to be called from Python.
    """
    return _compiled(function, error_model="numpy", forceinline=True, **_NO_ENTRY)


def compiled_part(function: Function) -> Function:
    """Return `function` compiled like `compiled_as_numpy`, for compiled callers alone; once for all of them.

    Give it no bare whole number: to numba a constant is a type of its own, and each is compiled anew.
    """
    return _compiled(function, error_model="numpy", **_NO_ENTRY)


def compiled_within(function: Function) -> Function:
    """Return `function` for compiled callers that compile it anew, as if it stood in their own text.

    For a long function with a single caller: compiled apart, all that it calls would be compiled with it once
    more.
    """
    return _compiled(function, error_model="numpy", inline="always")


_NO_ENTRY: Final = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Without an entry for callers from Python and C a small function compiles in less than half the time."""


def compiled_in_any_order(function: Function) -> Function:
    """Return `function` compiled like `compiled`, with sums taken in whatever order is quickest.

    A sum taken in order waits for each addition; several at once are four times as quick. The last digits
    may differ from one kind of processor to another, so that nothing but a figure to be read may hang on it.
    """
    return _compiled(function, fastmath={"reassoc", "nsz"})


def _compiled(function: Function, **options: Any) -> Function:
    dispatcher = numba.njit(nogil=True, **options)(function)
    dispatcher._cache = _Cache(function)  # noqa: SLF001 (what numba's cache=True does, with our cache)
    return cast("Function", dispatcher)


def bound(function: Callable[..., Result], *arguments: NDArray[Any]) -> Callable[[], Result]:
    """Return what calls a compiled function with the same arrays each time; it is compiled now.

    numba looks at the type of each argument at each call, which shows where a call takes microseconds.
    """
    return partial(function.compile(tuple(map(numba.typeof, arguments))), *arguments)  # type: ignore[attr-defined]


def code_digest(function: Callable[..., object]) -> str:
    """Return 64 hexadecimal digits that change with what a compiled function computes.

    It covers the bytecode of the function and of every compiled function that it calls by a global name, the
    numbers, texts, tuples and arrays that they read by one, and numba's version; not comments, docstrings or
    names of variables.
    """
    digest = sha256(numba.__version__.encode())
    for part in _parts(getattr(function, "py_func", function), set()):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def _parts(function: Any, seen: set[int]) -> Iterator[str]:
    """Yield what a function computes, as texts: its own code, then that of what it names."""
    if id(function) in seen:
        return
    seen.add(id(function))
    yield from _code_parts(function.__code__, function.__doc__)
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if hasattr(value, "py_func"):
            yield from _parts(value.py_func, seen)
        elif isinstance(value, np.ndarray):
            yield f"{name} {value.dtype} {value.shape} {value.tobytes().hex()}"
        elif isinstance(value, (bool, int, float, str, tuple)):
            yield f"{name} {value!r}"


def _code_parts(code: CodeType, docstring: str | None) -> Iterator[str]:
    """Yield bytecode, names and constants of one code object and of those within it."""
    yield code.co_code.hex()
    yield " ".join(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code_parts(constant, None)
        elif isinstance(constant, frozenset):
            yield repr(sorted(map(repr, constant)))
        elif constant != docstring:
            yield repr(constant)


class _Cache(FunctionCache):  # type: ignore[misc]  # numba has no types
    """numba's cache of machine code on disk, with the version of all that was compiled in its key."""

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        return (*super()._index_key(signature, codegen), code_digest(self._py_func))
