"""The types that cross a room boundary: stages, keys, records, decisions, results.

All are frozen; sequences are tuples. Paths of artifacts are POSIX, relative to the project root
(`data/x.csv`, `../outside.csv`), or absolute, or URLs as written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .digest import Digest, fingerprint
from .errors import ConfigError, InstallationError, PivotError, Where
from .values import dataclass, field

OutKind = Literal["out", "metric", "plot"]
CheckMode = Literal["content", "stat"]
State = Literal["fresh", "stale", "unknown"]
Action = Literal["none", "run", "checkout"]
Status = Literal["ran", "fresh", "restored", "recorded", "failed", "blocked", "skipped"]
ReasonKind = Literal[
    "code",
    "observed",
    "params",
    "dep",
    "out",
    "command",
    "config",
    "env",
    "packages",
    "upstream",
    "always",
    "never-run",
    "forced",
]

#: The version of the rules by which code is fingerprinted; written into every lock.
FINGERPRINT_VERSION = 1
#: The version of what a stage key is made of.
KEY_VERSION = 1


# --- what the user wrote -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dep:
    """Something a stage reads. `name` is the function parameter it is injected as."""

    path: str
    name: str | None = None
    loader: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    check: CheckMode = "content"
    line: int = 0
    group: int | None = None  # position in a list value: `deps: {parts: [a.csv, b.csv]}`
    written: str | None = None  # as the user wrote the path, where that differs (`./a`, `b/`)
    library: str | None = None  # of a table, where the parameter's annotation names one


@dataclass(frozen=True, slots=True)
class Out:
    """Something a stage makes. `name` is the function parameter it is injected as."""

    path: str
    name: str | None = None
    kind: OutKind = "out"
    cache: bool = True
    persist: bool = False
    push: bool = True
    remote: str | None = None
    desc: str | None = None
    directory: bool = False
    incremental: bool = False
    resume: bool = False
    loader: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    plot: Mapping[str, Any] = field(default_factory=dict)  # x, y, template, title, ...
    line: int = 0
    group: int | None = None
    written: str | None = None
    library: str | None = None  # of a table that an incremental out goes on with
    returned: bool = False  # declared for what the function returns


@dataclass(frozen=True, slots=True)
class PythonEntry:
    """A stage that calls a function: `text` as the user wrote it, resolved to module and name."""

    text: str
    module: str
    qualname: str


@dataclass(frozen=True, slots=True)
class Command:
    """A stage that runs shell commands: the exact text, a list where the user wrote a list."""

    lines: tuple[str, ...]
    is_list: bool = False

    @property
    def exact(self) -> str | tuple[str, ...]:
        """What the lock compares: the one string, or the tuple of items."""
        return self.lines if self.is_list else self.lines[0]


@dataclass(frozen=True, slots=True)
class ParamsFile:
    """Keys tracked in a params file (`keys` None: the whole file). `path` as an artifact."""

    path: str
    keys: tuple[str, ...] | None
    line: int = 0
    written: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage, everything resolved: templating done, paths relative to the project root.

    `name` is the address used everywhere (`train`, `sub/pivot.yaml:train`, `fit@linear-1`);
    `roots` is the import path of a python stage (project-relative folders, in order).
    """

    name: str
    file: str
    line: int
    entry: PythonEntry | Command
    wdir: str = "."
    roots: tuple[str, ...] = (".",)
    deps: tuple[Dep, ...] = ()
    outs: tuple[Out, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)  # inline, injected by name
    params_files: tuple[ParamsFile, ...] = ()
    env_tracked: tuple[str, ...] = ()  # passed through from the environment
    env_set: Mapping[str, str] = field(default_factory=dict)  # set for the stage
    mutex: tuple[str, ...] = ()
    resources: Mapping[str, int] = field(default_factory=dict)
    timeout: float | None = None  # seconds
    frozen: bool = False
    always_changed: bool = False
    code: bool = True
    preload: bool = True
    desc: str | None = None
    meta: Any = None
    defaults: tuple[str, ...] = ()  # those of `params` that the class of the params gives itself
    params_class: str | None = None  # "module:Class" that the function takes as `params`
    params_settled: bool = True  # all that its class could have against its params is known
    own_loaders: tuple[str, ...] = ()  # those of `deps` and `outs` that the project defines
    origin: str | None = None  # where its lines are, if not in `file`, which includes or imports it

    @property
    def written_in(self) -> str:
        """The file that its lines, and those of its deps and outs, are in."""
        return self.origin or self.file

    @property
    def short_name(self) -> str:
        """The name within its file: `train` of `sub/pivot.yaml:train`."""
        return self.name.rpartition(":")[2]

    @property
    def is_python(self) -> bool:
        return isinstance(self.entry, PythonEntry)


