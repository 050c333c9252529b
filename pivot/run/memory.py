"""What the code behind stages was found to be, kept while the sources it rests on are the same."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from ..model import FINGERPRINT_VERSION, CodeManifest, Command, PythonEntry, Stage
from ..source.locate import changes, settled
from ..stamp import is_settled
from ..tree import Tree
from ..values import dataclass

_FORMAT = 2
_NAME = "facts"

#: Keys of `source.locate.Reader.seen`: files and folders that were read or looked for.
Keys = frozenset[str]


class Blobs(Protocol):
    """Bytes by key, kept between runs. What is gone or damaged is a miss."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What deciding needs of a stage's code: all of its manifest but the table of definitions.

    `covered` are the deps that the digest judges, so that their content does not count.
    """

    digest: str
    packages: Mapping[str, str]
    covered: frozenset[str] = frozenset()


class CodeMemory:
    """Facts about stages' code, each valid as long as every source it rests on is as it was.

    `context` is whatever else they depend on (versions, roots, what is installed); `started` is
    the time, in ns since the epoch, before the first source of this run was looked at. Facts that
    rest on a file that may have changed within a clock tick are not kept.
    """

    def __init__(self, tree: Tree, blobs: Blobs, context: str, started: int) -> None:
        self._blobs = blobs
        self._context = f"{_FORMAT}:{FINGERPRINT_VERSION}:{context}"
        self._started = started
        self._seen: dict[str, object] = {}
        # what was found, and the number of the sources it rests on in `_bases`
        self._facts: dict[str, tuple[Any, int]] = {}
        self._observed: dict[str, tuple[str | None, int]] = {}
        self._checked: dict[str, int] = {}
        self._version: str | None = None
        self._bases: list[Keys] = []
        self._numbers: dict[Keys, int] = {}
        self._changed = False
        self._load(tree)

    def _load(self, tree: Tree) -> None:
        data = self._blobs.get(_NAME)
        if data is None:
            return
        try:
            form = marshal.loads(data)  # noqa: S302 - our own
            context, seen, bases, facts, observed, version, checked = form
        except (ValueError, EOFError, TypeError):
            return
        if context != self._context:
            return
        self._seen, self._bases = seen, bases
        self._facts, self._observed = facts, observed
        self._version, self._checked = version, checked
        self._forget(set(changes(tree, seen)))

    def _forget(self, keys: set[str]) -> None:
        """Drop what rests on any of some sources."""
        if not keys:
            return
        gone = {number for number, basis in enumerate(self._bases) if not keys.isdisjoint(basis)}
        self._facts = {key: known for key, known in self._facts.items() if known[1] not in gone}
        self._observed = {
            key: known for key, known in self._observed.items() if known[1] not in gone
        }
        self._checked = {
            name: number for name, number in self._checked.items() if number not in gone
        }
        self._seen = {key: found for key, found in self._seen.items() if key not in keys}
        self._changed = True

    def _basis(self, keys: Keys) -> int:
        """The number of some sources, once for equal ones."""
        if not self._numbers:
            self._numbers = {known: number for number, known in enumerate(self._bases)}
        number = self._numbers.get(keys)
        if number is None:
            number = self._numbers[keys] = len(self._bases)
            self._bases.append(keys)
        return number

    def facts(self, stage: Stage) -> CodeFacts | None:
        """What is known about the stage's code; None where it has to be read."""
        known = self.state(stage)
        return None if known is None else CodeFacts(known[0], known[1], frozenset(known[2]))

    def note(
        self, stage: Stage, manifest: CodeManifest, covered: frozenset[str], rests_on: Keys
    ) -> CodeFacts:
        """Remember what reading the stage's code gave."""
        packages = dict(manifest.packages)
        state = (manifest.digest, packages, tuple(sorted(covered)))
        self._facts[code_key(stage)] = (state, self._basis(rests_on))
        self._changed = True
        return CodeFacts(manifest.digest, packages, covered)

    def state(self, stage: Stage) -> Any:
        """`facts` as they are kept: equal where they are."""
        known = self._facts.get(code_key(stage))
        return None if known is None else known[0]

    def observed(self, stage: Stage, module: str) -> tuple[str | None] | None:
        """The hash of an observed module, as a tuple of one (None: it is gone); None: unknown."""
        known = self._observed.get(f"{module}|{code_key(stage)}")
        return None if known is None else (known[0],)

    def note_observed(self, stage: Stage, module: str, found: str | None, rests_on: Keys) -> None:
        """Remember the hash of an observed module."""
        self._observed[f"{module}|{code_key(stage)}"] = (found, self._basis(rests_on))
        self._changed = True

    def unchecked(self, pipeline: str, stages: Iterable[Stage]) -> list[Stage]:
        """The stages of this version of the pipeline whose signatures were not found right yet."""
        if self._version != pipeline:
            return list(stages)
        known = self._checked
        return [stage for stage in stages if stage.name not in known]

    def note_checked(self, pipeline: str, rests_on: Mapping[str, Keys]) -> None:
        """Remember that those of some stages are."""
        if self._version != pipeline:
            self._version, self._checked = pipeline, {}
            self._changed = True
        for name, keys in rests_on.items():
            self._checked[name] = self._basis(keys)
            self._changed = True

    @property
    def seen(self) -> Mapping[str, object]:
        """What the facts that are known depend on; see `source.unchanged`."""
        return self._seen

    def save(self, seen: Mapping[str, object]) -> None:
        """Keep it all for the next run; `seen` is what was read or looked for in this one."""
        if not self._changed:
            return
        # what was found otherwise than it was, or may still change unnoticed, bears nothing
        before = self._seen
        doubtful = {key for key in seen if key in before and not _same(before[key], seen[key])}
        self._seen = {**before, **seen}
        kept = settled(self._seen, lambda signature: is_settled(signature, self._started))
        self._forget(doubtful | (_joined(self._bases) - kept.keys()))
        used = {number for _, number in (*self._facts.values(), *self._observed.values())}
        used.update(self._checked.values())
        order = sorted(used)
        place = {number: at for at, number in enumerate(order)}
        bases = [self._bases[number] for number in order]
        form = (
            self._context,
            {key: kept[key] for key in _joined(bases)},
            bases,
            {key: (found, place[number]) for key, (found, number) in self._facts.items()},
            {key: (found, place[number]) for key, (found, number) in self._observed.items()},
            self._version,
            {name: place[number] for name, number in self._checked.items()},
        )
        self._blobs.put(_NAME, marshal.dumps(form))


def _joined(bases: Sequence[Keys]) -> set[str]:
    found: set[str] = set()
    for keys in bases:
        found |= keys
    return found


def _same(before: Any, now: Any) -> bool:
    """Whether two states of one key of `Reader.seen` mean the same; of folders, the names do."""
    if isinstance(before, tuple) and isinstance(now, tuple) and len(before) == len(now) == 2:
        return bool(before[1] == now[1])
    return bool(before == now)


def code_key(stage: Stage) -> str:
    """What a stage's code is looked up by: its entry, and what else reading starts from."""
    match stage.entry:
        case PythonEntry(module=module, qualname=qualname):
            key = f"{module}:{qualname}|{'|'.join(stage.roots)}"
            if stage.own_loaders or stage.params_class:
                key += f"|{stage.params_class or ''}|{'|'.join(stage.own_loaders)}"
            return key
        case Command(lines=lines):
            paths: Sequence[Sequence[str]] = (
                [dep.path for dep in stage.deps],
                [out.path for out in stage.outs],
            )
            env = sorted(stage.env_set.items())
            return repr((lines, stage.entry.is_list, stage.wdir, paths, env, stage.roots))
