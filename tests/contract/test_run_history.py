"""The history on disk: appended line by line, small, and whole after a crash."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pivot.model import Reason
from pivot.run import history
from pivot.run.history import Past, Writer, durations, history_path, read_history, remember


class Kept(dict[str, bytes]):
    """Blobs that count how often they were written."""

    puts = 0

    def put(self, key: str, value: bytes) -> None:
        self.puts += 1
        self[key] = value


def written(root: Path, *pasts: tuple[str, float]) -> None:
    writer = Writer(str(root))
    for stage, seconds in pasts:
        writer.note(stage, "ran", 1000.0, seconds)
    writer.close()


def test_without_runs_there_is_neither_history_nor_file(tmp_path: Path) -> None:
    Writer(str(tmp_path)).close()
    assert read_history(str(tmp_path)) == []
    assert durations(str(tmp_path), Kept()) == {}
    assert list(tmp_path.iterdir()) == []


def test_what_is_noted_comes_back(tmp_path: Path) -> None:
    writer = Writer(str(tmp_path))
    reasons = [
        Reason("params", "C", 0.5, [1, 2]),
        Reason("code", "m:f", None, "abc"),
        Reason("params", "long", "x" * 5000, None),
    ]
    writer.note("train", "ran", 12.3456, 1.23456, reasons)
    writer.note("a\nb é", "failed", 13.0, 0.5, error="first\nsecond" + "!" * 5000)
    writer.note_killed(["gone"])
    writer.close()
    first, second, third = read_history(str(tmp_path))
    assert first == Past(
        "train", "ran", 12.346, 1.235, first.run,
        (
            {"kind": "params", "subject": "C", "old": 0.5, "new": [1, 2]},
            {"kind": "code", "subject": "m:f", "new": "abc"},
            {"kind": "params", "subject": "long", "old": "x" * 200 + "..."},
        ),
    )  # fmt: skip
    assert (second.stage, second.run, len(second.error or "")) == ("a\nb é", first.run, 1000)
    assert (third.stage, third.status, third.seconds) == ("gone", "killed", None)
    assert len(Path(history_path(str(tmp_path))).read_bytes().splitlines()) == 3


def test_a_torn_line_costs_itself_alone(tmp_path: Path) -> None:
    written(tmp_path, ("a", 1.0))
    path = Path(history_path(str(tmp_path)))
    for torn in (b'{"at":1,"stage":"b","sta', b"\xff\x00\n[1]\nnull\n{}\n7\n"):
        path.write_bytes(path.read_bytes() + torn)
        written(tmp_path, ("c", 2.0))
        assert {past.stage for past in read_history(str(tmp_path))} == {"a", "c"}


def test_the_file_stays_small_and_keeps_the_last_good_run_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_LIMIT_BYTES", 4000)
    written(tmp_path, ("rare", 9.0), ("rare", 8.0))
    for number in range(200):
        written(tmp_path, ("often", float(number)))
    assert os.path.getsize(history_path(str(tmp_path))) < 4300
    found = read_history(str(tmp_path))
    assert [past.seconds for past in found if past.stage == "rare"] == [8.0]
    assert [past.seconds for past in found[-3:]] == [197.0, 198.0, 199.0]
    assert durations(str(tmp_path), Kept()) == {"rare": 8.0, "often": 199.0}


def test_durations_are_read_once_for_each_state_of_the_file(tmp_path: Path) -> None:
    kept = Kept()
    written(tmp_path, ("a", 1.0), ("b", 2.0))
    assert durations(str(tmp_path), kept) == durations(str(tmp_path), kept) == {"a": 1.0, "b": 2.0}
    assert kept.puts == 1
    written(tmp_path, ("a", 3.0))
    remember(str(tmp_path), kept, {"a": 1.0, "b": 2.0}, {"a": 3.0})
    assert durations(str(tmp_path), kept) == {"a": 3.0, "b": 2.0}
    assert kept.puts == 2
    for key in kept:
        kept[key] = b"damaged"
    assert durations(str(tmp_path), kept) == {"a": 3.0, "b": 2.0}


def test_a_disk_that_takes_nothing_costs_only_the_history(tmp_path: Path) -> None:
    (tmp_path / ".pivot").write_text("a file where the folder goes")
    written(tmp_path, ("a", 1.0), ("b", 1.0))
    assert read_history(str(tmp_path)) == []


def test_lines_are_json_that_other_programs_read(tmp_path: Path) -> None:
    written(tmp_path, ("a", 1.0))
    [line] = Path(history_path(str(tmp_path))).read_text().splitlines()
    assert set(json.loads(line)) == {"at", "stage", "status", "seconds", "run"}