@dataclass(frozen=True, slots=True)
class TrackedFile:
    """Data tracked by a record of its own (`x.csv.pvt`): where it lies and what it must be."""

    name: str  # the record's path
    path: str
    digest: Digest | None
    cache: bool = True
    push: bool = True
    remote: str | None = None
    desc: str | None = None
    frozen: bool = False
    line: int = 0
    deps: tuple[str, ...] = ()  # what an import was made from: artifacts of here, or URLs


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a pipeline file or a record, or one stage of it, could not be read.

    `source` is the file that is left out for it, and `stage` the one definition in it where the
    others are sound; `where` may lie in another file (params that it takes values from).
    """

    source: str
    stage: str | None
    message: str
    hint: str | None = None
    where: tuple[str, int, int] | None = None  # file, line, column

    @property
    def error(self) -> ConfigError:
        """The problem, to be raised."""
        place = Where(*self.where) if self.where else Where(self.source)
        return ConfigError(self.message, hint=self.hint, where=place)


def problems_of(error: PivotError, source: str, stage: str | None = None) -> list[Problem]:
    """What an error says about a file, or about one definition in it.

    One that says nothing about files is raised: it passes, and would be remembered with them.
    """
    if isinstance(error, InstallationError):
        raise error
    found = []
    for one in error.errors:
        at = one.where
        place = (at.file, at.line, at.column) if at else None
        found.append(Problem(source, stage, one.message, one.hint, place))
    return found


@dataclass(frozen=True, slots=True)
class TopLevel:
    """What one pipeline file declares outside its stages, templating done.

    `metrics` and `params` are paths of files; `plots` are (path or name, options as written),
    relative to `folder`, the file's own; `artifacts` are by name, as written.
    """

    file: str
    folder: str
    metrics: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    plots: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    artifacts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All stages of a project, and what was read to know them.

    `sources` maps each file or folder that the loader read or looked for to what it found there
    (Tree signatures): where all are unchanged, loading again would give the same pipeline.
    """

    stages: Mapping[str, Stage]
    tracked: tuple[TrackedFile, ...] = ()
    files: tuple[str, ...] = ()  # the pipeline files, in order of their paths
    sources: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # said once by `status`: a dvc.yaml beside a pivot.yaml, ...
    top_levels: tuple[TopLevel, ...] = ()
    problems: tuple[Problem, ...] = ()  # files and stages that are left out, since they are broken
    keeps: bool = True  # false: it depends on more than `sources`, and is loaded anew each time


# --- what the code is ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Symbol:
    """One definition in a closure: the hash of its normal form and where it stands."""

    hash: str  # 16 hex digits
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class OpaqueReference:
    """Something that static reading cannot follow: a computed import, `exec`, `eval`."""

    what: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class CodeManifest:
    """All code behind one stage: a digest, and the table it was made from.

    `symbols` maps "module:qualname" (and "module:<effects>", "file:path" for scripts) to its
    symbol; `reached_by` maps each to the symbol that first led to it ('' for the entry), so a
    chain can be printed; `modules` are the project modules that running it is known to import.
    """

    digest: str
    symbols: Mapping[str, Symbol] = field(default_factory=dict)
    reached_by: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)  # distribution -> version
    third_party: tuple[str, ...] = ()  # top-level importable names, for preloading
    environ: Mapping[str, str] = field(default_factory=dict)  # variable -> "file:line" of reading
    opaque: tuple[OpaqueReference, ...] = ()


