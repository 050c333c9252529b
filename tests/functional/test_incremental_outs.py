"""Outs that stages go on with: each record once, whatever happens in between."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from harness import Sandbox

STAGES = """
    import json, os, time
    from pathlib import Path
    from typing import Annotated
    from pivot import Dep, IncrementalOut, Out
    from pivot.loaders import JSONL

    def collect(
        log: Annotated[list[dict], IncrementalOut("log.jsonl", JSONL())],
        notes: Annotated[Path, IncrementalOut("notes.txt")],
        day: int,
        wait: float = 0.0,
    ) -> None:
        log.append({"day": day})
        with open(notes, "a") as stream:
            for part in (f"day ", f"{day}", "\\n"):
                stream.write(part)
                stream.flush()
                time.sleep(float(os.environ.get("WAIT", "0")))

    def count(log: Annotated[list[dict], Dep("log.jsonl")]) -> Annotated[dict, Out("n.json")]:
        return {"n": len(log)}
"""
YAML = """
    stages:
      collect:
        python: stages.collect
        params: {day: 1}
      count: {python: stages.count}
"""


@pytest.fixture
def diary(project: Sandbox) -> Sandbox:
    return project.write({"pivot.yaml": YAML, "stages.py": STAGES})


def days(diary: Sandbox) -> list[int]:
    """The days in the log, after the notes were seen to hold the same."""
    import json

    found = [json.loads(line)["day"] for line in diary.read("log.jsonl").splitlines()]
    assert diary.read("notes.txt") == "".join(f"day {day}\n" for day in found)
    return found


def set_day(diary: Sandbox, day: int) -> None:
    before = diary.read("pivot.yaml").partition("day: ")[2].partition("}")[0]
    diary.edit("pivot.yaml", f"day: {before}}}", f"day: {day}}}")


def test_each_run_goes_on_from_the_locked_version(diary: Sandbox) -> None:
    assert diary.ran() == {"collect", "count"}
    assert days(diary) == [1]
    assert diary.ran() == set()

    set_day(diary, 2)
    assert diary.ran() == {"collect", "count"}
    assert days(diary) == [1, 2]
    diary.commit("two")

    # an equal key again, after a newer history: nothing comes back over that history
    set_day(diary, 1)
    assert diary.ran() == {"collect", "count"}
    assert days(diary) == [1, 2, 1]

    # forced, and with other code, it goes on
    assert diary.ran("--force", "collect") == {"collect"}
    assert days(diary) == [1, 2, 1, 1]
    diary.edit("stages.py", 'log.append({"day": day})', 'log.append({"day": int(day)})')
    assert "collect" in diary.ran()
    assert days(diary) == [1, 2, 1, 1, 1]

    # back to the commit: the locked version comes back, and from it the run that followed it
    diary.git("checkout", "--quiet", ".")
    assert diary.repro()["collect"] == "restored"
    assert days(diary) == [1, 2]
    set_day(diary, 1)
    assert diary.repro() == {"collect": "restored", "count": "restored"}
    assert days(diary) == [1, 2, 1]

    # lost, or changed by hand: the locked version again, and the bytes are kept
    diary.remove("log.jsonl")
    diary.append("notes.txt", "by hand")
    kept = diary.run("repro").ended()
    assert "kept the previous 'notes.txt' as blake3:" in kept.stderr + kept.stdout
    assert days(diary) == [1, 2, 1]
    assert os.stat(diary.root / "log.jsonl").st_mode & 0o200


def test_a_failure_brings_the_version_before_back(diary: Sandbox) -> None:
    diary.ran()
    set_day(diary, 2)
    diary.edit(
        "stages.py",
        '    log.append({"day"',
        "    Path('log.jsonl').write_text('junk')\n    log.append({\"day\"",
    )
    diary.edit("stages.py", 'time.sleep(float(os.environ.get("WAIT", "0")))', "raise SystemExit(3)")

    diary.run("repro").ended(1)

    assert days(diary) == [1]
    assert diary.json("n.json") == {"n": 1}


def test_without_a_lock_it_goes_on_with_what_is_there(diary: Sandbox) -> None:
    diary.write({"log.jsonl": '{"day": 7}\n', "notes.txt": "day 7\n"})
    diary.ran()
    assert days(diary) == [7, 1]


def test_a_version_that_is_nowhere_is_not_begun_anew(diary: Sandbox) -> None:
    diary.ran()
    for path in (diary.root / ".pivot/cache/files").rglob("*"):
        if path.is_file():
            path.unlink()
    diary.remove("log.jsonl")
    set_day(diary, 2)

    refused = diary.run("repro")
    assert refused.code == 1
    assert "'log.jsonl' goes on from its previous version" in refused.stderr + refused.stdout
    assert diary.read("notes.txt") == "day 1\n"
    diary.remove(".pivot/stages/collect.lock")
    assert "collect" in diary.ran()


def test_incremental_in_yaml_and_by_commands(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
            stages:
              add:
                python: m.add
                params: {n: 1}
                outs: {seen: {path: seen.json, loader: json, incremental: true}}
              note:
                cmd: echo ${n} >> notes.txt
                outs: [notes.txt: {incremental: true}]
            """,
            "params.yaml": "n: 1\n",
            "m.py": "def add(seen: dict, n): seen[str(len(seen))] = n\n",
        }
    )
    project.ran()
    project.edit("pivot.yaml", "params: {n: 1}", "params: {n: 2}")
    project.edit("params.yaml", "1", "2")
    assert project.ran() == {"add", "note"}
    assert project.json("seen.json") == {"0": 1, "1": 2}
    assert project.read("notes.txt") == "1\n2\n"


def test_killed_at_any_instant_no_record_is_lost_or_doubled(diary: Sandbox) -> None:
    kill_often(diary, 6)


@pytest.mark.thorough
@pytest.mark.slow
def test_killed_fifty_times(diary: Sandbox) -> None:
    kill_often(diary, 50)


def kill_often(diary: Sandbox, times: int) -> None:
    """Each day is begun, killed with all its processes at a random instant, and run again."""
    chance = random.Random(times)
    diary.ran()
    started = time.monotonic()
    set_day(diary, 2)
    diary.env["WAIT"] = "0.03"
    diary.ran()
    whole = time.monotonic() - started
    killed = 0
    for day in range(3, 3 + times):
        set_day(diary, day)
        process = diary.start("repro")
        time.sleep(chance.uniform(0.1, 1) * whole)
        if process.poll() is None:
            killed += 1
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        diary.run("repro").ended()
        assert days(diary) == list(range(1, day + 1))
        assert diary.json("n.json") == {"n": day}
    assert killed
    assert not list(Path(diary.root).glob(".*tmp*"))
