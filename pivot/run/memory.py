"""What the code behind stages was found to be, kept while no source file has changed."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..model import FINGERPRINT_VERSION, CodeManifest, Command, PythonEntry, Stage
from ..source.locate import settled, unchanged
from ..stamp import is_settled
from ..tree import Tree
from ..values import dataclass

_FORMAT = 2
_NAME = "facts"


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
    """Facts about stages' code, valid as long as every source read or looked for is as it was.

    `context` is whatever else they depend on (versions, roots, what is installed); `started` is
    the time, in ns since the epoch, before the first source of this run was looked at. Facts made
    from a file that may have changed within a clock tick are not kept.
    """

    def __init__(self, tree: Tree, blobs: Blobs, context: str, started: int) -> None:
        self._blobs = blobs
        self._context = f"{_FORMAT}:{FINGERPRINT_VERSION}:{context}"
        self._started = started
        self._facts: dict[str, Any] = {}
        self._observed: dict[str, str | None] = {}
        self._checked: str | None = None
        self._seen: dict[str, object] = {}
        self._changed = False
        self._load(tree)

    def _load(self, tree: Tree) -> None:
        data = self._blobs.get(_NAME)
        if data is None:
            return
        try:
            context, seen, facts, observed, checked = marshal.loads(data)  # noqa: S302 - our own
        except (ValueError, EOFError, TypeError):
            return
        if context == self._context and unchanged(tree, seen):
            self._seen, self._facts, self._observed = seen, facts, observed
            self._checked = checked

    def facts(self, stage: Stage) -> CodeFacts | None:
        """What is known about the stage's code; None where it has to be read."""
        known = self._facts.get(code_key(stage))
        return None if known is None else CodeFacts(known[0], known[1], frozenset(known[2]))

    def note(self, stage: Stage, manifest: CodeManifest, covered: frozenset[str]) -> CodeFacts:
        """Remember what reading the stage's code gave."""
        packages = dict(manifest.packages)
        self._facts[code_key(stage)] = (manifest.digest, packages, tuple(sorted(covered)))
        self._changed = True
        return CodeFacts(manifest.digest, packages, covered)

    def state(self, stage: Stage) -> object:
        """`facts` as they are kept: equal where they are."""
        return self._facts.get(code_key(stage))

    def observed(self, stage: Stage, module: str) -> tuple[str | None] | None:
        """The hash of an observed module, as a tuple of one (None: it is gone); None: unknown."""
        key = f"{module}|{code_key(stage)}"
        return (self._observed[key],) if key in self._observed else None

    def note_observed(self, stage: Stage, module: str, found: str | None) -> None:
        """Remember the hash of an observed module."""
        self._observed[f"{module}|{code_key(stage)}"] = found
        self._changed = True

    def is_checked(self, pipeline: str) -> bool:
        """Whether the signatures of this version of the pipeline were found right."""
        return self._checked == pipeline

    def note_checked(self, pipeline: str) -> None:
        """Remember that they were."""
        self._checked = pipeline
        self._changed = True

    @property
    def seen(self) -> Mapping[str, object]:
        """What the facts that are known depend on; see `source.unchanged`."""
        return self._seen

    def save(self, seen: Mapping[str, object]) -> None:
        """Keep it all for the next run; `seen` is what was read or looked for in this one."""
        self._seen = {**self._seen, **seen}
        if not self._changed:
            return
        kept = settled(self._seen, lambda signature: is_settled(signature, self._started))
        if kept is None:
            return
        form = (self._context, kept, self._facts, self._observed, self._checked)
        self._blobs.put(_NAME, marshal.dumps(form))


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
