"""A run as something that repeats it: settings for the command line, a Python script, a notebook."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from hamexplorer import __version__
from hamexplorer.reference.dataset import SHIPPED
from hamexplorer.session.runs import Run


def settings_toml(run: Run) -> str:
    """What `hamexplorer train DATASET --config` takes; the epochs are those that were done."""
    values = run.settings.to_dict() | {"epochs": run.epochs}
    targets = values.pop("targets")
    lines = [
        f"# hamexplorer {__version__}, {run.label}: {run.dataset}, {run.n_structures} structures",
        *_notes(run),
    ]
    lines += [f"{name} = {_toml(value)}" for name, value in values.items()]
    lines += ["", "[targets]", *(f"{name} = {_toml(float(weight))}" for name, weight in targets.items()), ""]
    return "\n".join(lines)


def script(run: Run) -> str:
    """A Python program that repeats the run and prints its errors on the test structures."""
    return "\n\n".join("\n".join(lines) for lines in _parts(run)) + "\n"


def notebook(run: Run) -> str:
    """The same as a Jupyter notebook."""
    made = f"Made by hamexplorer {__version__}; repeats the run exactly on the same machine."
    words = f"# {escape(run.dataset)}, {run.label}\n\n{made}"
    cells: list[dict[str, Any]] = [_cell("markdown", words)]
    cells += [_cell("code", "\n".join(lines)) for lines in _parts(run)]
    content = {
        "cells": [cell | {"id": f"cell-{k}"} for k, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True)}
    return cell | {"execution_count": None, "outputs": []} if kind == "code" else cell


def _parts(run: Run) -> list[list[str]]:
    """Blocks of code: data, settings, training, errors."""
    shipped = run.dataset in SHIPPED
    source = run.dataset if shipped else f"{run.dataset}.h5"
    data = ["import hamexplorer as hx", ""]
    data += [] if shipped else ["# The data set that was open then; put its file beside this one."]
    data += [f"dataset = hx.read_dataset({json.dumps(source, ensure_ascii=False)})"]  # a name is no code
    data += [] if run.rows is None else [f"dataset = dataset.subset({list(run.rows)!r})"]
    values = run.settings.to_dict() | {"epochs": run.epochs}
    settings = [
        "settings = hx.RunSettings(",
        *(f"    {name}={value!r}," for name, value in values.items()),
        ")",
    ]
    training = ["model = hx.train_model(dataset, settings)"]
    if run.weights:
        training = [
            "# Weights that were changed on the way, by the epoch from which on they were in force.",
            f"changes = {dict(run.weights)!r}",
            "controls = hx.Controls()",
            "",
            "",
            "def report(event):",
            '    if type(event).__name__ == "EpochReport" and event.epoch + 1 in changes:',
            "        controls.set_weights(changes[event.epoch + 1])",
            "",
            "",
            "model = hx.train_model(dataset, settings, controls=controls, report=report)",
        ]
    errors = [
        'for row in model.evaluate(dataset, "test").errors("test", units="eV").values():',
        '    print(f"{row.label}: MAE {row.mae:.4g} {row.unit}, raw small basis {row.raw_mae:.4g}")',
    ]
    return [data, settings, training, errors]


def _notes(run: Run) -> list[str]:
    found = []
    if run.rows is not None:
        found.append(f"# Only these structures of the data set were used: {list(run.rows)}")
    found += [f"# From epoch {epoch} on the targets were {weights}" for epoch, weights in run.weights]
    return found


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
