"""A run killed at each named write step loses nothing, and the next one puts everything right."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from crashes import Mill, Variant
from harness import Sandbox

import pivot
from pivot.disk import STEPS
from pivot.run.journal import recover

#: How often a run has passed a step when it is killed.
TIMES = (1, 3)
#: Steps that a run takes only once there is something to undo, or something stored to be had.
UNDOING = frozenset({"restore.move"})
RESTORING = frozenset({"outputs.materialized"})


def killed_at(mill: Mill, step: str, number: int, log: Path) -> None:
    """A run that is killed as it passes `step` for the `number`th time."""
    log.unlink(missing_ok=True)
    environment = {"PIVOT_FAULT": f"{step}:{number}", "PIVOT_FAULT_LOG": str(log)}
    done = mill.project.run("repro", "-j", "2", env=environment)
    assert done.code == -signal.SIGKILL, done
    assert log.read_text() == f"{step}\n"


@pytest.mark.parametrize("number", TIMES)
@pytest.mark.parametrize("step", sorted({*STEPS} - UNDOING - RESTORING))
def test_a_kill_at_any_step_loses_nothing(
    project: Sandbox, tmp_path: Path, step: str, number: int
) -> None:
    mill = Mill(project)
    mill.edit(replace(mill.variant, helper=7, press=7))  # everything has to run
    mill.expect_results()
    mill.edit_by_hand("build/oil.txt")
    mill.keep()
    # the journal is emptied when nothing runs: twice at least, with nothing above that waits
    if step == "journal.clear":
        number = min(number, 2)

    killed_at(mill, step, number, tmp_path / "log")

    mill.check_after_crash()
    recover(str(mill.root))
    mill.check_recovered()
    mill.check_after_crash()
    mill.repair()


@pytest.mark.parametrize("step", sorted({*STEPS} - UNDOING - RESTORING - {"aside.move"}))
def test_a_first_run_may_be_killed_at_any_step(project: Sandbox, tmp_path: Path, step: str) -> None:
    mill = Mill.__new__(Mill)
    mill.project, mill.root, mill._serial = project, project.root, 0
    mill.edit(Variant())
    mill.settled()
    mill.expect_results()

    killed_at(mill, step, 1, tmp_path / "log")
    mill.check_after_crash()
    if step not in ("aside.drop", "journal.clear", "lock.replace"):
        recover(str(mill.root))
        assert mill.content("build/flour.txt") is None, "a half-made output is no output"

    mill.repair()


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_kill_while_stored_results_are_put_back_loses_nothing(
    project: Sandbox, tmp_path: Path, number: int
) -> None:
    mill = Mill(project)
    first = mill.variant
    mill.edit(replace(first, helper=1, press=1))
    mill.expect_results()
    mill.repair()
    mill.edit(first)  # all results of this are in the run cache
    mill.expect_results()
    mill.edit_by_hand("build/parts")
    mill.keep()

    killed_at(mill, "outputs.materialized", number, tmp_path / "log")

    mill.check_after_crash()
    recover(str(mill.root))
    mill.check_recovered()
    mill.repair()


@pytest.mark.parametrize("number", [1, 2])
def test_a_kill_while_outputs_of_a_failed_stage_come_back_loses_nothing(
    project: Sandbox, tmp_path: Path, number: int
) -> None:
    mill = Mill(project)
    mill.edit(replace(mill.variant, helper=1, fail=True))
    mill.expect_results()
    if number == 2:
        # the second move happens in a run that puts right what an earlier one left
        killed_at(mill, "stage.started", 1, tmp_path / "log")
        number = 1

    killed_at(mill, "restore.move", number, tmp_path / "log")

    mill.check_after_crash()
    recover(str(mill.root))
    mill.check_recovered()
    mill.repair()


def test_recovering_may_be_killed_again_and_again(project: Sandbox, tmp_path: Path) -> None:
    mill = Mill(project)
    mill.edit(replace(mill.variant, helper=1, press=1))
    mill.expect_results()

    for step in ("stage.started", "restore.move", "journal.clear", "outputs.hashed"):
        killed_at(mill, step, 1, tmp_path / "log")
        mill.check_after_crash()

    recover(str(mill.root))
    mill.check_recovered()
    mill.repair()


def test_the_list_names_the_steps_that_there_are() -> None:
    passed: set[str] = set()
    for file in Path(pivot.__file__).parent.rglob("*.py"):
        text = file.read_text()
        passed.update(re.findall(r'step\("([a-z.]+)"\)', text))
        for kind in re.findall(r'write_atomic\((?:[^()]|\([^()]*\))*kind="([a-z]+)"', text):
            passed |= {f"{kind}.temp", f"{kind}.replace"}
    assert passed == {*STEPS}
