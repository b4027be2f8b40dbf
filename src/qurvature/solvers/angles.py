"""Phases of quantum signal processing for a given polynomial: found, checked, kept.

Convention W (arXiv 2105.02859, theorem 9). For a real polynomial P of degree d and definite parity
with |P| < 1 on [-1, 1] there are φ_0, …, φ_d with

    P(x) = Re ⟨0| e^{iφ_0 Z} W(x) e^{iφ_1 Z} W(x) … W(x) e^{iφ_d Z} |0⟩,                    (1)
    W(x) = [[x, i√(1-x²)], [i√(1-x²), x]].

Convention R (arXiv 1806.01838, corollary 8). A block encoding acts on a singular value x as the
reflection R(x) = [[x, √(1-x²)], [√(1-x²), -x]] instead. Since W = i e^{-iπZ/4} R e^{-iπZ/4}, (1) holds
with R in the place of W and

    φ'_0 = φ_0 - π/4 + dπ/2,    φ'_k = φ_k - π/2,    φ'_d = φ_d - π/4.                      (2)

Here `angles` gives convention W and `reflected` turns it into R; circuits use R, and apply φ'_d first.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
import os
import tempfile
from pathlib import Path

import numpy as np
import scipy.fft

#: Largest deviation of the reconstructed polynomial that is accepted.
TOLERANCE = 1e-12
#: Points at which the polynomial is reconstructed.
_POINTS = 32
#: Where Weiss' algorithm has converged: the root mean square of |P|² + |Q|² - 1.
_ROUNDING = 1e-14
#: It takes transforms of this many points at most (1 GB).
_MOST_POINTS = 2**24
#: Part of the key under which angles are kept: of the convention and the method.
_METHOD = b"nlft-qsp 2, convention W, 1"


class AnglesError(ArithmeticError):
    """Phases that do not give the polynomial; the message states the gap."""


def angles(coefficients: np.ndarray) -> np.ndarray:
    """φ_0 … φ_d of convention W with P = Σ_k c_k T_k, in radians.

    By Weiss' algorithm and the inverse nonlinear fast Fourier transform of nlft-qsp (arXiv
    2505.12615), in O(d log² d). Whatever comes, from there or from the cache, is multiplied out again
    and compared with P.

    Results are kept in ``$XDG_CACHE_HOME/qurvature/angles`` or ``~/.cache/qurvature/angles``, by the
    hash of the coefficients; ``QURVATURE_CACHE=off`` turns that off.

    Args:
        coefficients: c_0 … c_d, real, c_d ≠ 0, of the parity of d, with |P| < 1.

    Raises:
        ValueError: for coefficients that are none of this.
        MissingExtraError: without the extra ``quantum``.
        AnglesError: if the phases miss the polynomial by more than `TOLERANCE`.

    Examples:
        >>> phases = angles(np.array([0.0, 0.3, 0.0, 0.5]))
        >>> bool(abs(evaluate(phases, np.array([0.5])).real - (0.15 - 0.5))[0] < 1e-12)
        True
    """
    c, room = _checked(coefficients)
    file = _file(c)
    kept = _read(file, len(c))
    if kept is not None and deviation(kept, c) <= TOLERANCE:
        return kept
    found = _solve(c, room)
    gap = deviation(found, c)
    if not gap <= TOLERANCE:
        raise AnglesError(
            f"the {len(c)} phases miss their polynomial by {gap:.2e}, more than {TOLERANCE:.0e}: "
            "lower the degree (a larger epsilon or a smaller kappa_encoded), or divide the "
            "polynomial by a larger number"
        )
    _write(file, found)
    return found


def reflected(phases: np.ndarray) -> np.ndarray:
    """The phases in convention R, equation (2)."""
    out = phases - np.pi / 2
    out[-1] += np.pi / 4
    out[0] += np.pi / 4 + (len(phases) - 1) * np.pi / 2
    return out


def evaluate(phases: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The complex matrix element of (1), whose real part is P, at x of shape (m,)."""
    return _evaluate(phases, x, np.sqrt((1 - x) * (1 + x)))


def deviation(phases: np.ndarray, coefficients: np.ndarray) -> float:
    """max |P_phases - P| over a few Chebyshev nodes of degree + 1, those of largest |P| among them."""
    count = len(coefficients)
    scaled = coefficients * count
    scaled[0] *= 2
    values = scipy.fft.idct(scaled, type=2)
    spread = np.linspace(0, count - 1, _POINTS).round().astype(int)
    chosen = np.unique(np.concatenate([spread, np.argsort(-np.abs(values))[:_POINTS]]))
    theta = np.pi * (2 * chosen + 1) / (2 * count)
    # The cosine as a sine of a small angle: exact to the last bit where P varies most.
    x = np.sin(np.pi * (count - 1 - 2 * chosen) / (2 * count))
    return float(np.abs(_evaluate(phases, x, np.sin(theta)).real - values[chosen]).max())


