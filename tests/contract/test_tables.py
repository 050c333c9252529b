"""Both ways to compare tables say the same: with the standard library, and in a database."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pivot.errors import PivotError
from pivot.tables.database import compare_in_database
from pivot.tables.formats import NotATableError
from pivot.tables.memory import compare_in_memory
from pivot.tables.model import ColumnChange, Comparison, Query, Source

Compare = Callable[[Source, Source, Sequence[str]], Comparison]


@pytest.fixture(params=["memory", "database"])
def compare(request: pytest.FixtureRequest, tmp_path: Path) -> Compare:
    if request.param == "memory":
        return compare_in_memory
    return lambda old, new, key: compare_in_database(old, new, key, str(tmp_path / "scratch"))


def source(name: str, content: str | bytes) -> Source:
    data = content.encode() if isinstance(content, str) else content
    return Source(name, data=data, size=len(data))


def said(comparison: Comparison, query: Query | None = None) -> list[tuple[Any, ...]]:
    rows = comparison.rows(query or Query(), 0, 100)
    return [
        (
            row.kind,
            row.old_row,
            row.new_row,
            *(
                {n: (row.old[n], row.new[n]) for n in row.columns}
                if row.old and row.new
                else row.values
            ).items(),
        )
        for row in rows
    ]


def test_rows_by_key(compare: Compare, tmp_path: Path) -> None:
    old = source("t.csv", "id,name,n\n1,ada,5\n2,bob,6\n3,cy,7\n")
    new = source("t.csv", "id,name,n\n3,cy,7\n1,Ada,5\n4,dee,\n")

    found = compare(old, new, ["id"])

    assert said(found) == [
        ("removed", 2, None, ("id", "2"), ("name", "bob"), ("n", "6")),
        ("changed", 1, 2, ("name", ("ada", "Ada"))),
        ("added", None, 3, ("id", "4"), ("name", "dee"), ("n", "")),
    ]
    summary = found.summary
    assert (summary.old_rows, summary.new_rows, summary.unchanged) == (3, 3, 1)
    assert summary.changed_in == {"name": 1}
    assert summary.differs
    # parts of it
    assert [row.kind for row in found.rows(Query(), 0, 1)] == ["removed"]
    assert said(found, Query(kinds=("added",)))[0][0] == "added"
    assert found.count(Query(column="name")) == 1
    assert found.count(Query(column="n")) == 0
    assert found.count(Query(search="ADA")) == 1
    assert found.count(Query(search="%")) == 0
    assert said(found, Query(kinds=("removed", "added"), search="dee"))[0][2] == 3
    found.close()
    assert not list(tmp_path.rglob("tables.db"))


def test_rows_by_position(compare: Compare) -> None:
    found = compare(source("t.csv", "a\n1\n2\n3\n"), source("t.csv", "a\n1\n9\n"), [])

    assert said(found) == [
        ("changed", 2, 2, ("a", ("2", "9"))),
        ("removed", 3, None, ("a", "3")),
    ]
    found.close()


def test_keys_of_several_columns_and_keys_that_repeat(compare: Compare) -> None:
    old = source("t.tsv", "a\tb\tv\n1\tx\t1\n1\ty\t2\n1\ty\t3\n")
    new = source("t.tsv", "a\tb\tv\n1\ty\t2\n1\ty\t4\n1\ty\t5\n1\tx\t1\n")

    found = compare(old, new, ["a", "b"])

    assert said(found) == [
        ("changed", 3, 2, ("v", ("3", "4"))),
        ("added", None, 3, ("a", "1"), ("b", "y"), ("v", "5")),
    ]
    assert found.summary.repeated == 1
    found.close()


def test_columns(compare: Compare) -> None:
    old = source("t.csv", "id,a,gone,same,none\n1,5,x,1,\n2,6,y,2,\n")
    new = source("t.csv", "same,id,a,fresh,none\n1,1,5,p,\n2,2,six,q,7\n")

    found = compare(old, new, ["id"])

    assert found.summary.columns == (
        ColumnChange("a", "integer", "text"),
        ColumnChange("fresh", None, "text"),
        ColumnChange("gone", "text", None),
    )
    assert found.summary.is_reordered
    assert found.columns == ("same", "id", "a", "fresh", "none", "gone")
    assert said(found) == [("changed", 2, 2, ("a", ("6", "six")), ("none", ("", "7")))]
    found.close()


@pytest.mark.parametrize("name", ["t.json", "t.jsonl"])
def test_json(compare: Compare, name: str) -> None:
    def rows(*rows: dict[str, Any]) -> Source:
        lines = [json.dumps(row) for row in rows]
        return source(name, "\n".join(lines) if name == "t.jsonl" else f"[{', '.join(lines)}]")

    old = rows({"id": 1, "v": 1, "w": {"a": [1, 2]}}, {"id": 2, "v": None}, {"id": 3, "v": "x"})
    new = rows({"id": 1, "v": 1.0, "w": {"a": [1, 2]}}, {"id": 2}, {"id": 3, "v": "é", "z": True})

    found = compare(old, new, ["id"])

    assert said(found) == [
        ("changed", 1, 1, ("v", (1, 1.0))),
        ("changed", 3, 3, ("v", ("x", "é"))),
    ]
    assert found.summary.columns == (ColumnChange("z", None, "boolean"),)
    found.close()


def test_odd_texts(compare: Compare) -> None:
    old = source("t.csv", '\ufeffid,"a ""b"", c",x\r\n1,"one\ntwo, three",\r\n2,"",é\r\n'.encode())
    new = source("t.csv", 'id,"a ""b"", c",x\n1,"one\ntwo, three",""\n2,,e\n')

    found = compare(old, new, ["id"])

    assert said(found) == [("changed", 2, 2, ("x", ("é", "e")))]
    assert found.columns == ("id", 'a "b", c', "x")
    found.close()


def test_columns_may_be_called_anything(compare: Compare) -> None:
    names = 'i,j,r,rowid,mask0,nth,a,b,c0,C0,"select ""x"" -- ",m'
    old = source("t.csv", f"{names}\n1,2,3,4,5,6,7,8,9,10,11,12\n")
    new = source("t.csv", f"{names}\n1,0,3,0,5,6,0,8,9,0,0,12\n")

    for key in (["i"], ["r", "rowid"], []):
        found = compare(old, new, key)
        if key == ["r", "rowid"]:
            assert (found.summary.added, found.summary.removed) == (1, 1)
        else:
            [row] = found.rows(Query(), 0, 5)
            assert row.columns == ("j", "rowid", "a", "C0", 'select "x" -- ')
        found.close()


@pytest.mark.parametrize(
    ("old", "new", "rows"),
    [("", "", 0), ("a,b\n", "a,b\n", 0), ("", "a\n1\n", 1), ("a\n", "b\n", 0)],
)
def test_tables_without_rows_or_columns(compare: Compare, old: str, new: str, rows: int) -> None:
    found = compare(source("t.csv", old), source("t.csv", new), [])

    assert found.summary.added == rows
    assert found.summary.differs == (old != new)
    assert len(said(found)) == rows
    found.close()


@pytest.mark.parametrize(
    ("name", "content", "key", "message"),
    [
        ("t.csv", "a,a\n1,2\n", [], "two columns are called 'a'"),
        ("t.csv", "a,b\n1,2,3\n", [], "t.csv"),
        ("t.csv", "a,b\n1,2\n", ["B"], "has no column 'B'"),
        ("t.json", "{", [], "t.json"),
        ("t.json", "[1, 2]", [], "t.json"),
        ("t.jsonl", '{"a": 1}\nnot json\n', [], "t.jsonl"),
    ],
)
def test_what_is_no_table(
    compare: Compare, name: str, content: str, key: list[str], message: str
) -> None:
    with pytest.raises(PivotError) as caught:
        compare(source(name, content), source(name, content), key)

    assert message in str(caught.value)
    assert isinstance(caught.value, NotATableError) == (not name.endswith("csv"))


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(n, marks=pytest.mark.thorough) for n in range(4, 60))]
)
def test_both_ways_agree(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    names = chance.sample(["id", "a", "b", "k y", 'q"'], 4)
    name = chance.choice(["t.csv", "t.tsv", "t.json", "t.jsonl"])
    old = _random_rows(chance, names)
    new = [dict(row) for row in old if chance.random() > 0.2]
    for row in new:
        if chance.random() < 0.3:
            row[chance.choice(names)] = chance.choice(["", "5", "5.0", "x,y", "ü"])
    new += _random_rows(chance, names)[: chance.randrange(4)]
    if chance.random() < 0.3:
        chance.shuffle(new)
    if chance.random() < 0.3:
        for row in new:
            row["extra"] = "1"
    sides = [_written(name, old, names), _written(name, new, names)]
    key = chance.choice([[], names[:1], names[:2]])

    first = compare_in_memory(*sides, key)
    second = compare_in_database(*sides, key, str(tmp_path))

    assert first.summary == second.summary
    for query in (Query(), Query(search="5"), Query(column=names[3]), Query(kinds=("removed",))):
        assert first.count(query) == second.count(query)
        assert list(first.rows(query, 0, 99)) == list(second.rows(query, 0, 99))
    second.close()


def _random_rows(chance: random.Random, names: list[str]) -> list[dict[str, Any]]:
    values = ["", "1", "2", "2.5", "-3", "x", 'a"b', "line\nbreak", "1e5", "nan", "0x1", " 7"]
    return [{name: chance.choice(values) for name in names} for _ in range(chance.randrange(12))]


def _written(name: str, rows: list[dict[str, Any]], names: list[str]) -> Source:
    if name == "t.json":
        return source(name, json.dumps(rows))
    if name == "t.jsonl":
        return source(name, "".join(json.dumps(row) + "\n" for row in rows))
    stream = io.StringIO()
    columns = list(rows[0]) if rows else names
    writer = csv.DictWriter(stream, columns, delimiter="\t" if name == "t.tsv" else ",")
    writer.writeheader()
    writer.writerows(rows)
    return source(name, stream.getvalue())


def test_parquet(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    def written(name: str, **columns: Any) -> Source:
        path = tmp_path / name
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
        return Source("t.parquet", path=str(path), size=path.stat().st_size)

    old = written("old", id=[1, 2], v=[0.5, float("nan")], t=["a", None])
    new = written("new", id=[1, 2], v=[0.5, float("nan")], t=["a", "b"], n=[1, 2])

    found = compare_in_database(old, new, ["id"], str(tmp_path))

    assert said(found) == [("changed", 2, 2, ("t", (None, "b")))]
    assert found.summary.columns == (ColumnChange("n", None, "bigint"),)
    found.close()


@pytest.mark.thorough
def test_a_million_rows_in_bounded_memory(tmp_path: Path) -> None:
    for name, shift in (("old.csv", 0), ("new.csv", 1)):
        with open(tmp_path / name, "w") as stream:
            stream.write("id,text,value\n")
            for row in range(1_000_000):
                value = row * 7 + (shift if row % 1000 == 0 else 0)
                stream.write(f"{row},some text of row {row},{value}\n")

    sides = [Source(name, path=str(tmp_path / name)) for name in ("old.csv", "new.csv")]
    found = compare_in_database(*sides, ["id"], str(tmp_path / "scratch"), memory="150MB")

    assert found.summary.changed_in == {"value": 1000}
    assert found.summary.unchanged == 999_000
    assert [row.new_row for row in found.rows(Query(), 998, 5)] == [998_001, 999_001]
    found.close()
