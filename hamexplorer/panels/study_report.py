"""A study as one file: the comparison figure and the table of all runs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hamexplorer.panels.parts import duration
from hamexplorer.panels.report import report_html
from hamexplorer.plots.comparison import HELP, LABEL, comparison_figure
from hamexplorer.plots.plot import number
from hamexplorer.train.rows import Row, in_units

_HEAD = ("Run", "Tested on", "Property", "Per atom", "MAE", "RMSE", "Raw, per atom", "Raw MAE", "Raw RMSE")
_MEASURES = ("rmse_per_atom", "mae", "rmse", "raw_rmse_per_atom", "raw_mae", "raw_rmse")


def study_html(rows: Sequence[Row], *, units: str = "eV") -> str:
    """A page that opens without a server; energies in the given unit.

    Args:
        rows: of a study, failed ones among them.
        units: a key of :data:`hamexplorer.units.ENERGY_UNITS`.
    """
    names = ", ".join(dict.fromkeys(row.run.dataset for row in rows))
    figure = comparison_figure(rows, units=units)
    return report_html(f"{names}: a study", [(LABEL, HELP, figure)], errors_of_all(rows, units), [], None)


def errors_of_all(rows: Sequence[Row], units: str) -> str:
    """Every error of every run as an HTML table, under the run's own line."""
    lines = []
    for row in rows:
        head = f"<th scope='row'>{escape(row.run.label)}<small>{_told(row)}</small></th>"
        if row.failed:
            lines.append(f"<tr>{head}{'<td></td>' * (len(_HEAD) - 1)}</tr>")
        for cells in _cells(row, units):
            lines.append(f"<tr>{head}{cells}</tr>")
            head = "<td></td>"
    return _table(_HEAD, lines)


def errors_of_one(row: Row, units: str) -> str:
    """What became of one run: a line and, if it has not failed, a table."""
    lines = [f"<tr>{cells}</tr>" for cells in _cells(row, units)]
    said = f"<b>{escape(row.run.label)}</b><small>{_told(row)}</small>"
    return said + (_table(_HEAD[1:], lines) if lines else "")


def _told(row: Row) -> str:
    told = f"{row.epochs} epochs, {duration(row.seconds)}" if not row.failed else "failed"
    return told + (f"; {escape(row.sentence)}" if row.sentence else "")


def _cells(row: Row, units: str) -> list[str]:
    """Cells of a line for each tested set and property."""
    lines = []
    for where, errors in row.errors.items():
        for entry in in_units(errors, units).values():
            cells = "".join(f"<td>{number(float(getattr(entry, m)))}</td>" for m in _MEASURES)
            what = f"{escape(entry.label)} <small>{escape(entry.unit)}</small>"
            lines.append(f"<td>{escape(where)}</td><td>{what}</td>{cells}")
    return lines


def _table(heads: Sequence[str], lines: Sequence[str]) -> str:
    head = "".join(f"<th scope='col'>{each}</th>" for each in heads)
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"
