"""Errors of a model as a table for people and as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_HEAD = ("target", "unit", "n", "MAE", "RMSE", "per atom", "raw MAE", "raw RMSE", "raw per atom")


def error_table(rows: Mapping[str, Any]) -> str:
    """Rows of :class:`hamexplorer.train.results.ErrorRow` as text; ``raw`` is the small basis itself."""
    lines = [_HEAD]
    for row in rows.values():
        values = (row.mae, row.rmse, row.rmse_per_atom, row.raw_mae, row.raw_rmse, row.raw_rmse_per_atom)
        lines.append((row.label, row.unit or "–", str(row.n), *(_number(value) for value in values)))
    widths = [max(len(line[k]) for line in lines) for k in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k < 2 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def compared_with(model: Any) -> str:
    """Whose values the errors of a trained model are measured from, where these are not the large basis'."""
    if model.settings.target_basis == "large":
        return ""
    return f", compared with the small basis' own values ({model.method.small_basis}; polarizabilities uncoupled)"


def error_report(rows: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """The JSON of `hamexplorer evaluate`: the model's errors, and those of the raw small basis."""
    return {
        "targets": {name: _entry(row, row.mae, row.rmse, row.rmse_per_atom) for name, row in rows.items()},
        "raw": {
            name: _entry(row, row.raw_mae, row.raw_rmse, row.raw_rmse_per_atom) for name, row in rows.items()
        },
    }


def _entry(row: Any, mae: float, rmse: float, rmse_per_atom: float) -> dict[str, Any]:
    return {
        "mae": _json_number(mae),
        "rmse": _json_number(rmse),
        "rmse_per_atom": _json_number(rmse_per_atom),
        "unit": row.unit,
        "n": int(row.n),
    }


def _json_number(value: float) -> float | None:
    # JSON knows no NaN; the raw small basis may lack a property.
    return float(value) if value is not None and math.isfinite(value) else None


def _number(value: float) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.4g}"
