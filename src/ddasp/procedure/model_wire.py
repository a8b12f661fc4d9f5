"""What a model file would become in memory, looked at byte by byte before it is parsed.

The parser of protocol buffers makes an object of some hundred bytes out of an empty entry that takes
two bytes in the file, so a file of a few MiB can fill the memory before anybody sees its content.
Here the file is only walked through. Arrays of weights and the long lists of trees, which
take about as much memory as they take in the file, are passed over; all else is *structure*, of which
even the largest graph of ddasp has some ten thousand bytes.

*Conventions*: a message is a sequence of fields, each a tag (number and kind of the field) and a
value; a field's place is given by the first byte of its value and the first byte behind it.

*References*: Protocol Buffers, "Encoding", https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import onnx

__all__ = ["MOST_STRUCTURE", "Malformed", "structure"]

MOST_STRUCTURE = 2**19  # bytes; a hundred times as much in memory is still little
VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5  # kinds of fields
# Entries of an attribute's lists, one after the other: floats, whole numbers, and the words that
# the nodes of trees have. The quantifiers are possessive: nothing is kept for going back.
LISTS = re.compile(
    rb"(?s:\x3d.{4}|\x40[\x80-\xff]{0,9}+[\x00-\x7f]|\x4a\x04LEAF|\x4a\x0aBRANCH_LEQ)*+"
)


class Malformed(ValueError):
    """The bytes are no message, or one that has more structure than is allowed."""


def structure(content: bytes) -> int:
    r"""Count the bytes that are neither arrays nor lists of trees.

    Parameters
    ----------
    content : bytes
        Of a .onnx file.

    Returns
    -------
    int
        At most `MOST_STRUCTURE`.

    Raises
    ------
    Malformed
        When there are more, or the file is cut.

    Examples
    --------
    >>> structure(onnx.ModelProto(producer_name="ddasp").SerializeToString())
    7
    >>> structure(b"\x3a\xff")
    Traceback (most recent call last):
    ddasp.procedure.model_wire.Malformed: it is cut
    """
    n_bytes = len(content)
    for begin, end in _passed_over(content):
        n_bytes -= end - begin
    if n_bytes > MOST_STRUCTURE:
        raise Malformed(_too_much())
    return n_bytes


def _passed_over(content: bytes) -> Iterator[tuple[int, int]]:
    """Places of the weights' bytes and of the lists in nodes."""
    graphs = _places(content, (0, len(content)), onnx.ModelProto.GRAPH_FIELD_NUMBER)
    for number, graph in enumerate(graphs):
        if number:
            raise Malformed("it holds more than one graph")
        for tensor in _places(content, graph, onnx.GraphProto.INITIALIZER_FIELD_NUMBER):
            yield from _places(content, tensor, onnx.TensorProto.RAW_DATA_FIELD_NUMBER)
        for node in _places(content, graph, onnx.GraphProto.NODE_FIELD_NUMBER):
            for begin, end in _places(content, node, onnx.NodeProto.ATTRIBUTE_FIELD_NUMBER):
                after_name = _after_name(content, begin, end)
                found = LISTS.match(content, after_name, end)
                assert found is not None  # it may be empty
                yield found.span()


def _places(content: bytes, message: tuple[int, int], wanted: int) -> Iterator[tuple[int, int]]:
    """Places of a message's fields of one number."""
    place, end = message
    n_fields = 0
    while place < end:
        n_fields += 1
        if n_fields > MOST_STRUCTURE // 2:  # each has two bytes or more, whatever it holds
            raise Malformed(_too_much())
        tag, begin = _varint(content, place, end)
        number, kind = tag >> 3, tag & 7
        if kind == BYTES:
            length, begin = _varint(content, begin, end)
        elif kind == VARINT:
            length = _varint(content, begin, end)[1] - begin
        else:
            length = {FIXED_64: 8, FIXED_32: 4}.get(kind, len(content))
        if begin + length > end:
            raise Malformed("it is cut")
        if number == wanted and kind == BYTES:
            yield begin, begin + length
        place = begin + length


def _varint(content: bytes, place: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, the low ones first; and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= end:
            raise Malformed("it is cut")
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise Malformed("a number in it never ends")


def _after_name(content: bytes, begin: int, end: int) -> int:
    """Where the lists of an attribute may begin: its name stands first."""
    if begin < end and content[begin] == onnx.AttributeProto.NAME_FIELD_NUMBER << 3 | BYTES:
        length, place = _varint(content, begin + 1, end)
        return min(place + length, end)
    return begin


def _too_much() -> str:
    return f"beside its arrays it holds more than {MOST_STRUCTURE // 1024} KiB"
