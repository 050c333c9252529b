"""`diff`: which versions and paths are meant, and which artifacts differ between them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..diff import Difference, Differences, Item, Snapshot, changed_artifacts
from ..digest import Digest
from ..errors import PivotError, did_you_mean
from ..model import Manifest
from ..tree import is_within, relative
from ..values import dataclass, field
from .versions import WORKSPACE, Version, Versions

#: DVC's words for the kinds, in the order it shows them.
KINDS = ("added", "deleted", "renamed", "modified")
MISSING = "not in cache"


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be compared: two versions, in all or at some paths (project-relative)."""

    old: Version
    new: Version
    paths: tuple[str, ...] = ()


def read_words(
    versions: Versions, words: Sequence[str], paths: Sequence[str] | None = None
) -> Question:
    """What `words` mean, and the words after `--` as `paths` (None: there was no `--`).

    As git reads them: revisions first (`A`, `A B`, `A..B`, `A...B`), then paths; without `--` a
    word that is an artifact or exists is a path, anything else a revision, and what could be
    both is an error. Without revisions HEAD is compared with the working tree. Raises PivotError.
    """
    revisions: list[str] = []
    found: list[str] = []
    for word in words:
        if paths is None and (found or _is_path(versions, word)):
            found.append(_path(versions, word, revisions, is_after=bool(found)))
        elif paths is None and _was_path(versions, word, revisions):
            found.append(versions.artifact(word))
        else:
            revisions += versions.ends(word)
            if paths is None:
                _check_known(versions, word, revisions)
    found += [versions.artifact(path) for path in paths or ()]
    old, new = versions.two(revisions)
    for word in paths or ():
        _check_no_option(versions, word, (old, new))
    return Question(old, new, tuple(dict.fromkeys(found)))


def _check_known(versions: Versions, word: str, revisions: Sequence[str]) -> None:
    """Raise PivotError for a word that could have been meant as a path too, and is nothing."""
    for text in revisions:
        try:
            versions.at(text)
        except PivotError as error:
            if text == word and error.message.startswith("there is no revision"):
                message = f"'{word}' is neither a revision nor a path"
                raise PivotError(message, hint=error.hint) from None
            raise


def _is_path(versions: Versions, word: str) -> bool:
    """Whether a word is a path. Raises PivotError where it could be a revision as well."""
    if versions.is_bare:
        return False
    path = versions.artifact(word)
    workspace = versions.workspace
    exists = os.path.lexists(os.path.join(versions.project.root, path))
    if not exists and not workspace.is_artifact(path):
        return False
    if exists and word != WORKSPACE and _is_revision(versions, word):
        raise PivotError(
            f"'{word}' is both a revision and a path",
            hint=f"`pivot diff {word} --` means the revision, `pivot diff -- {word}` the path",
        )
    return True


def _was_path(versions: Versions, word: str, revisions: Sequence[str]) -> bool:
    """Whether a word that names nothing here was an artifact or file of a revision, and is none."""
    if word == WORKSPACE or ".." in word.lstrip("./") or _is_revision(versions, word):
        return False
    path = versions.artifact(word)
    head = versions.project.repository.head()
    named = [versions.at(text) for text in revisions] or ([versions.at(head)] if head else [])
    return any(_has(version, path) for version in named)


def _has(version: Version, path: str) -> bool:
    return version.is_artifact(path) or version.tree.kind(path) is not None


def _check_no_option(versions: Versions, word: str, sides: Sequence[Version]) -> None:
    """Raise PivotError for an option after `--`, where it counts as a path that nobody has."""
    if not word.startswith("-") or any(_has(side, versions.artifact(word)) for side in sides):
        return
    raise PivotError(
        f"'{word}' comes after `--`, where only paths do, and is no path of "
        f"{sides[0].label} or {sides[1].label}",
        hint="options go before: `pivot diff [A] [B] [OPTIONS] -- PATH`",
    )


def _is_revision(versions: Versions, word: str) -> bool:
    try:
        versions.project.repository.resolve(word)
    except PivotError:
        return False
    return True


