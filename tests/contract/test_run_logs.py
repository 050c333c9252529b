"""Logs are found by stage and read without being held in memory."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from pivot.run.logs import Follower, file_name, follow, log_path, tail


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("train", "train"),
        ("sub/pivot.yaml:fit@linear-1", "sub%2Fpivot.yaml%3Afit@linear-1"),
        ("a%2Fb", "a%252Fb"),
        ("..", "%2E."),
        ("größe", "gr%C3%B6%C3%9Fe"),
    ],
)
def test_a_stage_has_a_file_name_of_its_own(stage: str, name: str) -> None:
    assert file_name(stage) == name
    assert log_path("/p", stage) == f"/p/.pivot/logs/{name}.log"


def test_names_that_are_too_long_stay_apart() -> None:
    one, two = file_name("x" * 300 + "a"), file_name("x" * 300 + "b")

    assert one != two
    assert len(one) <= 200


@pytest.mark.parametrize(
    ("content", "lines", "shown"),
    [
        (b"", 3, ""),
        (b"a", 3, "a\n"),
        (b"a\nb\nc\nd\n", 2, "c\nd\n"),
        (b"a\n\nb", 2, "\nb\n"),
        (b"bad \xff byte\n", 1, "bad \ufffd byte\n"),
        (b"10%\r50%\r100%\nend\r\n", 2, "100%\nend\n"),
        (b"x" * 100_000, 2, "..." + "x" * 16384 + "\n"),
        (b"a\n" * 100_000 + b"end\n", 2, "a\nend\n"),
    ],
)
def test_the_last_lines_of_a_log(tmp_path: Path, content: bytes, lines: int, shown: str) -> None:
    log = tmp_path / "log"
    log.write_bytes(content)

    assert tail(str(log), lines) == shown


def test_the_end_of_a_huge_log_costs_little(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with open(log, "wb") as file:
        os.truncate(file.fileno(), 1 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\nend\n")
    tracemalloc.start()
    shown = tail(str(log), 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert shown.endswith("\nend\n")
    assert peak < 4 << 20


def test_no_log_has_no_lines(tmp_path: Path) -> None:
    assert tail(str(tmp_path / "none")) == ""
    assert list(Follower(str(tmp_path / "none")).read()) == []


def test_following_reads_what_comes_and_starts_over_with_a_new_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one")
    follower = Follower(str(log))
    pieces = [*follower.read()]
    with open(log, "a") as file:
        file.write(" two")
    pieces += follower.read()
    log.write_text("new")
    pieces += follower.read()
    follower.close()

    assert pieces == [b"one", b" two", b"new"]


def test_following_ends_when_told_and_misses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("skipped")
    states = iter([False, True])

    def ended() -> bool:
        state = next(states)
        if state:
            with open(log, "a") as file:
                file.write("last")
        return state

    assert b"".join(follow(str(log), start=7, until=ended)) == b"last"
