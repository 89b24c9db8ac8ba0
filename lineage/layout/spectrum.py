"""How do the items of a drawing lie on one line so that neighbours lie close together?

The eigenvector of the second smallest eigenvalue of the normalised Laplacian (Fiedler): exactly for small drawings,
by Lanczos steps for large ones, where nearly right is enough for a start.
"""

from __future__ import annotations

import numpy as np

from lineage.layout.graph import Floats, Ints

_EXACT = 400
_STEPS = 70


def smooth_line(count: int, left: Ints, right: Ints) -> Floats:
    """Return a place on a line for each of `count` connected items; `left` and `right` are the ends of segments.

    Places are rounded and turned so that the first item that lies off the middle lies above it.

    >>> smooth_line(3, np.array([0, 1]), np.array([1, 2])).argsort().tolist()
    [0, 1, 2]
    """
    if count < 3:
        return np.arange(count, dtype=np.float64)
    degree = np.bincount(left, minlength=count) + np.bincount(right, minlength=count)
    scale = 1.0 / np.sqrt(np.maximum(degree, 1))
    vector = _exact(count, left, right, scale) if count <= _EXACT else _nearly(count, left, right, scale)
    line = np.round(vector * scale / np.abs(vector * scale).max(), 9)
    off = np.flatnonzero(line)
    turned: Floats = -line if line[off[0]] > 0 else line
    return turned


def _exact(count: int, left: Ints, right: Ints, scale: Floats) -> Floats:
    laplacian = np.eye(count)
    laplacian[left, right] = laplacian[right, left] = -scale[left] * scale[right]
    vector: Floats = np.linalg.eigh(laplacian)[1][:, 1]
    return vector


def _nearly(count: int, left: Ints, right: Ints, scale: Floats) -> Floats:
    """Lanczos with full reorthogonalisation, kept apart from the known first eigenvector."""
    flat = 1.0 / scale
    flat /= np.linalg.norm(flat)
    factor = scale[left] * scale[right]
    basis = np.zeros((_STEPS, count))
    # Any start will do as long as it is always the same one and leans on nothing regular.
    vector = np.sin(np.arange(1, count + 1) * 1.618)
    diagonal, beside = np.zeros(_STEPS), np.zeros(_STEPS)
    steps = 0
    for step in range(_STEPS):
        vector -= flat * (flat @ vector)
        vector -= basis[:step].T @ (basis[:step] @ vector)
        length = float(np.linalg.norm(vector))
        if length < 1e-10:
            break
        basis[step] = vector / length
        if step:
            beside[step - 1] = length
        at = basis[step]
        moved = np.bincount(left, factor * at[right], count) + np.bincount(right, factor * at[left], count)
        vector = moved
        diagonal[step] = float(at @ moved)
        vector = vector - diagonal[step] * at
        steps = step + 1
    small = np.diag(diagonal[:steps]) + np.diag(beside[: steps - 1], 1) + np.diag(beside[: steps - 1], -1)
    values = np.linalg.eigh(small)[1]
    # The largest eigenvalue of the adjacency belongs to the smallest of the Laplacian.
    found: Floats = basis[:steps].T @ values[:, -1]
    return found
