"""Importing this loads what commands load one by one: all of tokkit, torch, and the kernels in the cache."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import imblearn.over_sampling  # noqa: F401
import matplotlib.figure  # noqa: F401
import numba.core.dispatcher
import torch
import transformers.models.bert.modeling_bert  # noqa: F401

import tokkit

torch.set_num_threads(1)  # a pool of threads would not survive a fork
for _module in pkgutil.walk_packages(tokkit.__path__, "tokkit."):
    if _module.name not in ("tokkit.__main__", "tokkit.model.exported.standalone"):  # which run as they load
        try:
            importlib.import_module(_module.name)
        except ModuleNotFoundError as error:  # an extra that is not installed
            if not error.name or error.name.startswith("tokkit"):
                raise
for _name in [name for name in sys.modules if name.startswith("tokkit.") and name.endswith("_kernels")]:
    for _kernel in vars(sys.modules[_name]).values():
        if isinstance(_kernel, numba.core.dispatcher.Dispatcher):
            for _signature, *_ in _kernel._cache._cache_file._load_index():
                _kernel.compile(_signature)
