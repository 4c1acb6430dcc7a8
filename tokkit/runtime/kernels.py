# mypy: ignore-errors
"""The decorator of every kernel, and machine instructions that Numba lacks.

A kernel is a Numba function over arrays. It runs without Python's lock and returns after a bounded amount of
work, so that threads can share a corpus and Ctrl-C is handled between two calls.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import config, njit, types
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys
from numba.extending import intrinsic

from tokkit.runtime.kernel_cache import cache_folder

Kernel = Callable[..., Any]

# Bytes after the text in every array that a kernel reads: `bytes_between` reads 64 bytes from any byte of the
# text on, `load8` eight, and the last string may be empty and start at its end.
PADDING = 64


class _MachineCode(FunctionCache):
    """The cache of a kernel, which is read without what Numba needs to compile: 0.25 s of every run."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        # As in `FunctionCache`, without all implementations that a compiler chooses from: machine code only
        # calls the runtime. What is not in the cache is compiled, and the compiler then loads them.
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


def kernel(function: Kernel, **options: bool) -> Kernel:
    """The function, compiled at its first call; the machine code is cached between runs.

    ``NUMBA_CACHE_DIR`` moves the cache; where no folder can be written, every run compiles anew.
    """
    before = config.CACHE_DIR
    try:
        config.CACHE_DIR = str(cache_folder())
        # error_model="numpy": no check for a division by zero; no_cfunc_wrapper: nothing calls kernels from C
        compiled = njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True, **options)(function)
        compiled._cache = _MachineCode(function)
        return compiled
    except RuntimeError:  # no folder can be written to
        return njit(nogil=True)(function)
    finally:
        config.CACHE_DIR = before


# The same for a function that only kernels call: without the wrapper for Python it compiles faster.
helper = functools.partial(kernel, no_cpython_wrapper=True)


@intrinsic
def load8(typing: Any, data: Any, at: Any) -> Any:
    """``load8(data, at)``: the eight bytes from ``data[at]`` on as one uint64, the first one lowest."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature, arguments, 64)
        # align=1: a string may start at any byte, and an aligned load from there would be undefined
        return builder.load(pointer, align=1)

    return types.uint64(data, types.int64), generate


@intrinsic
def bytes_between(typing: Any, data: Any, at: Any, low: Any, high: Any) -> Any:
    """``bytes_between(data, at, low, high)``: bit i of a uint64 tells ``low <= data[at + i] <= high``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte = ir.IntType(8)
        vector = ir.VectorType(byte, 64)
        pointer = _pointer(context, builder, signature, arguments, 8)
        values = builder.load(builder.bitcast(pointer, vector.as_pointer()), align=1)
        low, high = (builder.trunc(bound, byte) for bound in arguments[2:])
        least, range_of = _splat(builder, low), _splat(builder, builder.sub(high, low))
        # one comparison: values below ``low`` wrap around to high ones
        within = builder.icmp_unsigned("<=", builder.sub(values, least), range_of)
        return builder.bitcast(within, ir.IntType(64))

    return types.uint64(data, types.int64, types.int64, types.int64), generate


@intrinsic
def prefetch(typing: Any, data: Any, at: Any) -> Any:
    """``prefetch(data, at)``: load the cache line of ``data[at]``, which is written to soon."""

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
        # 0: the result for a value without any bit set is defined (64)
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


def _splat(builder: Any, byte: Any) -> Any:
    """A vector of 64 times the same byte."""
    vector, zeros = ir.VectorType(byte.type, 64), ir.VectorType(ir.IntType(32), 64)
    single = builder.insert_element(vector(ir.Undefined), byte, ir.IntType(32)(0))
    return builder.shuffle_vector(single, vector(ir.Undefined), zeros(None))


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any, bits: int) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    element = builder.gep(array.data, [arguments[1]])
    return builder.bitcast(element, ir.IntType(bits).as_pointer())