def _evaluate(phases: np.ndarray, x: np.ndarray, root: np.ndarray) -> np.ndarray:
    """The product by halving, so that rounding grows slowly; matrices as [[a, b], [-b*, a*]].

    Every W(x) has the same rounding error in its norm, which would grow with d: so the norm is set
    to 1 after every level, by a Newton step.
    """
    turn = np.exp(1j * phases)[:, None]
    a, b = turn * x, 1j * turn * root
    a[-1], b[-1] = turn[-1], 0.0
    while len(a) > 1:
        even = len(a) // 2 * 2
        a1, a2, b1, b2 = a[0:even:2], a[1:even:2], b[0:even:2], b[1:even:2]
        front, back = a1 * a2 - b1 * b2.conj(), a1 * b2 + b1 * a2.conj()
        excess = front.real**2 + front.imag**2 + back.real**2 + back.imag**2 - 1
        front *= 1 - excess / 2
        back *= 1 - excess / 2
        a, b = np.concatenate([front, a[even:]]), np.concatenate([back, b[even:]])
    return a[0]


def _checked(coefficients: np.ndarray) -> tuple[np.ndarray, float]:
    """The coefficients, and the room 1 - max|P|."""
    c = np.array(coefficients, dtype=np.float64)
    if c.ndim != 1 or len(c) < 2 or not np.isfinite(c).all() or c[-1] == 0:
        raise ValueError(
            "expected finite Chebyshev coefficients c_0 … c_d with d ≥ 1 and c_d ≠ 0, "
            f"given shape {c.shape}"
        )
    if np.any(c[-2::-2]):
        raise ValueError(f"expected coefficients of one parity, that of the degree {len(c) - 1}")
    # At four points a wave and at the ends; the time of Weiss' algorithm is inverse to 1 - max|P|.
    fine = np.zeros(4 * len(c) + 1)
    fine[: len(c)] = c / 2
    fine[0] *= 2
    largest = float(np.abs(scipy.fft.dct(fine, type=1)).max())
    if largest >= 1 or 4 * len(c) > _MOST_POINTS * (1 - largest):
        raise ValueError(
            f"expected |P| well below 1 on [-1, 1], given {largest:.9g}: divide P by more"
        )
    return c, 1 - largest


def _solve(c: np.ndarray, room: float) -> np.ndarray:
    """Phases by nlft-qsp; ``room`` is 1 - max|P|.

    Raises:
        MissingExtraError: without the extra ``quantum``.
    """
    if importlib.util.find_spec("nlft_qsp") is None:
        from qurvature.circuits import MissingExtraError

        raise MissingExtraError("phases need nlft-qsp: pip install 'qurvature[quantum]'")
    from nlft_qsp.poly import Polynomial
    from nlft_qsp.solvers import nlfft

    # With x = (z + 1/z)/2, z^d P is a polynomial in z², whose coefficients are half of c.
    p = -1j * np.concatenate([c[:0:-1] / 2, c[:1], c[1:] / 2])[::2]
    sequence = nlfft.inlft(Polynomial(_completion(p, room), 1 - len(p)), Polynomial(p, 0))
    phases = np.arctan(np.imag(sequence.coeffs))
    phases[-1] += np.pi / 2
    return phases


def _completion(p: np.ndarray, room: float) -> np.ndarray:
    """Q of powers -d … 0, outer, with |P|² + |Q|² = 1 on the unit circle, by Weiss' algorithm.

    Q = exp(r_0 + 2 Σ_{k<0} r_k z^k) with r the Fourier series of ln √(1-|P|²). nlft-qsp has the same,
    but stops at 1e-10, which leaves gaps of 1e-11 in P, or else may double its points forever.
    """
    degree = len(p) - 1
    points = 2 ** math.ceil(math.log2(2 * len(p) / room))
    gap = math.inf
    while True:
        square = np.abs(scipy.fft.ifft(p, points, norm="forward")) ** 2
        series = scipy.fft.fft(np.log1p(-square) / 2, norm="forward")
        series[1 : points // 2] = 0.0
        series[points // 2 :] *= 2
        outer = np.exp(scipy.fft.ifft(series, norm="forward"))
        whole = scipy.fft.fft(outer, norm="forward")
        q = np.concatenate([whole[points - degree :], whole[:1]])
        excess = square + np.abs(scipy.fft.ifft(q, points, norm="forward")) ** 2 - 1
        before, gap = gap, float(np.linalg.norm(excess)) / math.sqrt(points)
        if gap <= _ROUNDING or gap > before / 2 or 2 * points > _MOST_POINTS:
            return q  # whatever its gap: what counts is that of the phases
        points *= 2


def _file(c: np.ndarray) -> Path | None:
    if os.environ.get("QURVATURE_CACHE", "") == "off":
        return None
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(_METHOD + c.astype("<f8").tobytes()).hexdigest()
    return root / "qurvature" / "angles" / f"{digest}.npy"


def _read(file: Path | None, count: int) -> np.ndarray | None:
    """What the file holds, if it holds as many numbers as expected."""
    if file is None or not file.is_file():
        return None
    try:
        kept = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    usable = kept.shape == (count,) and kept.dtype == np.float64 and np.isfinite(kept).all()
    return kept if usable else None


def _write(file: Path | None, phases: np.ndarray) -> None:
    """Whole or not at all; a directory that cannot be written costs time, not an answer."""
    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as out:
                np.save(out, phases, allow_pickle=False)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError:
        return
