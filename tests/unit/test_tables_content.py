"""Files that are no tables, and how differences are worded."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pivot.cli.tables import row_text, summary_lines
from pivot.tables.content import TEXT_LIMIT, compare_content
from pivot.tables.database import compare_in_database
from pivot.tables.formats import format_of
from pivot.tables.model import ColumnChange, RowChange, Source, Summary
from pivot.tables.pictures import Dimensions, dimensions_of


def source(name: str, data: bytes) -> Source:
    return Source(name, data=data, size=len(data))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("GIF", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "exif": b"Exif\0\0" + b"x" * 2000}),
        ("BMP", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0"}),
    ],
)
def test_dimensions(kind: str, options: dict[str, Any]) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (37, 21), "red").save(stream, kind, **options)

    assert dimensions_of(stream.getvalue()) == Dimensions(37, 21)
    assert dimensions_of(stream.getvalue()[:8]) is None


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b'<?xml version="1.0"?><svg xmlns="x" width="5px" height="6.5">', Dimensions(5, 6)),
        (b'<svg viewBox="0 0 5 6">', None),
        (b"RIFF....WEBPWHAT", None),
        (b"words", None),
        (b"", None),
    ],
)
def test_dimensions_of_texts(head: bytes, expected: Dimensions | None) -> None:
    assert dimensions_of(head) == expected


def test_text_and_what_is_none(tmp_path: Path) -> None:
    def compared(old: bytes | None, new: bytes | None, name: str = "x.txt") -> Any:
        sides = [None if data is None else source(name, data) for data in (old, new)]
        return compare_content(*sides, "xxh128")

    assert compared(b"a\nb\n", b"a\nc\n").lines == ("@@ -1,2 +1,2 @@", " a", "-b", "+c")
    assert compared(None, b"a\n").lines == ("@@ -0,0 +1 @@", "+a")
    assert compared(b"a\n", b"a\r\n").lines == ("(only line endings differ)",)
    assert compared(b"a\n", b"a\n").lines == ()
    assert not compared(b"a\n", b"a\n").differs
    assert compared(b"\0", b"a").kind == "binary"
    assert compared(b"\xff\xfe", b"a").kind == "binary"
    assert compared(b"a" * (TEXT_LIMIT + 1), b"a").kind == "binary"
    many = b"".join(b"%d\n" % n for n in range(8000))
    assert "too many" in compared(many, many + b"x\n").lines[0]
    # an image that is none is compared as what it is
    assert compared(b"words\n", b"more\n", "x.png").kind == "text"
    (tmp_path / "file").write_bytes(b"on disk")
    found = compare_content(Source("x", path=str(tmp_path / "file"), size=7), None, "xxh128")
    assert (found.old.size, found.new, found.differs) == (7, None, True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/b.CSV", "csv"),
        ("x.ndjson", "jsonl"),
        ("x.parquet", "parquet"),
        (".csv", None),
        ("csv", None),
    ],
)
def test_formats_by_name(name: str, kind: str | None) -> None:
    assert format_of(name) == kind


def test_the_numbers_in_words() -> None:
    summary = Summary(
        key=("a", "b"),
        old_rows=5,
        new_rows=5,
        added=0,
        removed=0,
        changed=0,
        columns=(ColumnChange("n", "integer", "text"), ColumnChange("o", "text", None)),
        repeated=2,
        is_reordered=True,
    )

    assert list(summary_lines(summary)) == [
        "5 -> 5 rows, matched by a, b",
        "none differ, 5 unchanged",
        "column 'n' was integer, is text",
        "column 'o' removed (text)",
        "columns stand in another order",
        "2 keys are not unique: rows of the same key are matched in their order",
    ]
    assert summary.differs


def test_values_in_words() -> None:
    old = {"a": None, "b": " x", "c": [1, "é"], "d": "y" * 100, "e": "two\nlines", "f": True}
    change = RowChange("removed", 3, None, old, None)

    assert row_text(change, ()) == (
        '- row 3  a=(none)  b=" x"  c=[1,"é"]  d=' + "y" * 57 + '...  e="two\\nlines"  f=true'
    )


def test_what_a_killed_comparison_left_is_removed_later(tmp_path: Path) -> None:
    old, fresh = tmp_path / "tables-old", tmp_path / "tables-fresh"
    for folder in (old, fresh):
        folder.mkdir()
    os.utime(old, (time.time() - 200_000,) * 2)

    compare_in_database(
        source("a.csv", b"a\n1\n"), source("a.csv", b"a\n1\n"), [], str(tmp_path)
    ).close()

    assert [entry.name for entry in tmp_path.iterdir()] == ["tables-fresh"]


def test_a_scratch_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    found = compare_in_database(
        source("a.csv", b"a\n1\n"), source("a.csv", b"a\n2\n"), ["a"], str(tmp_path / "file")
    )

    assert (found.summary.added, found.summary.removed) == (1, 1)
    found.close()