def _path(versions: Versions, word: str, revisions: Sequence[str], *, is_after: bool) -> str:
    if is_after and not (_is_path(versions, word) or _was_path(versions, word, revisions)):
        what = "a revision; those go first" if _is_revision(versions, word) else "no path here"
        raise PivotError(
            f"'{word}' comes after a path, and is {what}",
            hint="`--` stands between revisions and paths: `pivot diff A B -- PATH`",
        )
    return versions.artifact(word)


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The artifacts that differ, and those of the old version that no cache has.

    `sizes` are of the digests that were asked about, as far as they are known. `lacks` says what
    of either version cannot be read: nothing is told of what that declares.
    """

    found: Differences
    missing: tuple[Difference, ...] = ()
    sizes: Mapping[Digest, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lacks: tuple[PivotError, ...] = ()

    def data(self, *, hashes: bool = False, missing: bool = True) -> dict[str, Any]:
        """As `dvc diff --json` prints it, with sizes; empty where nothing differs."""
        if not self.found and not self.missing:
            return {}
        data: dict[str, list[dict[str, Any]]] = {}
        for kind in ("added", "deleted", "modified", "renamed"):
            data[kind] = [self._entry(kind, one, hashes) for one in getattr(self.found, kind)]
        if missing:
            data[MISSING] = [self._entry(MISSING, entry, hashes) for entry in self.missing]
        for entries in data.values():
            entries.sort(key=_sort_key)
        return data

    def _entry(self, kind: str, one: Difference, hashes: bool) -> dict[str, Any]:
        path: Any = shown(one.path, one.is_folder)
        if one.former is not None:
            path = {"old": shown(one.former, one.is_folder), "new": path}
        entry: dict[str, Any] = {"path": path}
        if hashes:
            entry["hash"] = _sides(kind, _value(one.old), _value(one.new))
        entry["size"] = _sides(kind, self.size(one.old), self.size(one.new))
        return entry

    def size(self, digest: Digest | None) -> int | None:
        """The bytes of an artifact; None where they are not known."""
        if digest is None or digest.size is not None:
            return digest.size if digest else None
        return self.sizes.get(digest)


def shown(path: str, is_folder: bool) -> str:
    """A path as DVC shows it: a directory's ends in a slash."""
    return f"{path}/" if is_folder else path


def _sides(kind: str, old: Any, new: Any) -> Any:
    if kind == "modified":
        return {"old": old, "new": new}
    return new if kind == "added" else old


def _value(digest: Digest | None) -> str | None:
    if digest is None:
        return None
    if not digest.algorithm.startswith("md5"):
        return str(digest)
    return f"{digest.value}.dir" if digest.is_tree else digest.value


def _sort_key(entry: Mapping[str, Any]) -> str:
    path = entry["path"]
    return str(path["old"] if isinstance(path, dict) else path)


def compare_artifacts(
    versions: Versions, question: Question, targets: Sequence[str] = ()
) -> Artifacts:
    """The artifacts that differ between two versions, those kept in the cache.

    Of the working tree count the files as they are, of a revision what its locks and records say.
    With `targets` (or the paths of the question) only these and what lies in them; each must be
    an artifact on one side. Raises PivotError.
    """
    old, new = question.old, question.new
    wanted = [*question.paths, *(versions.artifact(target) for target in targets)]
    for path in wanted:
        _check_target(path, (old, new), versions.cwd)
    if old.commit is not None and old.commit == new.commit:
        return Artifacts(Differences())
    before, after = (_limited(snapshot(versions, side), wanted) for side in (old, new))
    before, after = _known(before, old, new), _known(after, new, old)
    found = changed_artifacts(before, after)
    missing: tuple[Difference, ...] = ()
    if new.commit is None:
        missing = tuple(
            Difference(path, item.digest, None, item.is_folder)
            for path, item in before.items.items()
            if item.digest is not None and not _is_kept(versions, item.digest)
        )
    unread = (error for side in (old, new) for error in _unread(side, wanted))
    lacks = (*old.lacks, *new.lacks, *unread)
    said = [] if lacks else [*_problems(old), *_problems(new)]
    notes = dict.fromkeys([*said, *old.notes, *new.notes, *_hashes(found)])
    return Artifacts(found, missing, _sizes(versions, found, missing), tuple(notes), lacks)


def _known(whole: Snapshot, version: Version, other: Version) -> Snapshot:
    """What of a version is not hidden in what cannot be read of the other one."""
    if not other.lacks and not other.lock_faults:
        return whole
    items = {path: item for path, item in whole.items.items() if not other.hides(path, version)}
    return Snapshot(items, whole.hidden)


