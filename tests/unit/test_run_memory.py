"""Facts about code that are kept between runs: never stale, and kept where nothing they need moved."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping

import pytest
from cases import CASES, Case, apply
from test_fingerprint_table import stage_of

from pivot.errors import SourceError
from pivot.fingerprint import Fingerprinter
from pivot.model import Command, Dep, PythonEntry, Stage
from pivot.run.memory import CodeMemory
from pivot.source.locate import changes
from pivot.tree import DictTree

Facts = tuple[str, tuple[str, ...]]


class Kept(dict[str, bytes]):
    def put(self, key: str, value: bytes) -> None:
        self[key] = value


class Run:
    """One command's look at the code: through the memory, and without it."""

    def __init__(self, files: Mapping[str, str], kept: Kept, context: str = "") -> None:
        self.tree = DictTree(files)
        self.memory = CodeMemory(self.tree, kept, context, started=0)
        self.fingerprinter = Fingerprinter(self.tree)
        self.read: set[str] = set()  # stages whose code had to be read

    def facts(self, stage: Stage) -> Facts | str:
        known = self.memory.facts(stage)
        if known is None:
            self.read.add(stage.name)
            try:
                manifest = self.fingerprinter.manifest(stage)
            except SourceError as error:
                return str(error)
            covered = self.fingerprinter.scripts_covered(stage)
            rests_on = self.fingerprinter.rests_on(stage)
            known = self.memory.note(stage, manifest, covered, rests_on)
        return known.digest, tuple(sorted(known.covered))

    def observed(self, stage: Stage, module: str) -> str | None:
        known = self.memory.observed(stage, module)
        if known is None:
            try:
                found = self.fingerprinter.observed_hash(stage, module)
            except SourceError as error:
                return str(error)
            rests_on = self.fingerprinter.rests_on(stage, module)
            self.memory.note_observed(stage, module, found, rests_on)
            known = (found,)
        return known[0]

    def anew(self, stage: Stage) -> Facts | str:
        other = Fingerprinter(self.tree)
        try:
            covered = other.scripts_covered(stage)
            return other.manifest(stage).digest, tuple(sorted(covered))
        except SourceError as error:
            return str(error)

    def observed_anew(self, stage: Stage, module: str) -> str | None:
        try:
            return Fingerprinter(self.tree).observed_hash(stage, module)
        except SourceError as error:
            return str(error)

    def save(self) -> None:
        self.memory.save(self.fingerprinter.sources_read)


def warmed(tree: DictTree, case: Case, stage: Stage) -> Fingerprinter:
    """One that has looked at every module before, so that little is left to be asked anew."""
    fingerprinter = Fingerprinter(tree)
    for path in sorted(case.files, reverse=True):
        if path.endswith(".py"):
            name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            try:
                fingerprinter.observed_hash(stage, name)
            except SourceError:
                continue
    return fingerprinter


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_an_edit_changes_rests_on_what_was_edited(case: Case) -> None:
    if sys.version_info < case.needs:
        pytest.skip(f"written in the syntax of Python {case.needs}")
    before, after = DictTree(case.files), DictTree(apply(case))
    stage = stage_of(case, before)
    if stage_of(case, after) != stage:
        return  # looked up under another name
    fingerprinter = warmed(before, case, stage)
    digest = fingerprinter.manifest(stage).digest
    covered = fingerprinter.scripts_covered(stage)
    rests_on = fingerprinter.rests_on(stage)
    touched = set(changes(after, fingerprinter.sources_read))
    alone = Fingerprinter(before)
    alone.manifest(stage)
    assert alone.sources_read.keys() <= rests_on <= fingerprinter.sources_read.keys()

    now = Fingerprinter(after)
    if now.manifest(stage).digest != digest or now.scripts_covered(stage) != covered:
        assert rests_on & touched
    for module in case.observed:
        if fingerprinter.observed_hash(stage, module) != now.observed_hash(stage, module):
            assert fingerprinter.rests_on(stage, module) & touched


MODULES = ("top", "other", "pkg", "pkg.inner", "pkg.more", "pkg.deep", "pkg.deep.end", "far.away")


