"""Run records and code tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pivot.digest import Digest
from pivot.errors import StoreError
from pivot.model import CodeManifest, StageKey, StageRecord, Symbol
from pivot.store import CodeTables, RunCache


def record_of(
    stage: str = "train", *, c: float = 0.5, out: str = "aa", **observed: str
) -> StageRecord:
    key = StageKey(
        entry="penguins.train",
        kind="python",
        wdir=".",
        binding={"C": "param"},
        code="xxh128:01",
        params={"": {"C": c}},
        deps={"data.csv": Digest("blake3", "dd", "file", 10)},
        outs=("model.joblib",),
        env={},
    )
    return StageRecord(stage, key, {"model.joblib": Digest("blake3", out, "file", 5)}, observed)


@pytest.fixture
def runs(tmp_path: Path) -> RunCache:
    return RunCache(str(tmp_path / "runs"))


def age(runs: RunCache, seconds: int) -> None:
    for path in Path(runs.folder).rglob("*.json"):
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - seconds * 10**9))


def test_a_record_is_found_by_its_key(runs: RunCache) -> None:
    record = record_of()
    assert runs.find(record.key.id) == ()
    runs.put(record)
    (found,) = runs.find(record.key.id)
    assert found == record
    assert found.key.id == record.key.id
    assert runs.find(record_of(c=0.25).key.id) == ()


def test_the_newest_record_of_a_key_comes_first(runs: RunCache) -> None:
    older = record_of(out="aa", **{"plugins.one": "xxh128:01"})
    newer = record_of(out="bb", **{"plugins.two": "xxh128:02"})
    assert older.key.id == newer.key.id
    runs.put(older)
    age(runs, 10)
    runs.put(newer)
    assert runs.find(older.key.id) == (newer, older)
    age(runs, 10)
    runs.put(older)
    assert runs.find(older.key.id) == (older, newer)


def test_the_same_run_twice_leaves_one_record(runs: RunCache) -> None:
    runs.put(record_of())
    runs.put(record_of())
    assert len(runs.find(record_of().key.id)) == 1


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b"[]", None])
def test_an_unreadable_record_counts_as_absent(runs: RunCache, damage: bytes | None) -> None:
    good, bad = record_of(out="aa"), record_of(out="bb")
    runs.put(bad)
    (path,) = Path(runs.folder).rglob("*.json")
    text = path.read_bytes()
    path.write_bytes(text.replace(b"0.5", b"0.75") if damage is None else damage)
    runs.put(good)
    assert runs.find(good.key.id) == (good,)


def test_a_folder_in_place_of_a_record_counts_as_absent(runs: RunCache) -> None:
    runs.put(record_of())
    (path,) = Path(runs.folder).rglob("*.json")
    path.unlink()
    path.mkdir()
    assert runs.find(record_of().key.id) == ()


def test_a_record_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(StoreError, match="cannot write the run record"):
        RunCache(str(tmp_path / "runs")).put(record_of())


@pytest.mark.parametrize("step", ["record.temp", "record.replace"])
def test_a_process_killed_while_writing_leaves_a_whole_record_or_none(
    runs: RunCache, step: str
) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from test_store_records import record_of\n"
        "from pivot.store import RunCache\n"
        "RunCache(sys.argv[1]).put(record_of())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, runs.folder, os.path.dirname(__file__)],
        env={**os.environ, "PIVOT_FAULT": step},
        check=False,
    )
    assert done.returncode == -9
    expected = (record_of(),) if step == "record.replace" else ()
    assert runs.find(record_of().key.id) == expected


MANIFEST = CodeManifest(
    digest="xxh128:0123",
    symbols={
        "penguins:train": Symbol("00aa", "penguins.py", 3),
        "penguins:helper": Symbol("00bb", "penguins.py", 9),
    },
    reached_by={"penguins:train": "", "penguins:helper": "penguins:train"},
)


def test_a_code_table_comes_back(tmp_path: Path) -> None:
    tables = CodeTables(str(tmp_path))
    assert tables.get(MANIFEST.digest) is None
    tables.put(MANIFEST)
    found = CodeTables(str(tmp_path)).get(MANIFEST.digest)
    assert found is not None
    assert found.symbols == MANIFEST.symbols
    assert found.reached_by == MANIFEST.reached_by
    assert (tmp_path / "0123.json").is_file()


def written(path: Path) -> tuple[int, int, int]:
    """What another writing of a file would change; reading it changes the time of access."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def test_a_code_table_is_written_once(tmp_path: Path) -> None:
    tables = CodeTables(str(tmp_path))
    tables.put(MANIFEST)
    before = written(tmp_path / "0123.json")
    tables.put(MANIFEST)
    CodeTables(str(tmp_path)).put(MANIFEST)
    assert written(tmp_path / "0123.json") == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"pivot_code": 3, "digest": "xxh128:0123", "symbols": {}, "parts": []}),
        json.dumps({"pivot_code": 2, "digest": "xxh128:4567", "symbols": {}, "parts": []}),
        json.dumps({"pivot_code": 2, "digest": "xxh128:0123", "symbols": {"a": [1]}, "parts": []}),
        json.dumps({"pivot_code": 2, "digest": "xxh128:0123", "symbols": [], "parts": []}),
        json.dumps({"pivot_code": 2, "digest": "xxh128:0123", "symbols": {}}),
        json.dumps({"pivot_code": 2, "digest": "xxh128:0123", "symbols": {}, "parts": ["../x"]}),
        json.dumps({"pivot_code": 2, "digest": "xxh128:0123", "symbols": {}, "parts": ["0" * 32]}),
    ],
)
def test_a_broken_code_table_counts_as_absent(tmp_path: Path, text: str) -> None:
    (tmp_path / "0123.json").write_text(text)
    assert CodeTables(str(tmp_path)).get("xxh128:0123") is None


