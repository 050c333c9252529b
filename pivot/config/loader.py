"""Loading: every pipeline file of a tree, read, checked, templated, expanded, as one Pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..errors import ConfigError, PivotError, PivotErrors, Where, raise_all
from ..model import Pipeline, Problem, Stage, TopLevel, problems_of
from ..source import Sources, import_roots, split_entry
from ..tree import Tree, join, parent
from .collector import collector_paused
from .composition import DEFAULT_FILE, Override, unknown_override
from .context import Context, Params, extended, file_context
from .discovery import (
    DVC_FILE,
    EXPORTED,
    IGNORE_FILE,
    PIVOT_FILE,
    PROGRAM_FILE,
    Listing,
    SkipDirs,
    imports_us,
    is_dvc_file,
    walk,
)
from .documents import load_yaml_marked
from .expansion import Variant, variants, with_extra
from .fields import Place
from .marks import Marks
from .recorder import Recorder
from .schemas import complaints
from .shapes import Dialect, unrecognised
from .stages import StageFile, build_stage, check_name, placed, stage_wdir
from .templating import FlagStyle, Scope
from .toplevel import read_top_level
from .typed_stages import TypedStages
from .usage import Usage

if TYPE_CHECKING:
    from .program_files import Definition, RunProgram

Mode = Literal["pivot", "dvc"]


def load(
    tree: Tree,
    *,
    mode: Mode = "pivot",
    overrides: Sequence[Override] = (),
    code_roots: Sequence[str] = (),
    skip_dirs: SkipDirs | None = None,
    flags: FlagStyle | None = None,
    sources: Sources | None = None,
) -> Pipeline:
    """The pipeline of a tree: of each folder its pivot.yaml, else its dvc.yaml.

    (In mode 'dvc' the other way round, which matters only where both lie in one folder.) `flags`
    says how mappings inside commands become flags. `skip_dirs` names folders not to look into.
    `sources` shares what was read of the project's modules.
    Raises ConfigError, or PivotErrors for several found in one go.
    """
    loader = _Loader(tree, mode, overrides, code_roots, flags or FlagStyle())
    loader.typed = TypedStages(loader.tree, loader.params, sources)
    with collector_paused():
        loader.run(skip_dirs)
    raise_all([*(problem.error for problem in loader.problems), *loader.unknown])
    return loader.pipeline()


def load_usage(
    tree: Tree,
    *,
    mode: Mode = "pivot",
    code_roots: Sequence[str] = (),
    skip_dirs: SkipDirs | None = None,
    run_program: RunProgram | None = None,
) -> Usage:
    """Which values of files the stages of a tree use by `${}`, and which are in the stages.

    `run_program` as for `load_partial`.
    """
    usage = Usage()
    loader = _Loader(tree, mode, (), code_roots, FlagStyle(), usage)
    loader.run_program = run_program
    with collector_paused():
        loader.run(skip_dirs)
    return usage


def load_partial(
    tree: Tree,
    *,
    mode: Mode = "pivot",
    overrides: Sequence[Override] = (),
    code_roots: Sequence[str] = (),
    skip_dirs: SkipDirs | None = None,
    flags: FlagStyle | None = None,
    sources: Sources | None = None,
    run_program: RunProgram | None = None,
) -> Pipeline:
    """What can be loaded; `problems` says which files and stages cannot, and why.

    One broken file of a monorepo does not take the others down: commands that do not need it go on.
    Raises PivotError for overrides of what is nowhere.
    """
    loader = _Loader(tree, mode, overrides, code_roots, flags or FlagStyle())
    loader.typed = TypedStages(loader.tree, loader.params, sources)
    loader.run_program = run_program
    with collector_paused():
        loader.run(skip_dirs)
    if loader.unknown:
        raise_all([*(problem.error for problem in loader.problems), *loader.unknown])
    return loader.pipeline()


class _Loader:
    """One loading of one tree."""

    def __init__(
        self,
        tree: Tree,
        mode: Mode,
        overrides: Sequence[Override],
        code_roots: Sequence[str],
        flags: FlagStyle,
        usage: Usage | None = None,
    ) -> None:
        self.tree = Recorder(tree)
        self.usage = usage
        self.mode = mode
        self.order = (PIVOT_FILE, DVC_FILE) if mode == "pivot" else (DVC_FILE, PIVOT_FILE)
        self.code_roots = tuple(code_roots)
        self.flags = flags
        self.params = Params(self.tree, overrides)
        self.typed = TypedStages(self.tree, self.params)
        self.run_program: RunProgram | None = None
        self.keeps = True
        self.stages: dict[str, Stage] = {}
        self.problems: list[Problem] = []
        self.unknown: list[PivotError] = []  # overrides of what is nowhere
        self.notes: list[str] = []
        self.files: list[str] = []
        self.top_levels: list[TopLevel] = []
        self.contexts: list[Mapping[Any, Any]] = []
        self.data: set[str] = set()
        self.modules: dict[tuple[str, ...], dict[str, bool]] = {}

    def run(self, skip_dirs: SkipDirs | None) -> None:
        named = self.named() if self.mode == "pivot" else None
        for folder, signature, listing in walk(self.tree, skip_dirs, self.data.__contains__):
            self.tree.sources[folder + "/"] = (signature, listing)
            if IGNORE_FILE in listing[1]:
                self.tree.read(join(folder, IGNORE_FILE))  # what it hides, the caller skips
            if named is not None and folder == ".":
                self.any_file(named)
                continue
            first, second = self.order
            files = [join(folder, name) for name in (first, second) if name in listing[1]]
            if len(files) == 2:
                self.notes.append(f"{files[1]} is not read: {files[0]} lies beside it")
            if PROGRAM_FILE in listing[1] and self.mode == "pivot" and self.is_free(files):
                files = [join(folder, PROGRAM_FILE)]
            if files and files[0] not in self.files:
                before = len(self.stages), len(self.problems)
                self.any_file(files[0])
                if (len(self.stages), len(self.problems)) == before:
                    self.note_hidden(folder, files[0], listing)
        self.typed.note_sources()
        self.check_overrides()

    def pipeline(self) -> Pipeline:
        return Pipeline(
            stages=self.stages,
            files=tuple(self.files),
            sources=self.tree.sources,
            notes=tuple(self.notes),
            top_levels=tuple(self.top_levels),
            problems=tuple(self.problems),
            keeps=self.keeps,
        )

    def is_free(self, files: list[str]) -> bool:
        """Whether nothing in YAML goes before a pipeline in Python: none, or one made of it."""
        if len(files) != 1 or not is_dvc_file(files[0]):
            return not files
        return (self.tree.read(files[0]) or b"").startswith(EXPORTED)

    def note_hidden(self, folder: str, path: str, listing: Listing) -> None:
        """Say that a pipeline in Python is not read, since a file without stages lies beside it."""
        program = join(folder, PROGRAM_FILE)
        if PROGRAM_FILE not in listing[1] or path == program or self.mode == "dvc":
            return
        if imports_us(self.tree.read(program) or b""):
            self.notes.append(f"{program} is not read: {path} beside it comes first")

    def named(self) -> str | None:
        """The pipeline file that pyproject.toml names instead of those at the root."""
        if self.tree.signature("pyproject.toml") is None:
            self.tree.kind("pyproject.toml")
            return None
        from .program_files import named_in_pyproject

        try:
            found = named_in_pyproject(self.tree)
        except PivotError as error:
            self.broken(error, "pyproject.toml")
            return None
        return found[0] if found else None

    def any_file(self, path: str) -> None:
        """Add all stages of one pipeline file, in YAML or in Python."""
        if path.endswith(".py"):
            self.program(path)
        else:
            self.file(path)

    def program(self, path: str) -> None:
        """Add all stages of a pipeline in Python, or its errors; nothing of other modules."""
        if not imports_us(self.tree.tree.read(path) or b""):
            self.tree.read(path)  # until it does
            return
        # 20 ms to import; only where there is such a file
        from .program_files import read_program_file

        roots = self.roots(path)
        try:
            found = read_program_file(
                self.typed.sources, self.typed.reader(), path, roots, self.run_program
            )
        except PivotError as error:
            self.files.append(path)
            self.tree.read(path)
            self.broken(error, path)
            self.keeps = False  # what running it, or finding its modules, needs may come any time
            self.put_aside(path, roots)
            return
        if found is None:
            return
        self.files.append(path)
        if found.executed is not None:
            self.tree.sources.update(found.executed.sources)
            self.keeps = self.keeps and found.executed.keeps
        file = StageFile(path, parent(path), roots, self.split)
        self.files += dict.fromkeys(
            d.marks.file for d in found.definitions if d.marks.file not in self.files
        )
        for name, problem in found.problems:
            self.broken(problem, path, name)
        for definition in found.definitions:
            self.registered(file, definition)

    def put_aside(self, path: str, roots: tuple[str, ...]) -> None:
        """Have the pipelines that `path` imports be unknown as it is: it may include them."""
        from .program_files import module_of
        from .program_imports import imported_programs

        try:
            module = module_of(self.typed.sources, roots, path)
        except PivotError:
            return  # nothing can be said of it
        for other in sorted(imported_programs(self.typed.reader(), roots, path, module)):
            if other not in self.files:
                self.files.append(other)
                message = f"its stages are unknown while {path}, which imports it, cannot be read"
                self.broken(ConfigError(message, where=Where(other)), other)

    def registered(self, file: StageFile, found: Definition) -> None:
        """Add one stage of a pipeline in Python, or its error."""
        where = Where(found.marks.file, found.marks.inside(found.body, "python").line)
        context = Context({}, (), {})
        try:
            check_name(found.name)
            value = {"stages": {found.name: found.body}}
            if self.check(value, found.marks, file.path):
                return
            variant = Variant(found.name, found.body, {})
            self.variant(file, variant, found.line, context, found.marks)
        except PivotError as error:
            self.broken(placed(error, where), file.path, found.name)

    def broken(self, error: PivotError, source: str, stage: str | None = None) -> None:
        """Note what is wrong with a file, or with one definition in it."""
        self.problems += problems_of(error, source, stage)

    def file(self, path: str) -> None:
        """Add all stages of one pipeline file, or its errors."""
        self.files.append(path)
        folder = parent(path)
        try:
            value, marks = load_yaml_marked(self.tree.read(path) or b"", path)
            if value is None:
                return
            broken = self.check(value, marks, path)
            context = file_context(self.params, folder, value.get("vars"), marks)
        except PivotError as error:
            self.broken(error, path)
            return
        self.contexts.append(context.values)
        scope = Scope(context.values, "", self.flags)
        try:
            self.top_levels.extend(read_top_level(value, marks, scope, path, folder))
        except PivotError as error:
            self.broken(error, path)
        stage_file = StageFile(path, folder, self.roots(path), self.split)
        definitions = value.get("stages") or {}
        for name, body in definitions.items():
            if name not in broken:
                where = marks.inside(definitions, name, key=True)
                self.definition(stage_file, _Definition(name, body, where), context, marks)

    def check(self, value: Any, marks: Marks, path: str) -> set[Any]:
        """Hold a file against its schema; the names of the stages that do not pass.

        Raises PivotErrors for what concerns more than one stage.
        """
        dialect: Dialect = "dvc" if is_dvc_file(path) else "pivot"
        doubtful = unrecognised(value, dialect)
        if doubtful is None:
            return set()
        whole = value if doubtful.keys() == {""} else doubtful
        broken: set[Any] = set()
        fatal: list[ConfigError] = []
        for place, error in complaints(whole, dialect, marks, path):
            if len(place) >= 2 and place[0] == "stages":
                broken.add(place[1])
                self.broken(error, path, str(place[1]))
            else:
                fatal.append(error)
        if fatal:
            raise PivotErrors(fatal)
        return broken

    def definition(
        self, file: StageFile, found: _Definition, context: Context, marks: Marks
    ) -> None:
        """Add the stages of one entry under `stages`, or the first error of each."""
        strict = not is_dvc_file(file.path)
        owner = f"stage '{found.name}'"
        scope = Scope(context.values, owner, self.flags)
        if not strict:
            scope = Scope(context.values, owner, only="as items")
        try:
            check_name(found.name, as_dvc=not strict)
            for variant in variants(found.name, found.body, scope, marks, strict=strict):
                try:
                    self.variant(file, variant, found.where.line, context, marks)
                except PivotError as error:
                    self.broken(placed(error, found.where), file.path, str(found.name))
        except PivotError as error:
            self.broken(placed(error, found.where), file.path, str(found.name))

    def variant(
        self, file: StageFile, variant: Variant, line: int, context: Context, marks: Marks
    ) -> None:
        owner = f"stage '{variant.name}'"
        kind: Literal["", "as dvc"] = "as dvc" if is_dvc_file(file.path) else ""
        told = self.usage.noting(context, variant) if self.usage else None
        seen = Scope(context.values, "", self.flags, kind, told)
        scope = with_extra(seen, variant.extra, owner)
        place = Place(owner, variant.body, scope, marks, file.folder)
        wdir = stage_wdir(place, file.folder)
        own_vars = variant.body.get("vars")
        if own_vars:
            context = extended(
                self.params, context, wdir, own_vars, marks, f"{owner} vars", variant.extra
            )
            told = self.usage.noting(context, variant) if self.usage else None
            seen = Scope(context.values, "", self.flags, kind, told)
            scope = with_extra(seen, variant.extra, owner)
            self.contexts.append(context.values)
        stage = build_stage(
            file, variant.name, line, Place(owner, variant.body, scope, marks, wdir)
        )
        if stage.is_python:
            stage = self.typed.completed(stage)
        before = self.stages.get(stage.name)
        if before is not None:
            first = f"on line {before.line}"
            if before.written_in != stage.written_in:
                first = f"at {Where(before.written_in, before.line)}"
            raise ConfigError(
                f"two stages are named '{stage.name}' (the first {first})",
                hint="rename one of them",
            )
        self.stages[stage.name] = stage
        if self.usage:
            self.usage.own(file.path, stage.short_name, stage.params, context, variant)
        self.data.update(out.path for out in stage.outs)

    def roots(self, path: str) -> tuple[str, ...]:
        """The import path of the stages of a file."""
        return import_roots(self.tree, path, self.code_roots)

    def split(self, roots: tuple[str, ...], text: str) -> tuple[str, str]:
        """Module and qualified name of an entry; where no module fits, as far as the text tells.

        `check_signatures` says what is missing, with a did-you-mean.
        """
        module, _, name = text.partition(":") if ":" in text else text.rpartition(".")
        known = self.modules.setdefault(roots, {})
        if module not in known:
            self.tree.note_module(roots, text)
            # folders are listed to find modules; what counts of them is noted above
            found = split_entry(self.tree.tree, roots, text)
            if found is not None and found != (module, name):
                return found  # a name inside a class, a module further up
            known[module] = found is not None
        return module, name

    def check_overrides(self) -> None:
        """Every override must name something, in what was composed or in a tracked file."""
        for override in self.params.overrides:
            if override in self.params.used:
                continue
            files = {
                tracked.path
                for stage in self.stages.values()
                for tracked in stage.params_files
                if tracked.path.rpartition("/")[2] == DEFAULT_FILE or tracked.path == override.file
            }
            if override.file is not None:
                files.add(override.file)
            values: dict[Any, Any] = {}
            for file in sorted(files):
                try:
                    value = self.params.read(file)
                except PivotError:
                    continue
                if isinstance(value, Mapping):
                    values.update(value)
            if override.file is None:
                for context in self.contexts:
                    values.update(context)
            if override not in self.params.used:
                self.unknown.append(unknown_override(override, values))


@dataclass(frozen=True, slots=True)
class _Definition:
    """One entry under `stages`."""

    name: str
    body: Any
    where: Where
