"""A PNG of few colours made of one of many: a third of the size, for pictures of a page that is mostly flat.

Only what a browser's screenshot is: 8 bits a channel, not interlaced.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

Colour = tuple[int, ...]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 256
_EXACT = 96
"""So many of the most frequent colours stay what they are: surfaces, lines, the inner parts of letters."""


def few_colours(png: bytes) -> bytes:
    """The same picture with at most 256 colours."""
    chunks = list(_chunks(png))
    width, height, _, kind = struct.unpack(">IIBB", chunks[0][1][:10])
    size = {2: 3, 6: 4}[kind]
    packed = b"".join(data for name, data in chunks if name == b"IDAT")
    rows = list(_rows(zlib.decompress(packed), width, height, size))
    pixels = [[tuple(row[at : at + 3]) for at in range(0, len(row), size)] for row in rows]
    palette = _palette(Counter(pixel for row in pixels for pixel in row))
    nearest: dict[Colour, int] = {colour: index for index, colour in enumerate(palette)}
    lines = bytearray()
    for row in pixels:
        lines.append(0)
        for pixel in row:
            if pixel not in nearest:
                far = [_far(colour, pixel) for colour in palette]
                nearest[pixel] = far.index(min(far))
            lines.append(nearest[pixel])
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    colours = bytes(value for colour in palette for value in colour)
    body = ((b"IHDR", header), (b"PLTE", colours), (b"IDAT", zlib.compress(bytes(lines), 9)))
    return _SIGNATURE + b"".join(_chunk(*each) for each in (*body, (b"IEND", b"")))


def _palette(counted: "Counter[Colour]") -> list[Colour]:
    """The most frequent colours, then the most frequent of those that are like no other before."""
    ordered = [colour for colour, _ in counted.most_common()]
    chosen = ordered[:_EXACT]
    for step in (40, 24, 14, 8, 4):
        for colour in ordered[_EXACT:]:
            if len(chosen) == _MOST:
                return chosen
            if counted[colour] > 1 and all(_far(colour, other) >= step**2 for other in chosen):
                chosen.append(colour)
    return chosen


def _far(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _rows(data: bytes, width: int, height: int, size: int) -> Iterator[bytearray]:
    """The lines without their filters."""
    length = width * size
    above = bytearray(length)
    for number in range(height):
        start = number * (length + 1)
        kind, line = data[start], bytearray(data[start + 1 : start + 1 + length])
        for at in range(length if kind else 0):
            left = line[at - size] if at >= size else 0
            corner = above[at - size] if at >= size else 0
            line[at] = (line[at] + _predicted(kind, left, above[at], corner)) & 255
        above = line
        yield line


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    match kind:
        case 1:
            return left
        case 2:
            return up
        case 3:
            return (left + up) // 2
    near = left + up - corner
    by_left, by_up, by_corner = abs(near - left), abs(near - up), abs(near - corner)
    if by_left <= by_up and by_left <= by_corner:
        return left
    return up if by_up <= by_corner else corner