def manifest_of(stage: str, helpers: int, line: int = 1) -> CodeManifest:
    """A stage that reaches some definitions of a module by way of the first of them."""
    symbols = {f"steps:{stage}": Symbol("00aa", "steps.py", line)}
    reached_by = {f"steps:{stage}": ""}
    for number in range(helpers):
        symbols[f"lib:f{number}"] = Symbol(f"{number:04}", "lib.py", number + 1)
        reached_by[f"lib:f{number}"] = f"lib:f{number - 1}" if number else f"steps:{stage}"
    return CodeManifest(f"xxh128:{stage}", symbols, reached_by)


def _part_of(table: Path) -> Path:
    [name] = json.loads(table.read_text())["parts"]
    return table.parent / "parts" / f"{name}.json"


def test_tables_share_what_they_have_in_common(tmp_path: Path) -> None:
    stages = [manifest_of(f"{number:02}", 50) for number in range(10)]
    other = manifest_of("99", 40)
    tables = CodeTables(str(tmp_path))
    for manifest in (*stages, other):
        tables.put(manifest)

    parts = sorted((tmp_path / "parts").iterdir())
    assert len(parts) == 2
    assert all(path.stat().st_size < 600 for path in tmp_path.glob("*.json"))
    reader = CodeTables(str(tmp_path))
    for manifest in (*stages, other):
        found = reader.get(manifest.digest)
        assert found is not None
        assert (found.symbols, found.reached_by) == (manifest.symbols, manifest.reached_by)

    wanted = [manifest.digest for manifest in stages]
    unused = {Path(path) for _, path, _ in reader.unused(wanted)}
    assert unused == {tmp_path / "99.json", _part_of(tmp_path / "99.json")}

    parts[0].write_bytes(parts[0].read_bytes().replace(b"lib.py", b"bil.py", 1))
    parts[1].unlink()
    assert all(CodeTables(str(tmp_path)).get(m.digest) is None for m in (*stages, other))


def test_a_code_table_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "code").write_text("a file")
    with pytest.raises(StoreError, match="cannot write the code table"):
        CodeTables(str(tmp_path / "code")).put(MANIFEST)
