"""A trained model in a folder: ``model.json`` says what it is, ``model.npz`` holds its weights; never a pickle."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from hamexplorer._plain import take, take_list, take_whole
from hamexplorer.errors import CheckpointError, plain_text
from hamexplorer.model import MODELS, BlockModel, GraphSettings, LinearModel, Surrogate, WithResponse
from hamexplorer.model.linear import empty_linear
from hamexplorer.reference.kinds import method_from
from hamexplorer.train.card import ModelCard
from hamexplorer.train.checkpoint import read_checkpoint, write_checkpoint
from hamexplorer.train.committee import empty_model_of
from hamexplorer.train.geometry import Geometry, basis_of
from hamexplorer.train.model_shape import shape_of
from hamexplorer.train.prepare import baseline_of
from hamexplorer.train.runfile import fill
from hamexplorer.train.settings import RunSettings

if TYPE_CHECKING:
    from hamexplorer.train.trained import TrainedModel

#: Arrays of a geometry that travel with the weights, where it has them.
_EXTRA = ("mean", "level_map", "zero", "orbital_units")


def write_model(folder: Path, trained: TrainedModel) -> None:
    """Write both files.

    Raises:
        DatasetError: if the folder cannot be written.
    """
    geometry = trained.geometry
    extra = {name: getattr(geometry, name) for name in _EXTRA if getattr(geometry, name) is not None}
    header = {
        "kind": "model",
        "epoch": trained.epoch,
        "settings": trained.settings.to_dict(),
        "kind_of_method": type(trained.method).__name__,
        "method": vars(trained.method),
        "basis": trained.method.small_basis,
        "elements": list(geometry.graph.elements),
        "shells": {str(z): list(ls) for z, ls in geometry.template.shells.items()},
        "graph": {
            field.name: getattr(geometry.graph, field.name)
            for field in fields(GraphSettings)
            if field.name not in ("elements", "cutoff_angstrom")
        },
        "split": {part: list(keys) for part, keys in trained.split_keys.items()},
        "extra": list(extra),
        "card": None if trained.card is None else trained.card.to_dict(),
        # Whether a surrogate knows gaps; files of before do not say so, and theirs do not.
        "pools": isinstance(trained.model, Surrogate) and trained.model.start.gap is not None,
        # The same of whether atoms screen what they add to.
        "screened": isinstance(trained.model, WithResponse) and trained.model.screening is not None,
    }
    arrays = jax.tree.leaves((trained.fixed, trained.model))
    write_checkpoint(folder, "model", header, [*arrays, *extra.values()])


def read_model(folder: Path) -> dict[str, Any]:
    """The parts of a trained model, by the names of its attributes.

    Raises:
        CheckpointError: if it is missing, damaged, or written by a newer version.
    """
    header, arrays = read_checkpoint(folder, "model")
    try:
        return _parts_of(header, arrays)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        said = plain_text(f"{kind}{error}", 300)
        version = plain_text(str(header.get("hamexplorer", "unknown")), 20)
        raise CheckpointError(
            f"{folder} does not hold a model as this version writes it ({said}); train again, or open it with the "
            f"version that wrote it ({version})"
        ) from error


def _parts_of(header: dict[str, Any], arrays: list[np.ndarray]) -> dict[str, Any]:
    settings = RunSettings.from_record(take(header, "settings", dict))
    graph, template = shape_of(header, settings.cutoff)
    extra = {name: arrays.pop() for name in reversed(take_list(header, "extra", str))}
    # Models from before there were crystals name no kind: they are of molecules.
    method = method_from(take(header, "kind_of_method", str, "ReferenceMethod"), take(header, "method", dict))
    geometry = Geometry(basis_of(method), baseline_of(settings, graph), template, graph, **extra)
    pools, screened = (take(header, name, bool, False) for name in ("pools", "screened"))
    empty = _empty_model(settings, geometry, pools=pools, screened=screened)
    fixed, model = fill(empty, arrays)
    split = take(header, "split", dict)
    return {
        "settings": settings,
        "method": method,
        "geometry": geometry,
        "fixed": fixed,
        "model": model,
        "epoch": take_whole(header, "epoch"),
        "split_keys": {part: take_list(split, part, str) for part in split},
        "card": None if header.get("card") is None else ModelCard.from_dict(header["card"]),
    }


def _empty_model(
    settings: RunSettings, geometry: Geometry, *, pools: bool, screened: bool
) -> tuple[LinearModel | None, BlockModel | Surrogate]:
    """A model of the right shape with meaningless weights, to be filled from a file; the rest as there."""
    keeps_start = settings.model in MODELS and MODELS[settings.model].keeps_start
    start = empty_linear(geometry.template, geometry.graph) if keeps_start else None
    return start, empty_model_of(settings, geometry, pools=pools, screened=screened)
