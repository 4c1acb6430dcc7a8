"""What every kernel is made with: the decorator that compiles and caches, and three machine instructions.

A kernel is a Numba function over arrays. It runs without Python's lock and returns after a bounded piece of
work, so that threads can share a corpus and Ctrl-C is heard between two pieces.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba import config, njit, types
from numba.extending import intrinsic
from numba.np import linalg

from tokkit.progress import Progress

Kernel = Callable[..., Any]


def _load_arrays_without_scipy() -> None:
    """Loads Numba's array functions, which ask for `scipy.linalg` just to know whether `cov` may use it.

    Our kernels hold whole numbers. It would take 0.15 s and 14 MB of every run.
    """

    def none_here() -> None:
        raise ImportError

    asking = linalg.ensure_blas
    linalg.ensure_blas = none_here
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = asking


if "scipy.linalg" not in sys.modules:
    _load_arrays_without_scipy()


def kernel(function: Kernel) -> Kernel:
    """The function, compiled when it is first called; its machine code is kept between runs.

    ``NUMBA_CACHE_DIR`` moves the cache; where nothing can be written, every run compiles anew.
    """
    before = config.CACHE_DIR
    try:
        config.CACHE_DIR = str(cache_folder())
        return njit(nogil=True, cache=True, error_model="numpy", no_cfunc_wrapper=True)(function)
    except RuntimeError:  # there is no folder to write to
        return njit(nogil=True)(function)
    finally:
        config.CACHE_DIR = before


@functools.cache
def cache_folder() -> Path:
    """Where the machine code of these very kernels is kept.

    Numba looks at a function's own file alone to tell whether its cache is stale, though kernels call each
    other across files: the folder is therefore named after the content of all of them.
    """
    package = Path(__file__).parents[1]
    sources = sorted(package.rglob("*kernel*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    return _user_cache() / f"kernels-{digest}"


def say_if_compiling(module: str, progress: Progress) -> None:
    """Says that a module of kernels must be compiled first, where its machine code is not kept."""
    try:
        folder = cache_folder()
        if any(folder.rglob(f"{module}.*.nbc")):
            return
        folder.mkdir(parents=True, exist_ok=True)
        kept = os.access(folder, os.W_OK)
    except (OSError, RuntimeError):
        kept = False
    name = module.replace("_", " ")
    if kept:
        progress.say(f"compiling the {name}: some seconds, this once")
    else:
        told = "some seconds each time; NUMBA_CACHE_DIR can name a folder to keep them"
        progress.say(f"compiling the {name}: {told}")


def _user_cache() -> Path:
    if asked := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(asked) / "tokkit"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "tokkit"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tokkit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tokkit"


@intrinsic
def load8(typing: Any, data: Any, at: Any) -> Any:
    """``load8(data, at)``: the eight bytes from ``data[at]`` on as one uint64, the first one lowest."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature, arguments, 64)
        return builder.load(pointer, align=1)

    return types.uint64(data, types.int64), generate


@intrinsic
def prefetch(typing: Any, data: Any, at: Any) -> Any:
    """``prefetch(data, at)``: asks for the cache line of ``data[at]``, which is written to soon."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature, arguments, 8)
        number = ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], shape)
        for_writing, near, of_data = (ir.Constant(number, value) for value in (1, 3, 1))
        builder.call(function, [pointer, for_writing, near, of_data])
        return context.get_dummy_value()

    return types.void(data, types.int64), generate


@intrinsic
def trailing_zeros(typing: Any, value: Any) -> Any:
    """``trailing_zeros(value)``: how many low bits of a uint64 are zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any, bits: int) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    element = builder.gep(array.data, [arguments[1]])
    return builder.bitcast(element, ir.IntType(bits).as_pointer())
