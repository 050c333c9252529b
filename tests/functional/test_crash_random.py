"""Processes killed at random instants: `pivot`, what watches over its stages, and the stages."""

from __future__ import annotations

import random
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from crashes import (
    OUTS,
    Mill,
    Variant,
    children_of,
    kill,
    kill_a_supervisor,
    kill_a_worker,
    kill_after,
    supervisors_of,
)
from harness import Sandbox

from pivot.run.journal import recover

KILLS_A_SEED = 10


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [*range(2), *(pytest.param(n, marks=pytest.mark.thorough) for n in range(2, 12))]
)
def test_kills_at_random_instants_lose_nothing(project: Sandbox, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    mill = Mill(project)
    past: list[Variant] = []

    for number in range(KILLS_A_SEED):
        unsettle(mill, rng, past)
        command = ("checkout",) if rng.random() < 0.1 else ("repro", "-j", "2")
        weapon = rng.choice(["pivot", "pivot", "supervisor", "worker"])
        if weapon == "pivot":
            code = mill.crash(kill_after(rng.uniform(0.05, 0.4)), *command)
            assert code in (-signal.SIGKILL, 0, 1)
        else:
            strike = kill_a_supervisor(rng) if weapon == "supervisor" else kill_a_worker(rng)
            code = mill.crash(strike, *command)
            assert code in (0, 1)  # the stage failed, or was faster

        mill.check_after_crash()
        if rng.random() < 0.5 or number == KILLS_A_SEED - 1:
            if rng.random() < 0.5:
                recover(str(mill.root))
                mill.check_recovered()
            mill.repair()
            past.append(mill.variant)

    fresh = Sandbox(tmp_path / "fresh").write(mill.variant.files())
    fresh.run("repro").ended(0)
    assert fresh.contents(*OUTS) == mill.project.contents(*OUTS)


def unsettle(mill: Mill, rng: random.Random, past: list[Variant]) -> None:
    """Make a run have something to do, in one of the ways that there are."""
    if past and rng.random() < 0.3:
        mill.edit(rng.choice(past))  # its results are in the run cache
        mill.expect_results()
    else:
        mill.change(rng, fail=rng.random() < 0.2)
    path = rng.choice(sorted(OUTS))
    if rng.random() < 0.2 and (mill.root / path).exists():
        mill.edit_by_hand(path)
        mill.keep()
    elif rng.random() < 0.2 and (mill.root / path).exists():
        mill.remove(path)


def test_a_lost_supervisor_fails_its_stages_and_brings_outputs_back(project: Sandbox) -> None:
    mill = Mill(project)
    mill.edit(replace(mill.variant, helper=1))
    mill.project.edit("mill/stages.py", "time.sleep(0.01)", "time.sleep(30)")
    before = mill.content("build/flour.txt")

    def strike(process: subprocess.Popen[str]) -> None:
        found: list[int] = []
        while not found:
            assert process.poll() is None
            found = [pid for pid in supervisors_of(process.pid) if children_of(pid)]
        kill(found[0])

    assert mill.crash(strike) == 1
    mill.check_after_crash()
    assert mill.content("build/flour.txt") == before
    mill.project.edit("mill/stages.py", "time.sleep(30)", "time.sleep(0.01)")
    mill.expect_results()
    mill.repair()
