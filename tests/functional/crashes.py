"""A small project that is killed at every instant, and what must hold afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness import Sandbox
from waiting import PATIENCE, until

from pivot.digest import hash_bytes

Content = Mapping[str, bytes] | None  # the files of an out by path inside it; None: absent

PIPELINE = """
    stages:
      grind:
        python: mill.stages.grind
        deps: {src: data/grain.txt}
        outs: {out: build/flour.txt}
      sieve:
        python: mill.stages.sieve
        deps: {src: build/flour.txt}
        outs: {out: {path: build/parts, type: directory}}
      press:
        cmd: cat build/flour.txt > build/oil.txt; sleep 0.01; cat press.txt >> build/oil.txt
        deps: [build/flour.txt, press.txt]
        outs: [build/oil.txt]
      ledger:
        python: mill.stages.ledger
        deps: {src: build/parts}
        outs: {out: {path: ledger.txt, persist: true}}
      measure:
        python: mill.stages.measure
        deps: {oil: build/oil.txt, book: ledger.txt}
        metrics: {out: {path: metrics.json, cache: false}}
      pack:
        python: mill.stages.pack
        deps: {src: build/parts}
        params: {fail: false}
        outs: {out: sack.txt}
    """

STAGES = """
    import json
    import time

    from .tools import mark


    def _write(out, text):
        half = len(text) // 2
        with open(out, "w") as stream:
            stream.write(text[:half])
            stream.flush()
            time.sleep(0.01)
            stream.write(text[half:])


    def grind(src, out):
        _write(out, mark(src.read_text()) * 20)


    def sieve(src, out):
        out.mkdir(exist_ok=True)
        for number, line in enumerate(src.read_text().splitlines()[:6]):
            folder = out / str(number % 2)
            folder.mkdir(exist_ok=True)
            (folder / f"{number}.txt").write_text(f"{number} {line}")
            time.sleep(0.002)


    def ledger(src, out):
        _write(out, "".join(sorted(file.read_text() for file in src.rglob("*.txt"))))


    def measure(oil, book, out):
        _write(out, json.dumps({"oil": len(oil.read_text()), "book": book.read_text()}))


    def pack(src, fail, out):
        _write(out, mark("sack"))
        if fail:
            raise ValueError("the sack is torn")
        _write(out, mark("sack of ") + "+".join(sorted(file.name for file in src.rglob("*.txt"))))
    """

#: out -> the stage that makes it
OUTS = {
    "build/flour.txt": "grind",
    "build/parts": "sieve",
    "build/oil.txt": "press",
    "ledger.txt": "ledger",
    "metrics.json": "measure",
    "sack.txt": "pack",
}
#: Left by a stage that fails or is killed as it was then.
PERSISTENT = frozenset({"ledger.txt"})


@dataclass(frozen=True)
class Variant:
    """What is edited between runs."""

    helper: int = 0
    grain: int = 0
    press: int = 0
    fail: bool = False

    def files(self) -> dict[str, str]:
        pipeline = PIPELINE.replace("fail: false", f"fail: {str(self.fail).lower()}")
        return {
            "pivot.yaml": pipeline,
            "mill/__init__.py": "",
            "mill/stages.py": STAGES,
            "mill/tools.py": f"def mark(text):\n    return f'{{text.strip()}} <{self.helper}>\\n'\n",
            "data/grain.txt": f"grain {self.grain}\n",
            "press.txt": f"press {self.press}\n",
        }

    def results(self) -> dict[str, Content]:
        """What a clean run makes, told without Pivot."""

        def mark(text: str) -> str:
            return f"{text.strip()} <{self.helper}>\n"

        flour = mark(f"grain {self.grain}\n") * 20
        lines = [f"{n} {line}" for n, line in enumerate(flour.splitlines()[:6])]
        parts = {f"{n % 2}/{n}.txt": line.encode() for n, line in enumerate(lines)}
        oil = flour + f"press {self.press}\n"
        book = "".join(sorted(lines))
        names = "+".join(f"{n}.txt" for n in range(6))
        texts: dict[str, str] = {
            "build/flour.txt": flour,
            "build/oil.txt": oil,
            "ledger.txt": book,
            "metrics.json": json.dumps({"oil": len(oil), "book": book}),
            "sack.txt": mark("sack of ") + names,
        }
        found: dict[str, Content] = {path: {"": text.encode()} for path, text in texts.items()}
        return {**found, "build/parts": parts}


class Mill:
    """The project, and what is known of the outs that may stand in it."""

    def __init__(self, project: Sandbox) -> None:
        self.project = project
        self.root = project.root
        self.variant = Variant()
        self._serial = 0
        self.edit(self.variant)
        project.run("repro", "-j", "2").ended(0)
        #: what each out may be, and the contents that must not be lost
        self.allowed: dict[str, list[Content]] = {}
        self.settled()

    # --- between runs

    def edit(self, variant: Variant) -> None:
        """Change the project's sources to those of `variant`."""
        self.variant = variant
        self.project.write(variant.files())

    def change(self, rng: random.Random, *, fail: bool = False) -> None:
        """Make some stages stale in a way that never was before."""
        self._serial += 1
        kind = rng.choice(("helper", "grain", "press", "helper"))
        self.edit(replace(self.variant, **{kind: self._serial}, fail=fail))
        self.expect_results()

    def edit_by_hand(self, path: str) -> None:
        """Write to an out what no stage made."""
        self._serial += 1
        target = self.root / path
        if target.is_dir():
            target = target / "by-hand.txt"
        target.parent.mkdir(exist_ok=True)
        target.write_text(f"by hand {self._serial}\n")
        self.allowed[path].append(self.content(path))
        self._forgo()

    def remove(self, path: str) -> None:
        """Delete an out by hand."""
        self.project.remove(path)
        self.allowed[path].append(None)
        self._forgo()

    def _forgo(self) -> None:
        """What a person has overwritten or deleted, Pivot cannot keep."""
        stored = set(self._all_bytes())
        self.kept = {entry for entry in self.kept if entry[2] in stored}

    def expect_results(self) -> None:
        """From now on an out may also be what a run of the present sources makes."""
        for path, content in self.variant.results().items():
            self.allowed[path].append(content)

    def settled(self) -> None:
        """What lies there now is what must not be lost."""
        self.allowed = {path: [self.content(path)] for path in OUTS}
        self.kept = {
            (path, name, data) for path in OUTS for name, data in (self.content(path) or {}).items()
        }

    def keep(self) -> None:
        """What lies there now must not be lost either."""
        for path in OUTS:
            content = self.content(path)
            if content in self.allowed[path]:
                self.kept |= {(path, name, data) for name, data in (content or {}).items()}

    # --- looking

    def content(self, path: str) -> Content:
        target = self.root / path
        if target.is_dir():
            return {
                str(file.relative_to(target)): file.read_bytes()
                for file in sorted(target.rglob("*"))
                if file.is_file()
            }
        return {"": target.read_bytes()} if target.exists() else None

    def check_after_crash(self) -> None:
        """Nobody writes any more, nothing is broken, nothing is lost."""
        nobody_left_in(self.root)
        self.check_store()
        stored = set(self._all_bytes())
        for path, name, data in self.kept:
            assert data in stored, f"lost: {path} {name} {data[:80]!r}"

    def check_recovered(self) -> None:
        """Each out is what it was or what it should become, whole."""
        for path, allowed in self.allowed.items():
            if path not in PERSISTENT:
                content = self.content(path)
                assert content in allowed, f"{path}: {content}"

    def check_store(self) -> None:
        """Every object is what its name says; every lock and record names whole objects."""
        cache = self.root / ".pivot" / "cache"
        objects: dict[str, bytes] = {}
        for algorithm in _listed(cache / "files"):
            for file in (entry for entry in algorithm.rglob("*") if entry.is_file()):
                data = file.read_bytes()
                value, _, _ = (file.parent.name + file.name).partition(".")
                assert hash_bytes(algorithm.name, data).value == value, f"{file} is corrupt"
                objects[f"{algorithm.name}:{file.parent.name}{file.name}"] = data
        locks = list((self.root / ".pivot" / "stages").rglob("*.lock"))
        records = list((cache / "runs").rglob("*.json"))
        for file in [*locks, *records]:
            lock = json.loads(file.read_text())  # never half written
            for path, out in lock["outs"].items():
                assert out["digest"] in objects, f"{file} names {path} {out}, which is not there"
                if out["digest"].endswith(".dir"):
                    algorithm_name = out["digest"].partition(":")[0]
                    for entry in json.loads(objects[out["digest"]]):
                        assert f"{algorithm_name}:{entry[algorithm_name]}" in objects, entry
        quarantine = cache / "quarantine"
        assert not quarantine.exists() or not list(quarantine.iterdir())

    def check_results(self) -> None:
        """The outs are those of a clean run of the present sources."""
        for path, content in self.variant.results().items():
            assert self.content(path) == content, path

    def _all_bytes(self) -> Iterator[bytes]:
        for file in self.root.rglob("*"):
            if file.is_file() and ".git" not in file.parts:
                yield file.read_bytes()

    # --- running

    def repair(self) -> None:
        """The next run puts everything right, and a further one finds nothing to do."""
        if self.variant.fail:
            self.edit(replace(self.variant, fail=False))
            self.expect_results()
        done = self.project.run("repro", "-j", "2", "--json").ended(0)
        assert set(done.statuses) == set(OUTS.values()), done
        assert set(done.statuses.values()) <= {"ran", "fresh", "restored"}, done
        self.check_after_crash()
        self.check_results()
        tmp = self.root / ".pivot/tmp"
        beside = [file for file in self.root.rglob("*.tmp") if "cache" not in file.parts]
        assert not [*_listed(tmp / "aside"), *_listed(tmp / "new"), *beside]
        self.settled()

    def crash(self, strike: Callable[[subprocess.Popen[str]], None], *arguments: str) -> int:
        """A run that is struck at some instant; its exit code."""
        arguments = arguments or ("repro", "-j", "2")
        process = self.project.start(*arguments)
        try:
            strike(process)
            process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        return process.returncode


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


