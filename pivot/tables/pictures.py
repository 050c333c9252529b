"""How large is a picture? Read from the first bytes of its file."""

from __future__ import annotations

import re
import struct

from ..values import dataclass


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width} x {self.height}"


def dimensions_of(head: bytes) -> Dimensions | None:
    """The size of a PNG, GIF, JPEG, BMP, WebP or SVG by its first bytes; None for others."""
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return Dimensions(*struct.unpack(">II", head[16:24]))
        if head[:6] in (b"GIF87a", b"GIF89a"):
            return Dimensions(*struct.unpack("<HH", head[6:10]))
        if head.startswith(b"\xff\xd8"):
            return _jpeg(head)
        if head.startswith(b"BM"):
            width, height = struct.unpack("<ii", head[18:26])
            return Dimensions(width, abs(height))
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _webp(head)
    except struct.error:
        return None
    return _svg(head)


def _jpeg(head: bytes) -> Dimensions | None:
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        # start of a frame, of whichever coding; C4, C8 and CC are none
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[place + 5 : place + 9])
            return Dimensions(width, height)
        place += 2 + struct.unpack(">H", head[place + 2 : place + 4])[0]
    return None


def _webp(head: bytes) -> Dimensions | None:
    kind = head[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return Dimensions(width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        bits = struct.unpack("<I", head[21:25])[0]
        return Dimensions((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
        return Dimensions(width + 1, height + 1)
    return None


def _svg(head: bytes) -> Dimensions | None:
    tag = re.search(rb"<svg\b[^>]*>", head)
    if tag is None:
        return None
    sizes = dict(
        re.findall(rb"""\b(width|height)\s*=\s*["']([0-9]+)(?:\.[0-9]*)?(?:px)?["']""", tag[0])
    )
    if len(sizes) == 2:
        return Dimensions(int(sizes[b"width"]), int(sizes[b"height"]))
    return None
