"""Where sounds begin: the rise of the spectrum from one frame to the next.

*Conventions*: time first, levels of shape (n_frames, n_mels) in dB; what falls does not count.

*References*: Bello et al. 2005, "A tutorial on onset detection in music signals"; Ellis 2007,
"Beat tracking by dynamic programming" (log-mel spectrum, half-wave rectified difference).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import matrix, whole

__all__ = ["onset_strength"]


def onset_strength(levels: ArrayLike, *, lag: int = 1) -> NDArray[np.floating]:
    """Mean over the bands of how much each level rose.

    Parameters
    ----------
    levels : array_like of shape (n_frames, n_mels)
        Log-mel levels L [dB].
    lag : int
        Compared with the frame that many frames before.

    Returns
    -------
    ndarray of shape (n_frames,)
        Rise [dB], >= 0; 0 in the first `lag` frames, which have nothing before them.

    Notes
    -----
    o[m] = mean_b max(0, L[m, b] - L[m - lag, b]). `librosa.onset.onset_strength` is the same with
    ``center=False`` and ``detrend=False``; by default it shifts the result by half a frame. A
    floor of the levels, 80 dB below the loudest one, say, keeps noise in pauses from counting.

    Examples
    --------
    >>> onset_strength([[0.0, 0.0], [6.0, 0.0], [0.0, 2.0]])
    array([0., 3., 1.])
    """
    L = matrix(levels, "levels")
    whole(lag, "lag")
    strength = np.zeros(len(L), L.dtype)
    strength[lag:] = np.maximum(L[lag:] - L[:-lag], 0).mean(axis=1)
    return strength