# --- processes ----------------------------------------------------------------------------------


def processes_in(folder: Path) -> list[tuple[int, str]]:
    """The running processes whose working folder is below `folder`."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            place = os.readlink(f"/proc/{name}/cwd")
            line = Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            state = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if (place + "/").startswith(f"{folder}/") and state not in "ZX":
            found.append((int(name), line))
    return found


def nobody_left_in(folder: Path) -> None:
    """Wait until no process works below `folder`."""
    until(lambda: not processes_in(folder), what=lambda: processes_in(folder))


def children_of(pid: int) -> list[int]:
    """The processes that `pid` has started and that are still there."""
    try:
        return [
            int(word)
            for thread in os.listdir(f"/proc/{pid}/task")
            for word in Path(f"/proc/{pid}/task/{thread}/children").read_text().split()
        ]
    except OSError:
        return []


def supervisors_of(pid: int) -> list[int]:
    """The processes that run stages for the `pivot` with that pid."""
    found = []
    for child in children_of(pid):
        try:
            if b"--serve" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
        except OSError:
            continue
    return found


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it was faster
        os.kill(pid, signal.SIGKILL)


def kill_after(seconds: float) -> Callable[[subprocess.Popen[str]], None]:
    """Kill `pivot` itself that long after its start."""

    def strike(process: subprocess.Popen[str]) -> None:
        time.sleep(seconds)
        kill(process.pid)

    return strike


def kill_a_supervisor(rng: random.Random) -> Callable[[subprocess.Popen[str]], None]:
    """Kill the process that watches over stages, at some time of its life."""
    return _kill_found(rng, supervisors_of)


def kill_a_worker(rng: random.Random) -> Callable[[subprocess.Popen[str]], None]:
    """Kill the process of a stage."""
    return _kill_found(
        rng, lambda pid: [child for parent in supervisors_of(pid) for child in children_of(parent)]
    )


def _kill_found(
    rng: random.Random, find: Callable[[int], list[int]]
) -> Callable[[subprocess.Popen[str]], None]:
    def strike(process: subprocess.Popen[str]) -> None:
        patience = rng.uniform(0, 0.08)
        while process.poll() is None:
            if find(process.pid):
                time.sleep(patience)
                found = find(process.pid)
                if found:
                    kill(rng.choice(found))
                    return
            time.sleep(0.001)

    return strike
