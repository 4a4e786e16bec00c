"""From where a 3D view looks: matrices that NGL reads turn, distance and middle from."""

from __future__ import annotations

import numpy as np

from hamexplorer.structures.orientation import broadest_view
from hamexplorer.structures.structure import Structure
from hamexplorer.views.cells import cell_edges

#: Of a camera that looks at a crystal, degrees: from a little above and from the side, so that its depth is seen.
_TILT, _TURN = 16.0, -24.0
#: NGL's camera, degrees; width over height that is there even on a phone; room for the balls, Å.
_FIELD_OF_VIEW, _ASPECT, _MARGIN = 40.0, 1.05, 0.9


def orientation(positions: np.ndarray) -> np.ndarray:
    """A camera matrix, shape (4, 4), that looks at a molecule's broadest side, its longest axis across the screen."""
    camera = np.eye(4)
    camera[:3, :3] = broadest_view(positions) * 50.0  # the scale is a distance; centring sets it anew
    return camera


def crystal_camera(structure: Structure, shown: Structure) -> np.ndarray:
    """A camera matrix, shape (4, 4), that has a crystal and its cell in full view.

    A chain is seen from the side with its axis across the screen, a layer from above, a bulk cell with c upwards; the
    last two are turned a little, so that depth is seen. NGL reads the turn from the matrix, the distance from its
    scale, and what to look at from its last column.

    Args:
        structure: the crystal.
        shown: all atoms that are drawn, copies included.
    """
    turn = _crystal_turn(structure)
    points = np.vstack([shown.positions_angstrom, cell_edges(structure).reshape(-1, 3)])
    seen = points @ turn.T
    middle = (seen.min(0) + seen.max(0)) / 2
    half = (seen.max(0) - seen.min(0)) / 2 + _MARGIN
    distance = max(half[0] / _ASPECT, half[1]) / np.tan(np.radians(_FIELD_OF_VIEW / 2)) + half[2]
    camera = np.eye(4)
    camera[:3, :3] = turn * distance
    camera[:3, 3] = -(turn.T @ middle)
    return camera


def _crystal_turn(structure: Structure) -> np.ndarray:
    """Rows are the directions across the screen, up, and towards the eye."""
    assert structure.cell is not None
    axes = np.flatnonzero(structure.pbc)
    across = structure.cell[axes[0]] / np.linalg.norm(structure.cell[axes[0]])
    if len(axes) == 1:
        # The broadest side of what stands beside the axis is up.
        beside = structure.positions - structure.positions.mean(0)
        beside -= np.outer(beside @ across, across)
        up = np.linalg.eigh(beside.T @ beside + 1e6 * np.outer(across, across))[1][:, -2]
        return np.array([across, up, np.cross(across, up)])
    if len(axes) == 2:
        towards = np.cross(structure.cell[axes[0]], structure.cell[axes[1]])
    else:
        towards = np.cross(across, structure.cell[2])
    towards /= np.linalg.norm(towards)
    frame = np.array([across, np.cross(towards, across), towards])
    tilt, turn = (np.radians(-_TILT), 0.0) if len(axes) == 2 else (np.radians(_TILT), np.radians(_TURN))
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    about_y = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    return about_x @ about_y @ frame
