"""Sounds as figures: waveform and spectrogram on one time axis, and the map of observations.

*Conventions*: signals have full scale 1; levels are dB with a stated floor; frequency is
logarithmic, as in the ear; time starts at zero.

*References*: Nuñez, Anderton and Renslow 2018, "Optimizing colormaps with consideration for color
vision deficiency".
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from ddasp._errors import InputError
from ddasp.plot.canvas import SMALL, columns, grid, legend, new, short, styled
from ddasp.plot.tokens import TOKENS, category, colour

__all__ = ["scatter", "sound", "spectrogram", "waveform"]

N_ROWS = 96  # of a spectrogram's picture: as many as it is pixels high
N_COLUMNS = 420


def _draw_waveform(axes: Any, signal: NDArray[Any], sampling_rate: float) -> None:
    """Smallest and largest sample of each pixel, so that no peak is lost."""
    per_pixel = max(1, len(signal) // N_COLUMNS)
    whole = len(signal) // per_pixel * per_pixel
    if per_pixel == 1 or whole == 0:
        axes.plot(np.arange(len(signal)) / sampling_rate, signal, color=colour("accent"), lw=0.9)
        return
    blocks = signal[:whole].reshape(-1, per_pixel)
    time = (np.arange(len(blocks)) + 0.5) * per_pixel / sampling_rate
    axes.fill_between(time, blocks.min(axis=1), blocks.max(axis=1), color=colour("accent"), lw=0.4)


def _draw_spectrogram(
    axes: Any,
    levels: NDArray[Any],
    frequencies: NDArray[Any],
    *,
    end: float,
    floor: float,
    lowest: float,
) -> Any:
    """Level over time and logarithmic frequency; one row a fraction of an octave."""
    picture = np.maximum(_log_picture(levels, frequencies, lowest), floor)
    image = axes.imshow(
        picture,
        origin="lower",
        aspect="auto",
        interpolation="none",
        vmin=floor,
        vmax=max(float(picture.max()), floor + 1),
        cmap=TOKENS["maps"]["light"],
        extent=(0, end, np.log2(lowest), np.log2(frequencies[-1])),
    )
    ticks = [f for f in (62.5, 125, 250, 500, 1e3, 2e3, 4e3, 8e3, 16e3) if f <= frequencies[-1]]
    ticks = [f for f in ticks if f >= lowest][::-2][::-1]
    axes.yaxis.set_major_locator(FixedLocator(np.log2(ticks).tolist()))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _hertz(2.0**y)))
    axes.yaxis.set_minor_locator(NullLocator())
    return image


def _log_picture(
    levels: NDArray[Any], frequencies: NDArray[Any], lowest: float
) -> NDArray[np.float64]:
    """Mean power in `N_ROWS` logarithmic bands and at most `N_COLUMNS` times, in dB again.

    A band narrower than a bin takes the bin it lies in.
    """
    power = 10 ** (levels / 10)
    step = -(-levels.shape[1] // N_COLUMNS)
    starts = np.arange(0, levels.shape[1], max(step, 1))
    power = np.add.reduceat(power, starts, axis=1) / np.diff([*starts, levels.shape[1]])
    edges = np.geomspace(lowest, frequencies[-1], N_ROWS + 1)
    middle = (frequencies[1:] + frequencies[:-1]) / 2  # where one bin ends and the next begins
    bins = np.searchsorted(middle, edges)
    rows = [power[a : max(a, b - 1) + 1].mean(axis=0) for a, b in pairwise(bins)]
    return np.asarray(10 * np.log10(np.maximum(rows, 1e-30)))


def _hertz(frequency: float) -> str:
    return f"{frequency / 1000:g}k" if frequency > 999 else f"{frequency:.0f}"


def _check_levels(levels: ArrayLike, frequencies: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    z, f = np.asarray(levels, dtype=np.float64), np.asarray(frequencies, dtype=np.float64)
    if z.ndim != 2 or f.shape != z.shape[:1]:
        raise InputError(
            "E-ARGUMENT",
            f"levels has shape {z.shape} and frequencies {f.shape}; expected (n_bands, n_frames) "
            "and (n_bands,) - is levels transposed?",
        )
    return z, f


@styled
def waveform(signal: ArrayLike, sampling_rate: float) -> Figure:
    """Amplitude over time.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        One channel, full scale 1.
    sampling_rate : float
        Sampling rate [Hz].

    Returns
    -------
    matplotlib.figure.Figure
    """
    (signal,) = columns(signal=signal)
    figure, axes = new(150)
    grid(axes, "y")
    _draw_waveform(axes, signal, sampling_rate)
    axes.set(xlabel="time / s", ylabel="amplitude", xlim=(0, max(len(signal), 1) / sampling_rate))
    return figure


@styled
def spectrogram(
    levels: ArrayLike, frequencies: ArrayLike, *, duration: float, floor: float = -80.0
) -> Figure:
    """Level over time and frequency.

    Parameters
    ----------
    levels : array_like of shape (n_bands, n_frames)
        Level of each band [dB].
    frequencies : array_like of shape (n_bands,)
        Centre of each band [Hz], rising.
    duration : float
        Length of the sound [s].
    floor : float
        Level of the darkest shade [dB]; what lies below is drawn as this.

    Returns
    -------
    matplotlib.figure.Figure
    """
    z, f = _check_levels(levels, frequencies)
    figure, axes = new(190)
    image = _draw_spectrogram(axes, z, f, end=duration, floor=floor, lowest=max(50.0, f[f > 0][0]))
    axes.set(xlabel="time / s", ylabel="frequency / Hz")
    _floor_note(axes, floor, image)
    return figure


def _floor_note(axes: Any, floor: float, image: Any) -> None:
    top = image.norm.vmax
    axes.text(
        1,
        1.02,
        f"{round(top)} to {round(floor)} dB".replace("-", "−"),
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        size=SMALL - 1,
        color=colour("quiet"),
    )


@styled
def sound(
    signal: ArrayLike,
    sampling_rate: float,
    levels: ArrayLike,
    frequencies: ArrayLike,
    *,
    floor: float = -80.0,
    width: float = 300,
) -> Figure:
    """Waveform above spectrogram, on one time axis: the picture beside a player.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        One channel, full scale 1.
    sampling_rate : float
        Sampling rate [Hz].
    levels : array_like of shape (n_bands, n_frames)
        Level of each band [dB].
    frequencies : array_like of shape (n_bands,)
        Centre of each band [Hz], rising.
    floor : float
        Level of the darkest shade [dB].
    width : float
        Width [px].

    Returns
    -------
    matplotlib.figure.Figure
    """
    (signal,) = columns(signal=signal)
    z, f = _check_levels(levels, frequencies)
    figure = Figure(figsize=(width / 72, 200 / 72))  # fixed margins: all pictures of sounds align
    upper, lower = figure.subplots(
        2,
        1,
        sharex=True,
        height_ratios=(2, 3),
        gridspec_kw={
            "left": 62 / width,  # "−0.013" and the name of the axis
            "right": 1 - 10 / width,
            "top": 0.91,
            "bottom": 0.19,
            "hspace": 0.16,
        },
    )
    _draw_waveform(upper, signal, sampling_rate)
    reach = float(np.abs(signal).max()) if len(signal) else 1.0
    upper.set(ylim=(-1.08 * (reach or 1), 1.08 * (reach or 1)), yticks=[-reach, 0, reach])
    upper.set_yticklabels([f"−{reach:.2g}", "0", f"{reach:.2g}"])
    upper.tick_params(axis="x", length=0, labelbottom=False)
    upper.spines["bottom"].set_visible(False)
    end = max(len(signal), 1) / sampling_rate
    image = _draw_spectrogram(lower, z, f, end=end, floor=floor, lowest=max(50.0, f[f > 0][0]))
    lower.set(xlim=(0, end))
    lower.set_xlabel("time / s", size=SMALL)
    lower.set_ylabel("frequency / Hz", size=SMALL)
    lower.xaxis.set_major_locator(MaxNLocator(5))
    upper.set_ylabel("amplitude", size=SMALL)
    figure.align_ylabels()
    _floor_note(upper, floor, image)
    return figure


@styled
def scatter(
    points: ArrayLike,
    categories: Sequence[object],
    *,
    names: tuple[str, str],
    order: Sequence[object] | None = None,
    marked: ArrayLike | None = None,
    width: float = 640,
    height: float = 480,
) -> Figure:
    """Observations in a plane, categories by colour and shape, named where they lie.

    Parameters
    ----------
    points : array_like of shape (n_observations, 2)
        Coordinates.
    categories : sequence of str
        Category of each observation.
    names : (str, str)
        Names of the two axes, with their units.
    order : sequence of str, optional
        Order of the categories; by default that of their first appearance.
    marked : array_like of bool, shape (n_observations,), optional
        Observations drawn larger, with an edge; by default all.
    width, height : float
        Size [px].

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    The marked ones of category k are the group ``series-k``, the others ``series-(K + k)`` with K
    categories; marks stand in the order of the observations.
    """
    xy = np.asarray(points, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or len(xy) != len(categories):
        raise InputError(
            "E-ARGUMENT",
            f"points has shape {xy.shape} with {len(categories)} categories; expected "
            "(n_observations, 2) and one category each",
        )
    order = list(dict.fromkeys(categories)) if order is None else list(order)
    figure, axes = new(height, width=width)
    grid(axes)
    strong = np.ones(len(xy), bool) if marked is None else np.asarray(marked, bool)
    kinds = np.array([str(c) for c in categories])
    for k, kind in enumerate(order):
        ink, marker = category(k)
        for mine, size, edge, series in (
            ((kinds == str(kind)) & ~strong, 12, 0.0, k + len(order)),
            ((kinds == str(kind)) & strong, 34, 0.7, k),
        ):
            axes.scatter(
                *xy[mine].T,
                s=size,
                marker=marker,
                c=ink,
                linewidths=edge,
                edgecolors=colour("ink"),
                gid=f"series-{series}",
                label=short(kind, 16) if series == k else None,
            )
    axes.set(xlabel=names[0], ylabel=names[1])
    if len(order) > 1:
        legend(figure, len(order), above=True)
    return figure