def snapshot(versions: Versions, version: Version) -> Snapshot:
    """The artifacts of a version that are kept in the cache, with the files of directories."""
    items: dict[str, Item] = {}
    hidden: set[str] = set()
    for path, digest in version.artifacts().items():
        if path.startswith(("/", "../")) or "://" in path or not version.is_cached(path):
            continue
        if version.commit is not None and version.fault_of(path) is not None:
            continue
        manifest: Manifest | None = None
        if version.commit is None:
            observer = versions.observer_of(digest)
            digest = observer.observe(path)
            if digest is None:
                continue
            manifest = observer.manifest(path) if digest.is_tree else None
        elif digest is None and version.mode == "pivot":
            continue  # never made; DVC counts what is declared
        elif digest is not None and digest.is_tree:
            manifest = versions.manifest(digest)
            if manifest is None:
                hidden.add(path)
        items[path] = Item(digest, digest is not None and digest.is_tree)
        for entry in manifest.entries if manifest else ():
            items[f"{path}/{entry.path}"] = Item(entry.digest)
    return Snapshot(items, frozenset(hidden))


def _limited(whole: Snapshot, paths: Sequence[str]) -> Snapshot:
    if not paths:
        return whole
    items = {
        path: item
        for path, item in whole.items.items()
        if any(is_within(path, wanted) for wanted in paths)
    }
    return Snapshot(items, whole.hidden)


def _check_target(path: str, sides: Sequence[Version], cwd: str) -> None:
    known = {artifact for side in sides for artifact in side.artifacts()}
    if any(is_within(path, artifact) or is_within(artifact, path) for artifact in known):
        return
    raise PivotError(
        f"'{relative(path, cwd)}' is no artifact of {sides[0].label} or {sides[1].label}",
        hint=did_you_mean(path, known) or "`pivot list --deps` shows the artifacts",
    )


def _is_kept(versions: Versions, digest: Digest) -> bool:
    return any(os.path.exists(cache.path(digest)) for cache in versions.caches)


def _sizes(
    versions: Versions, found: Differences, missing: Iterable[Difference]
) -> dict[Digest, int]:
    """Sizes that no lock or manifest names: of the objects themselves."""
    sizes: dict[Digest, int] = {}
    groups = (found.added, found.deleted, found.modified, found.renamed, missing)
    for one in (one for group in groups for one in group):
        for digest in (one.old, one.new):
            if digest is None or digest.size is not None or digest in sizes or digest.is_tree:
                continue
            for cache in versions.caches:
                try:
                    sizes[digest] = os.stat(cache.path(digest)).st_size
                except OSError:
                    continue
                break
    return sizes


def _unread(version: Version, wanted: Sequence[str]) -> list[PivotError]:
    """The faults of locks that would say what is wanted (without paths: anything)."""
    if version.commit is None:
        return []  # its files say it
    stages = {
        name
        for name, stage in version.pipeline.stages.items()
        if not wanted
        or any(
            is_within(path, out.path) or is_within(out.path, path)
            for path in wanted
            for out in stage.outs
        )
    }
    return [problem.error for problem in version.unread_locks(stages)]


def _problems(version: Version) -> list[str]:
    return [f"{version.label}: {problem.error}" for problem in version.pipeline.problems]


def _hashes(found: Differences) -> list[str]:
    """What cannot be said of artifacts that the two sides name by different hashes."""
    other = [
        one
        for one in found.modified
        if one.old and one.new and one.old.algorithm != one.new.algorithm
    ]
    if not other:
        return []
    first = other[0]
    assert first.old
    assert first.new
    kinds = f"{first.old.algorithm} and {first.new.algorithm}"
    return [
        f"{len(other)} artifacts are named by different hashes ({kinds}): "
        "whether their bytes differ is not known"
    ]


def names_files(question: Question, options: Sequence[str] = ()) -> bool:
    """Whether the paths of a question are files, whose content is to be compared.

    Raises PivotError where they are both files and folders, and for `options` as one types them,
    which say how to compare files, where there are none.
    """
    folders = [path for path in question.paths if is_folder_at(question, path)]
    if question.paths and not folders:
        return True
    if len(folders) < len(question.paths):
        raise PivotError(
            f"'{folders[0]}' is a folder, and other paths are files",
            hint="compare artifacts of folders, or the content of files",
        )
    if options:
        raise PivotError(
            f"{options[0].partition(' ')[0]} is for the content of a file",
            hint=f"`pivot diff [A] [B] {options[0]} -- PATH`",
        )
    return False


def is_folder_at(question: Question, path: str) -> bool:
    """Whether `path` is a directory, or a folder that holds artifacts, on either side."""
    for side in (question.old, question.new):
        digest = side.digest(path)
        if (digest is not None and digest.is_tree) or side.artifacts_below(path):
            return True
        if side.tree.kind(path) == "dir":
            return True
    return False
