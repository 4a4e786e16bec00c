"""Learn effective electronic Hamiltonians live: load molecules, train, look.

`hamexplorer` in a terminal opens the dashboard; in Python the same verbs are

>>> import hamexplorer as hx
>>> dataset = hx.read_dataset("ethane")
>>> model = hx.train_model(dataset, hx.settings_for(dataset.structures, epochs=20))
>>> model.evaluate(dataset, "test").errors("test", units="eV")
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

#: Public name -> module that defines it, with `:name` where it is called otherwise there; loaded when first
#: asked for, so that importing the package is quick.
_PUBLIC = {
    "Controls": "hamexplorer.train.controls",
    "HamExplorerError": "hamexplorer.errors",
    "HamiltonianCalculator": "hamexplorer.train.ase_calculator",
    "Novelty": "hamexplorer.train.novelty",
    "Panels": "hamexplorer.panels.one_by_one",
    "ReferenceDataset": "hamexplorer.reference.dataset",
    "ReferenceMethod": "hamexplorer.reference.method",
    "Results": "hamexplorer.train.results",
    "RunSettings": "hamexplorer.train.settings",
    "Structure": "hamexplorer.structures.structure",
    "TARGETS": "hamexplorer.physics.targets",
    "TrainedModel": "hamexplorer.train.trained",
    "from_smiles": "hamexplorer.structures.smiles",
    "read_dataset": "hamexplorer.reference.dataset",
    "read_structures": "hamexplorer.structures.files",
    "run_references": "hamexplorer.reference.execute",
    "scf_guess": "hamexplorer.train.scf_guess",
    "screen_smiles": "hamexplorer.train.screening",
    "settings_for": "hamexplorer.train.suited",
    "show": "hamexplorer.panels.showing",
    "show_bands": "hamexplorer.panels.showing",
    "show_errors": "hamexplorer.panels.showing",
    "show_levels": "hamexplorer.panels.showing",
    "show_matrix": "hamexplorer.panels.showing",
    "show_orbital": "hamexplorer.panels.showing",
    "show_spectrum": "hamexplorer.panels.showing",
    "train_model": "hamexplorer.train.run:train",
    "write_dataset": "hamexplorer.reference.dataset",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'hamexplorer' has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    value = getattr(importlib.import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])


#: Where below :func:`cache_folder` JAX keeps compiled code.
COMPILED = "compiled"


#: Variables of the environment that importing this package has set.
SET_FOR_JAX: list[str] = []


def cache_folder() -> Path:
    """Where things stand that can be made again; ``HAMEXPLORER_CACHE`` in the environment moves it."""
    named = os.environ.get("HAMEXPLORER_CACHE")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("hamexplorer"))


def _configure_jax() -> None:
    """Float64 and compiled code kept per user, before anything imports JAX or PySCFAD.

    Eigenvalues need float64; PySCFAD would switch to it anyway, but only once it is imported. What a user has set
    in the environment stays.
    """
    folder = str(cache_folder() / COMPILED)
    wanted = {
        "JAX_ENABLE_X64": "1",
        "JAX_COMPILATION_CACHE_DIR": folder,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
        # Its folder would become part of what was compiled: code kept in one place would be no use in another.
        "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
    }
    for name, value in wanted.items():
        if name not in os.environ:
            os.environ[name] = value
            SET_FOR_JAX.append(name)
    if "jax" in sys.modules:
        config = sys.modules["jax"].config
        config.update("jax_enable_x64", True)
        if config.jax_compilation_cache_dir is None:
            config.update("jax_compilation_cache_dir", folder)
            config.update("jax_persistent_cache_min_compile_time_secs", 0)
            config.update("jax_persistent_cache_enable_xla_caches", "none")


_configure_jax()