class Project:
    """Modules that use one another in all the ways there are, changed at random."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.files: dict[str, str] = {"run.sh": "python tool.py\n", "tool.py": "import other\n"}
        self.defaults: dict[str, str] = {}
        for module in MODULES:
            self.files[self.place(module)] = self.text(module)
        self.stages = [
            Stage(
                f"{module}.{name}", "pivot.yaml", 1, PythonEntry(f"{module}.{name}", module, name)
            )
            for module in MODULES
            for name in ("f", "g")
        ]
        self.stages += [
            Stage("tool", "pivot.yaml", 1, Command(("python tool.py data.py",)), roots=(".",),
                  deps=(Dep("tool.py"), Dep("data.py"))),
            Stage("shell", "pivot.yaml", 1, Command(("sh run.sh && python -m pkg.more",)),
                  roots=(".",)),
        ]  # fmt: skip

    def place(self, module: str) -> str:
        inside = any(other.startswith(f"{module}.") for other in MODULES)
        return module.replace(".", "/") + ("/__init__.py" if inside else ".py")

    def text(self, module: str) -> str:
        rng = self.rng
        lines = ["from typing import TYPE_CHECKING", "import math"]
        used: list[str] = []
        for number in range(rng.randrange(4)):
            other = rng.choice([name for name in MODULES if name != module])
            name = rng.choice("fgh")
            above, _, last = other.rpartition(".")
            ways = [
                (f"import {other}", f"{other}.{name}"),
                (f"import {other} as m{number}", f"m{number}.{name}"),
                (f"from {other} import {name} as n{number}", f"n{number}"),
                (f"from {other} import *", name),
                (f"try:\n    from {other} import {name} as n{number}\nexcept ImportError:\n"
                 f"    n{number} = None", f"n{number}"),
                (f"if TYPE_CHECKING:\n    from {other} import {name} as n{number}", f"n{number}"),
                ("import pkg", f"pkg.inner.{name}"),
                (f"import {other} as e{number}\ne{number}.setup(1)", f"e{number}.f"),
            ]  # fmt: skip
            if above:
                ways.append((f"from {above} import {last} as s{number}", f"s{number}.{name}"))
            statement, use = rng.choice(ways)
            lines.append(statement)
            used.append(use)
        for name in "fgh":
            uses = [use for use in used if rng.random() < 0.6]
            body = " or ".join([*uses, str(rng.randrange(9))])
            lazy = rng.choice(MODULES)
            inside = f"    import {lazy} as lazy\n    lazy.g(x)\n" if rng.random() < 0.2 else ""
            lines.append(f"def {name}(x) -> '{rng.choice(used) if used else 'int'}':")
            lines.append(f"{inside}    return {body}")
        if rng.random() < 0.3:
            lines.append(f"VALUE = {rng.choice(used) if used else 'f'}(2)")
        if rng.random() < 0.2:
            lines.append("__all__ = ['f', 'h']")
        lines.append("def setup(x): return x")
        return "\n".join(lines) + "\n"

    def change(self) -> None:
        rng, files = self.rng, self.files
        module = rng.choice(MODULES)
        path = self.place(module)
        match rng.randrange(8):
            case 0 | 1 | 2:
                files[path] = self.text(module)
            case 3:
                files[path] = files.get(path, "") + f"# {rng.randrange(99)}\n"
            case 4 if path in files:
                del files[path]
            case 5:  # a package shadows a module, or a binary a source
                shadow = rng.choice(["top/__init__.py", "far/__init__.py", "other/__init__.py"])
                if files.pop(shadow, None) is None:
                    files[shadow] = self.text("top")
            case 6:
                new = rng.choice(["math.py", "pkg/f.py", "pkg/new.so", "data.py", "typing/g.py"])
                if files.pop(new, None) is None:
                    files[new] = self.text("top")
            case _:
                files["tool.py"] = f"import {rng.choice(MODULES)} as m\nm.{rng.choice('fgh')}(1)\n"


@pytest.mark.parametrize(
    "seed", [*range(12), *(pytest.param(n, marks=pytest.mark.thorough) for n in range(12, 60))]
)
def test_what_is_shared_between_stages_tells_each_all_that_it_rests_on(seed: int) -> None:
    project = Project(random.Random(seed))
    tree = DictTree(project.files)
    shared = Fingerprinter(tree)
    for stage in [*project.stages, *reversed(project.stages)]:
        alone = Fingerprinter(tree)
        try:
            alone.manifest(stage)
        except SourceError:
            continue
        assert alone.sources_read.keys() <= shared.rests_on(stage)


@pytest.mark.parametrize(
    "seed", [*range(2), *(pytest.param(n, marks=pytest.mark.thorough) for n in range(2, 12))]
)
def test_after_any_changes_facts_are_those_of_reading_anew(seed: int) -> None:
    rng = random.Random(seed)
    project, kept = Project(rng), Kept()
    asked = spared = 0
    for _ in range(25):
        run = Run(dict(project.files), kept)
        stages = rng.sample(project.stages, rng.randrange(1, len(project.stages)))
        for stage in stages:
            asked += 1
            assert run.facts(stage) == run.anew(stage), (seed, stage.name)
            module = rng.choice(MODULES)
            assert run.observed(stage, module) == run.observed_anew(stage, module), (seed, module)
        spared += len(stages) - len(run.read)
        run.save()
        for _ in range(rng.randrange(3)):
            project.change()
    assert 0 < spared < asked


FILES = {
    "one.py": "from shared import f\ndef run(): return f() + own()\ndef own(): return 1\n",
    "two.py": "from shared import f\ndef run(): return f()\n",
    "shared.py": "def f(): return 1\n",
    "unrelated.py": "def f(): return 1\n",
}


def python(module: str) -> Stage:
    entry = PythonEntry(f"{module}.run", module, "run")
    return Stage(module, "pivot.yaml", 1, entry, roots=(".",))


def learnt(kept: Kept) -> None:
    run = Run(FILES, kept)
    for name in ("one", "two"):
        run.facts(python(name))
    run.memory.note_checked("v1", {"one": frozenset({"one.py"}), "two": frozenset({"two.py"})})
    run.save()


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("one.py", {"one"}),
        ("two.py", {"two"}),
        ("shared.py", {"one", "two"}),
        ("unrelated.py", set()),
    ],
)
def test_an_edit_forgets_what_rests_on_it_alone(path: str, read: set[str]) -> None:
    kept = Kept()
    learnt(kept)
    run = Run({**FILES, path: FILES[path] + "# more\n"}, kept)

    for name in ("one", "two"):
        run.facts(python(name))
    assert run.read == read
    unchecked = {stage.name for stage in run.memory.unchecked("v1", [python("one"), python("two")])}
    assert unchecked == {path.removesuffix(".py")} & {"one", "two"}


def test_another_context_or_version_of_the_pipeline_forgets() -> None:
    kept = Kept()
    learnt(kept)

    assert Run(FILES, kept, "other").memory.facts(python("one")) is None
    memory = Run(FILES, kept).memory
    assert memory.facts(python("one")) is not None
    assert [stage.name for stage in memory.unchecked("v2", [python("one")])] == ["one"]


def test_damage_forgets() -> None:
    kept = Kept()
    learnt(kept)
    for data in (kept["facts"][:20], b"", b"\0" * 40):
        kept["facts"] = data
        assert Run(FILES, kept).memory.facts(python("one")) is None


class Stamped(DictTree):
    """A tree whose files have stat numbers: all old, but for those in `new`."""

    def __init__(self, files: Mapping[str, str], new: Mapping[str, int]) -> None:
        super().__init__(files)
        self.new = new

    def signature(self, path: str) -> tuple[int, ...] | None:  # type: ignore[override]
        text = super().signature(path)
        when = self.new.get(path, 1_000_000_001)
        return None if text is None else (when, when, len(text), hash(text), 0)


def test_what_rests_on_a_file_that_was_just_written_is_not_kept() -> None:
    started = 5_000_000_001
    kept = Kept()
    tree = Stamped(FILES, {"one.py": started - 5})
    memory, fingerprinter = CodeMemory(tree, kept, "", started), Fingerprinter(tree)
    for name in ("one", "two"):
        stage = python(name)
        rests_on = fingerprinter.rests_on(stage)
        memory.note(stage, fingerprinter.manifest(stage), frozenset(), rests_on)
    memory.save(fingerprinter.sources_read)

    again = CodeMemory(tree, kept, "", started)
    assert again.facts(python("one")) is None
    assert again.facts(python("two")) is not None


def test_a_file_that_changed_while_it_was_read_bears_nothing() -> None:
    kept = Kept()
    learnt(kept)
    run = Run(FILES, kept)  # loaded: both are known
    late = {**FILES, "shared.py": "def f(): return 2\n", "three.py": FILES["two.py"]}
    other = Fingerprinter(DictTree(late))
    stage = python("three")
    rests_on = other.rests_on(stage)
    run.memory.note(stage, other.manifest(stage), frozenset(), rests_on)
    run.memory.save(other.sources_read)

    again = Run(late, kept)
    assert again.memory.facts(python("two")) is None
    assert again.facts(python("two")) == again.anew(python("two"))
