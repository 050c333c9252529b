"""The benchmarks: what is done, what it is compared with, and what was promised of it."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from . import generate, peers
from .measuring import Cost, Costs, hidden_edit, in_turn, run, touch_and_copy
from .report import Report

BIN = Path(sys.executable).parent
PIVOT = str(BIN / "pivot")
FULL = {"PIVOT_INSTANT": "0"}  # the ordinary path, not the answer from stat numbers alone

#: What a typed stage of the user's imports.
DECLARING = "from pivot import Dep, loaders; Dep('a', loaders.CSV())"

#: A floor: the command-line library, and one stat of all that must be looked at.
STATS = """
import os, sys
{imports}
for i in range({stages}):
    for path in (f"data/in_{{i}}.txt", f"out/o_{{i}}.txt", f".pivot/stages/stage_{{i}}.lock"):
        os.stat(path)
"""
HASHES = """
import os, xxhash
for i in range({stages}):
    for path in (f"data/in_{{i}}.txt", f"out/o_{{i}}.txt"):
        file = os.open(path, os.O_RDONLY)
        xxhash.xxh3_128(os.read(file, 1 << 20)).digest()
        os.close(file)
"""


class Bench:
    """Measures in fresh folders below `root`; `times` runs of what is short."""

    def __init__(self, root: Path, report: Report, times: int) -> None:
        self.root = root
        self.report = report
        self.times = times

    def python(self, folder: Path, code: str) -> Callable[[], Cost]:
        return partial(run, [sys.executable, "-c", code], folder)

    def floor(self, folder: Path, stages: int) -> Callable[[], Cost]:
        return self.python(folder, STATS.format(imports="import typer", stages=stages))

    def pivot(
        self, folder: Path, *words: str, full: bool = False, disturb: bool = True
    ) -> Callable[[], Cost]:
        """One call; before it a file is touched, and one replaced by an identical copy."""

        def call() -> Cost:
            if disturb:
                touch_and_copy(folder, "data/in_0.txt", "data/in_1.txt")
            return run([PIVOT, *words], folder, env=FULL if full else None)

        return call

    def project(self, stages: int, shape: generate.Shape = "wide") -> Path:
        """A fresh project in which nothing has run."""
        folder = self.root / f"pivot-{shape}-{stages}"
        generate.pivot(folder, stages, shape=shape)
        run(["git", "init", "-q"], folder)
        return folder

    def learn(self, folder: Path) -> None:
        """Let the caches settle: what was just written is not trusted at once."""
        for words in (["repro"], ["status"]) * 3:
            time.sleep(0.05)
            run([PIVOT, *words], folder)
            run([PIVOT, *words], folder, env=FULL)

    # --- start-up ------------------------------------------------------------------------

    def start_up(self) -> None:
        folder = self.root / "empty"
        folder.mkdir()
        found = in_turn(
            {
                "python -c pass": self.python(folder, "pass"),
                "import typer": self.python(folder, "import typer"),
                "import pivot, declare a dep": self.python(folder, DECLARING),
                "pivot --version": partial(run, [PIVOT, "--version"], folder),
                "pivot --help": partial(run, [PIVOT, "--help"], folder),
            },
            self.times,
        )
        floor = found["import typer"]
        for name, costs in found.items():
            row = self.report.add(name, costs, floor=floor)
            if name.startswith("pivot"):
                self.report.promise(f"{name}: 1.3 x floor", costs.cpu / floor.cpu, 1.3, row)
            if name.startswith("import pivot"):
                above = costs.cpu - found["python -c pass"].cpu
                self.report.promise("import pivot: 30 ms", above, 0.03, row)

    # --- nothing to do -------------------------------------------------------------------

    def first_run(self, stages: int, most: float | None = None) -> tuple[Path, Cost]:
        folder = self.project(stages)
        cost = run([PIVOT, "repro", "-j", "2"], folder)
        row = self.report.add("first run, trivial Python stages", cost, stages)
        if most is not None:
            self.report.promise("first run of 1,000: 5 s", cost.wall, most, row)
        return folder, cost

    def nothing(self, folder: Path, stages: int) -> dict[str, Costs]:
        self.learn(folder)
        found = in_turn(
            {
                "floor: import typer + stat loop": self.floor(folder, stages),
                "floor: stat loop alone": self.python(
                    folder, STATS.format(imports="", stages=stages)
                ),
                "floor: hash loop alone": self.python(folder, HASHES.format(stages=stages)),
                "nothing to do: pivot repro": self.pivot(folder, "repro"),
                "nothing to do: pivot status": self.pivot(folder, "status"),
                "nothing to do, ordinary path: pivot repro": self.pivot(folder, "repro", full=True),
                "nothing to do, ordinary path: pivot status": self.pivot(
                    folder, "status", full=True
                ),
                "nothing to do, ordinary path: pivot repro -n": self.pivot(
                    folder, "repro", "-n", full=True
                ),
                "nothing to do: pivot repro -n": self.pivot(folder, "repro", "-n"),
                "nothing to do, with an option: pivot repro -j 2": self.pivot(
                    folder, "repro", "-j", "2"
                ),
            },
            self.times,
        )
        floor = found["floor: import typer + stat loop"]
        for name, costs in found.items():
            row = self.report.add(name, costs, stages, None if "floor" in name else floor)
            # options cost reading them: what is promised are the commands that everyone types
            if "pivot" in name and "option" not in name and stages == 1000:
                self.report.promise(f"{name}: 2 x floor", costs.cpu / floor.cpu, 2.0, row)
        return found

    def must_find(self, folder: Path, name: str, stages: int) -> None:
        """A same-size edit under a restored modification time."""
        hidden_edit(folder / "data/in_2.txt")
        said: list[str] = []
        run([PIVOT, "status"], folder, output=said.append)
        self.report.demand(
            f"{name}, {stages} stages: the hidden edit is found", "stage_2" in said[0]
        )
        hidden_edit(folder / "data/in_2.txt")

    # --- changes -------------------------------------------------------------------------

    def changes(self, folder: Path, stages: int, idle: Costs, floor: Costs) -> None:
        """Deciding after one edit, each undone and learnt again; no edit is made twice."""
        numbers = count(1)

        def edited(path: str, old: str, new: str) -> Cost:
            self.learn(folder)
            file = folder / path
            text = file.read_text()
            file.write_text(text.replace(old, new.format(next(numbers)), 1))
            cost = run([PIVOT, "repro", "-n"], folder)
            file.write_text(text)
            return cost

        works: dict[str, tuple[Callable[[], Cost], float | None]] = {
            "decide: one helper of one stage changed": (
                lambda: edited("steps/module_3.py", "text.upper()", "text.lower()[:9{}]"), 50,
            ),
            "decide: one helper of all stages changed": (
                lambda: edited("lib/shared3.py", "else 7\n", "else 8{}\n"), None,
            ),
            "decide: configuration changed": (
                lambda: edited("pivot.yaml", "stages:", "# {}\nstages:"), 350,
            ),
            "decide: a parameter of all stages changed": (
                lambda: edited("params.yaml", "factor: 3", "factor: 4{}"), None,
            ),
        }  # fmt: skip
        for name, (work, most) in works.items():
            costs = in_turn({name: work}, max(2, self.times // 3))[name]
            row = self.report.add(name, costs, stages, floor)
            if most is not None:
                # docs/architecture.md says these in milliseconds
                more = 1000 * (costs.cpu - idle.cpu)
                self.report.promise(f"{name}: + {most} ms over nothing to do", more, most, row)

    # --- shapes, data --------------------------------------------------------------------

    def shapes(self, stages: int) -> None:
        """Other forms of the same number of stages."""
        shapes: tuple[generate.Shape, ...] = ("deep", "diamond", "foreach")
        for shape in shapes:
            folder = self.project(stages, shape)
            first = run([PIVOT, "repro", "-j", "2"], folder)
            self.report.add(f"first run, {shape}", first, stages)
            self.learn(folder)
            works = {
                "floor": self.python(folder, "import typer"),
                "idle": self.pivot(folder, "repro", full=True, disturb=False),
            }
            found = in_turn(works, max(3, self.times // 2))
            name = f"nothing to do, ordinary path, {shape}"
            self.report.add(name, found["idle"], stages, found["floor"])
            shutil.rmtree(folder)

    def large_data(self, files: int, huge: int) -> None:
        """A folder of many files of which one changes, and one file of `huge` bytes."""
        folder = self.root / "large"
        folder.mkdir()
        run(["git", "init", "-q"], folder)
        for number in range(files):
            path = folder / f"data/many/{number % 100}/{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{number}\n")
        block = os.urandom(1 << 24)
        with (folder / "data/huge.bin").open("wb") as stream:  # no holes: every byte is read
            for number in range(huge >> 24):
                stream.write(number.to_bytes(8, "little") + block[8:])
        (folder / "pivot.yaml").write_text(
            "stages:\n"
            "  count: {cmd: 'ls data/many | wc -l > count.txt', deps: [data/many],"
            " outs: [count.txt]}\n"
            "  size: {cmd: 'stat -c %s data/huge.bin > size.txt', deps: [data/huge.bin],"
            " outs: [size.txt]}\n"
        )
        size = f"{huge >> 30} GB" if huge >> 30 else f"{huge >> 20} MB"
        work = f"{files:,} files, and one of {size}"
        self.report.add(f"first run: {work}", run([PIVOT, "repro"], folder), 2)
        self.learn(folder)
        full = self.pivot(folder, "repro", full=True, disturb=False)
        found = in_turn({"full": full}, 3)
        self.report.add(f"nothing to do, ordinary path: {work}", found["full"], 2)
        quick = in_turn({"quick": self.pivot(folder, "repro", disturb=False)}, 3)
        self.report.add(f"nothing to do: {work}", quick["quick"], 2)
        hidden_edit(folder / "data/many/7/7.txt")
        said: list[str] = []
        cost = run([PIVOT, "status"], folder, output=said.append)
        self.report.add(f"one of {files:,} files changed: pivot status", cost, 2)
        self.report.demand("one file among many: the hidden edit is found", "count" in said[0])
        shutil.rmtree(folder)

    # --- peers ---------------------------------------------------------------------------

    def peers(self, stages: int, ours: Costs) -> None:
        """The same number of trivial stages by other tools, their results being there already."""
        dvc = peers.program("dvc")
        if dvc is not None:
            folder = self.root / f"dvc-{stages}"
            self._dvc(folder, dvc)
            generate.dvc(folder, stages, done=True)
            name = f"dvc {peers.version(dvc)}"

            def call(word: str) -> Cost:
                touch_and_copy(folder, "data/in_0.txt", "data/in_1.txt")
                return run([dvc, word], folder, expect=0)

            call("status")
            found = in_turn({"repro": lambda: call("repro"), "status": lambda: call("status")}, 2)
            for word, costs in found.items():
                self.report.add(f"nothing to do: {name} {word}", costs, stages)
            ratio = found["repro"].cpu / ours.cpu
            self.report.note(f"nothing to do, {stages} stages: {ratio:.0f} x as fast as {name}")
            if stages >= 1000:
                self.report.demand("nothing to do: at least 50 x as fast as DVC", ratio >= 50)
            hidden_edit(folder / "data/in_2.txt")
            said: list[str] = []
            run([dvc, "status"], folder, output=said.append)
            self.report.note(f"{name}: the hidden edit is {_found('stage_2' in said[0])}")
            self._first_of_peer(
                name, stages, lambda place: self._dvc_fresh(place, stages, dvc), [dvc, "repro"]
            )
        snakemake = peers.program("snakemake")
        if snakemake is not None:
            self._file_times(
                f"snakemake {peers.version(snakemake)}", stages,
                [snakemake, "--cores", "2", "--quiet", "all"],
                lambda place: generate.snakemake(place, stages),
            )  # fmt: skip
        doit = peers.program("doit")
        if doit is not None:
            self._file_times(
                f"doit {peers.version(doit)}", stages, [doit, "-n", "2", "-v", "0"],
                lambda place: generate.doit(place, stages),
            )  # fmt: skip

    def _dvc(self, folder: Path, dvc: str) -> None:
        folder.mkdir()
        run(["git", "init", "-q"], folder)
        run([dvc, "init", "-q"], folder)

    def _dvc_fresh(self, folder: Path, stages: int, dvc: str) -> None:
        self._dvc(folder, dvc)
        generate.dvc(folder, stages, done=False)

    def _first_of_peer(
        self, name: str, stages: int, make: Callable[[Path], None], command: list[str]
    ) -> Path:
        """A first run, which is ended after a minute: some take a quarter of an hour."""
        folder = self.root / f"first-{name.split()[0]}-{stages}"
        make(folder)
        cost = run(command, folder, expect=None, limit=60)
        done = len(list((folder / "out").glob("*.txt"))) if (folder / "out").exists() else 0
        row = self.report.add(f"first run: {name}", cost, stages)
        if done < stages:
            row.what += f" (ended after a minute, {done} done)"
        return folder

    def _file_times(
        self, name: str, stages: int, command: list[str], make: Callable[[Path], None]
    ) -> None:
        folder = self._first_of_peer(name, stages, make, command)
        if len(list((folder / "out").glob("*.txt"))) < stages:
            return

        def call() -> Cost:
            touch_and_copy(folder, "data/in_0.txt", "data/in_1.txt")
            return run(command, folder)

        self.report.add(f"nothing to do: {name}", in_turn({"it": call}, 2)["it"], stages)
        before = (folder / "out/o_2.txt").read_bytes()
        hidden_edit(folder / "data/in_2.txt")
        run(command, folder)
        changed = (folder / "out/o_2.txt").read_bytes() != before
        self.report.note(f"{name}: the hidden edit is {_found(changed)}")


def _found(is_found: bool) -> str:
    return "found" if is_found else "NOT found"
