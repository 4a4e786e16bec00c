"""From where a molecule is best looked at."""

from __future__ import annotations

import numpy as np


def broadest_view(positions: np.ndarray) -> np.ndarray:
    """Directions across the screen, up and towards the eye: orthonormal rows, shape (3, 3), right-handed.

    A molecule's broadest side faces the reader, its longest axis lies across.
    """
    centred = positions - positions.mean(0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1].T
    axes = axes * np.where(axes[np.arange(3), np.abs(axes).argmax(1)] < 0, -1.0, 1.0)[:, None]
    axes[2] = np.cross(axes[0], axes[1])
    return axes
