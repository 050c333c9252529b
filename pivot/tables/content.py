"""Compares files that are no tables: text line by line, pictures by size, the rest by digest."""

from __future__ import annotations

from typing import Literal

from ..digest import hash_bytes, hash_file
from ..values import dataclass
from .model import Source
from .pictures import Dimensions, dimensions_of

ContentKind = Literal["text", "image", "binary"]
#: Text of more bytes is compared by digest alone: a difference of that length nobody reads.
TEXT_LIMIT = 8 << 20
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".svg")
_PROBE = 1 << 16


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one version of a file. `digest` is written with its algorithm."""

    size: int
    digest: str
    dimensions: Dimensions | None = None


@dataclass(frozen=True, slots=True)
class ContentDiff:
    """How two versions of a file differ; None for a version that is not there.

    `lines` is a unified diff without its header, for text.
    """

    kind: ContentKind
    old: Facts | None
    new: Facts | None
    lines: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        before, after = self.old, self.new
        return (before and before.digest) != (after and after.digest)


def compare_content(old: Source | None, new: Source | None, algorithm: str) -> ContentDiff:
    """The difference of two versions of one file, either of which may be missing.

    Raises OSError where one cannot be read.
    """
    sides = [side for side in (old, new) if side is not None]
    is_image = any(side.name.lower().endswith(_IMAGES) for side in sides)
    facts = [_facts(side, algorithm, is_image=is_image) for side in (old, new)]
    before, after = facts
    if is_image and any(fact.dimensions for fact in facts if fact is not None):
        return ContentDiff("image", before, after)
    texts = [_text(side) for side in (old, new)]
    if any(text is None for text in texts):
        return ContentDiff("binary", before, after)
    lines = _unified(texts[0] or "", texts[1] or "")
    return ContentDiff("text", before, after, lines)


def _facts(side: Source | None, algorithm: str, *, is_image: bool) -> Facts | None:
    if side is None:
        return None
    if side.data is not None:
        digest, head = hash_bytes(algorithm, side.data), side.data
    else:
        assert side.path is not None
        digest = hash_file(algorithm, side.path)
        with open(side.path, "rb") as stream:
            head = stream.read(_PROBE)
    dimensions = dimensions_of(head) if is_image else None
    return Facts(side.size, str(digest), dimensions)


def _text(side: Source | None) -> str | None:
    """The text of a side ('' for none); None where it is not text, or too much of it."""
    if side is None:
        return ""
    if side.size > TEXT_LIMIT:
        return None
    data = side.read()
    if b"\0" in data[:_PROBE]:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _unified(old: str, new: str) -> tuple[str, ...]:
    if old == new:
        return ()
    import difflib

    before, after = old.splitlines(), new.splitlines()
    if before == after:
        return ("(only line endings differ)",)
    if len(before) * len(after) > 50_000_000:  # comparing takes their product
        return (f"({len(before)} lines, now {len(after)}: too many to compare one by one)",)
    return tuple(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