@dataclass(frozen=True, slots=True)
class StageKey:
    """Everything that decides a stage's result, as far as it can be known before a run.

    `params` holds inline values under "" and tracked ones under their file; `binding` says what
    each function parameter receives; `code` is None where code does not count (`code: false`).

    `history` holds the version that each incremental out goes on from ('' where there is none): it
    is part of the name under which a result is kept, so that one made from another history never
    comes back, and no reason to run.
    """

    entry: str | tuple[str, ...]
    kind: Literal["python", "cmd"]
    wdir: str
    binding: Mapping[str, str]
    code: str | None
    params: Mapping[str, Mapping[str, Any]]
    deps: Mapping[str, Digest]
    outs: tuple[str, ...]
    env: Mapping[str, str]  # variable -> digest of its value, "" where unset
    packages: Mapping[str, str] = field(default_factory=dict)  # only where they re-run
    version: int = KEY_VERSION
    history: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """`xxh128:...` over all fields: the name under which the run cache keeps results."""
        return fingerprint(
            "stage-key",
            self.version,
            FINGERPRINT_VERSION,
            self.kind,
            self.entry,
            self.wdir,
            self.binding,
            self.code,
            self.params,
            self.deps,
            self.outs,
            self.env,
            self.packages,
            *([self.history] if self.history else ()),
        )


@dataclass(frozen=True, slots=True)
class StageRecord:
    """What one successful run made of one key: the committed lock, and the run-cache entry.

    `observed` maps modules that static reading had not predicted to their closure's hash.
    `packages` are the versions at the time of the run, for reporting. `basis` is the digest of
    the dvc.lock entry that belongs to it, in a DVC project. No timestamps, no hosts.
    """

    stage: str
    key: StageKey
    outs: Mapping[str, Digest]
    observed: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    fingerprint_version: int = FINGERPRINT_VERSION
    basis: str | None = None


# --- what is to be done, and what was ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause of staleness; `chain` leads from the entry to a changed definition."""

    kind: ReasonKind
    subject: str
    old: Any = None  # short digest, or the value itself for params
    new: Any = None
    file: str | None = None
    line: int | None = None
    chain: tuple[str, ...] = ()


#: A note of decisions to run that an earlier result of the same key makes unnecessary.
RESTORABLE = "an earlier result is in the cache, and comes back without a run"

#: A note of frozen stages whose key is not that of their lock.
HELD = "would run if it were not frozen"

#: A note of frozen stages whose outs a run would record as they have become.
TO_RECORD = "`pivot repro` records its outs as they are now"

#: A note of stale stages that cannot run, for want of deps of which only the digest is known.
TO_FETCH = "`pivot pull` fetches what is missing where a remote has it"

#: A note of decisions to run where the outs are those of an earlier result.
OLDER = "what lies there is an earlier result; `pivot pull` brings the locked one without a run"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a stage should run, and why. `key` is None where a needed digest is unknown."""

    stage: str
    state: State
    action: Action
    reasons: tuple[Reason, ...] = ()
    key: StageKey | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageResult:
    """How one stage of a run ended. `seconds` is wall-clock time of the stage itself."""

    stage: str
    status: Status
    record: StageRecord | None = None
    error: str | None = None
    seconds: float = 0.0
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One file of a directory: path relative to the directory, and its digest."""

    path: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a directory, sorted by path; the directory's digest is that of its text."""

    entries: tuple[ManifestEntry, ...]
