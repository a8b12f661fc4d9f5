r"""One picture of a training, as bytes: what goes to the page up to sixty times a second.

All numbers are little endian; the offset of what follows the widths depends on their number n_w.

====== ========= ===================================================================================
offset type      content
====== ========= ===================================================================================
0      4 bytes   ``DDPF``
4      u16       version, 1
6      u16       flags: 1 running, 2 diverged, 4 classes, 8 line, 16 focus (see below)
8      u32       number of the frame; the page acknowledges it
12     u32       generation: changes with the data, the inputs or the network
16     f64       epoch, with the fraction of the running one
24     f64       number of updates
32     f32 x 3   loss of the training, validation and test points; NaN where there are none
44     f32 x 2   bootstrap band of the test loss, low and high; NaN where it is not known
52     f32 x 2   value of the picture's 0 and 255
60     f32       epochs a second
64     f32       Euclidean length of the gradient over all training points; NaN while training
\                runs, as it costs a pass of its own
68     u16       samples of the next minibatch that were already looked at
70     u16       M, side of the picture
72     u8        T, side of a thumbnail
73     u8        n_w, number of widths
74     u8 x n_w  widths: inputs, hidden layers, outputs
\      u8        zeros up to a multiple of 4
\                the picture, one of three:
\      u8        M x M values from low (0) to high (255), row 0 at the top
\      u8        flag 4: M x M codes of the likeliest class, then M x M its probability (0 to 255)
\      f32       flag 8: M x k values of the k outputs along the line, k = 1 with flag 16
\      u8        T x T for each unit of layers 0 to L in order, 128 is zero, 1 and 255 are -1 and 1 times
\                the unit's largest value (where it has bounds: times the bound); row 0 at the top
\      u8        zeros up to a multiple of 4
\      f32       parameters, W1 row by row, b1, W2, b2, ...
====== ========= ===================================================================================

The picture shows the network's output, or with flag 16 that of one unit; flag 4 (three or more
classes) never comes with flag 8 or 16. On a line, thumbnails repeat one row.

*Conventions*: `decode` after `encode` gives the same frame, numbers rounded to float32.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError

__all__ = [
    "CLASSES",
    "DIVERGED",
    "FOCUS",
    "LINE",
    "MAP_SIDE",
    "RUNNING",
    "THUMBNAIL_SIDE",
    "Frame",
    "decode",
    "encode",
]

RUNNING, DIVERGED, CLASSES, LINE, FOCUS = 1, 2, 4, 8, 16
MAP_SIDE, THUMBNAIL_SIDE = 100, 20
MAGIC, VERSION = b"DDPF", 1
HEAD = struct.Struct("<4sHHIIdd3f2f2fffHHBB")


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a training; the module's table says what each field is.

    Parameters
    ----------
    flags, number, generation : int
    epoch, n_updates : float
    losses : tuple of float
        Training, validation, test.
    band, scale : tuple of float
        Low and high.
    speed, gradient_norm : float
    seen : int
    widths : tuple of int
    picture : numpy.ndarray of shape (M, M), (2, M, M) or (M, k)
        uint8; on a line float32.
    thumbnails : numpy.ndarray of shape (n_units, T, T)
        uint8.
    parameters : numpy.ndarray of shape (n_parameters,)
        float32.
    """

    flags: int
    number: int
    generation: int
    epoch: float
    n_updates: float
    losses: tuple[float, float, float]
    band: tuple[float, float]
    scale: tuple[float, float]
    speed: float
    gradient_norm: float
    seen: int
    widths: tuple[int, ...]
    picture: NDArray
    thumbnails: NDArray[np.uint8]
    parameters: NDArray[np.float32]


def _padding(length: int) -> bytes:
    return bytes(-length % 4)


def encode(frame: Frame) -> bytes:
    """The frame's bytes.

    Parameters
    ----------
    frame : Frame

    Raises
    ------
    InputError
        When the arrays' shapes do not follow from flags and widths.
    """
    side = frame.picture.shape[0] if frame.flags & LINE else frame.picture.shape[-1]
    small = frame.thumbnails.shape[-1]
    expected = _shapes(frame.flags, side, small, frame.widths)
    got = (frame.picture.shape, frame.thumbnails.shape, frame.parameters.shape)
    if got != expected:
        raise InputError(
            "E-ARGUMENT",
            f"picture, thumbnails and parameters have shapes {got}; expected {expected} for widths "
            f"{frame.widths} and flags {frame.flags}",
        )
    head = HEAD.pack(
        MAGIC, VERSION, frame.flags, frame.number % 2**32, frame.generation % 2**32,
        frame.epoch, frame.n_updates, *frame.losses, *frame.band, *frame.scale,
        frame.speed, frame.gradient_norm, frame.seen, side, small, len(frame.widths),
    ) + bytes(frame.widths)  # fmt: skip
    thumbnails = frame.thumbnails.astype(np.uint8).tobytes()
    return b"".join(
        (
            head,
            _padding(len(head)),
            frame.picture.astype("<f4" if frame.flags & LINE else np.uint8).tobytes(),
            thumbnails,
            _padding(len(thumbnails)),
            frame.parameters.astype("<f4").tobytes(),
        )
    )


def _shapes(
    flags: int, side: int, small: int, widths: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Of picture, thumbnails and parameters."""
    picture: tuple[int, ...] = (2, side, side) if flags & CLASSES else (side, side)
    if flags & LINE:
        picture = (side, 1 if flags & FOCUS else widths[-1])
    n_parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(widths))
    return picture, (sum(widths), small, small), (n_parameters,)


def decode(data: bytes) -> Frame:
    """The frame that `encode` wrote.

    Parameters
    ----------
    data : bytes

    Raises
    ------
    InputError
        When these are no such bytes.
    """
    if len(data) < HEAD.size or data[:4] != MAGIC:
        raise InputError("E-ARGUMENT", "data is no frame; expected bytes that begin with DDPF")
    (
        _, version, flags, number, generation, epoch, n_updates, *rest,
        seen, side, small, n_widths,
    ) = HEAD.unpack_from(data)  # fmt: skip
    if version != VERSION:
        raise InputError("E-ARGUMENT", f"version is {version}; expected {VERSION}")
    at = HEAD.size + n_widths
    widths = tuple(data[HEAD.size : at])
    shapes = _shapes(flags, side, small, widths)
    dtypes = [np.dtype(name) for name in ("<f4" if flags & LINE else "u1", "u1", "<f4")]
    arrays: list[NDArray] = []
    for shape, dtype in zip(shapes, dtypes, strict=True):
        at += -at % 4
        count = int(np.prod(shape))
        if at + count * dtype.itemsize > len(data):
            raise InputError(
                "E-ARGUMENT", f"data has {len(data)} bytes; expected more - is it cut?"
            )
        arrays.append(np.frombuffer(data, dtype, count, at).reshape(shape))
        at += count * dtype.itemsize
    if at != len(data):
        raise InputError("E-ARGUMENT", f"data has {len(data)} bytes; expected {at}")
    picture, thumbnails, parameters = arrays
    return Frame(
        flags, number, generation, epoch, n_updates, tuple(rest[:3]), tuple(rest[3:5]),
        tuple(rest[5:7]), rest[7], rest[8], seen, widths, picture, thumbnails, parameters,
    )  # fmt: skip
