"""Matrices drawn for the tests: products of small integers, so that their rank is known exactly."""

from __future__ import annotations

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

SIDE = st.integers(1, 5)
DIGITS = st.integers(-3, 3)


@st.composite
def integers(draw, *, complex_ones=False):
    """A = B C with B (M, r), C (r, N), so that the rank is at most r = 0 ... min(M, N)."""
    m, n = draw(SIDE), draw(SIDE)
    r = draw(st.integers(0, min(m, n)))
    B, C = (draw(arrays.arrays(np.int64, shape, elements=DIGITS)) for shape in ((m, r), (r, n)))
    if complex_ones:
        B = B + 1j * draw(arrays.arrays(np.int64, (m, r), elements=DIGITS))
    return B @ C


def floats():
    """Real and complex, of any rank, with integer values."""
    real = integers().map(lambda A: A.astype(np.float64))
    return st.one_of(real, integers(complex_ones=True).map(lambda A: A.astype(np.complex128)))


def exact_rank(A):
    """By elimination with exact numbers, in SymPy."""
    entries = [
        int(z.real) + sympy.I * int(z.imag) if np.iscomplexobj(A) else int(z) for z in A.ravel()
    ]
    return sympy.Matrix(*A.shape, entries).rank(simplify=True)


def rounding(A):
    """What rounding may do to a product with an inverse on the row space: eps times condition."""
    s = np.linalg.svd(A, compute_uv=False)
    s = s[s > 1e-12 * max(s[0], 1e-300)]
    condition = s[0] / s[-1] if len(s) else 1.0
    return 100 * np.finfo(np.float64).eps * condition
