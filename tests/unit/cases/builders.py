"""How cases are written: a project once, then one line an edit."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from pivot.source import find_entry, import_roots
from pivot.tree import DictTree


@dataclass(frozen=True)
class Edit:
    """Replace `old` by `new` in `file`; `old` None writes the file, `new` None deletes it."""

    file: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Case:
    name: str
    rule: str
    files: Mapping[str, str]
    edits: tuple[Edit, ...]
    stale: bool
    entry: str | None = "stages.run"
    cmd: str | None = None
    deps: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()  # modules that a run was seen to import
    needs: tuple[int, int] = (3, 11)  # the Python whose syntax it is written in

    def __str__(self) -> str:
        return f"{self.rule}: {self.name}"


def apply(case: Case) -> dict[str, str]:
    """The files after the edit. Fails where an edit does not find what it replaces."""
    files = dict(case.files)
    for edit in case.edits:
        if edit.new is None:
            del files[edit.file]
        elif edit.old is None:
            files[edit.file] = edit.new
        else:
            assert files[edit.file].count(edit.old) == 1, (case.name, edit, files[edit.file])
            files[edit.file] = files[edit.file].replace(edit.old, edit.new)
    return files


def pipeline_text(case: Case) -> str:
    """A `pivot.yaml` with the case's stage `run`, for asking the command line itself.

    Parameters that the entry requires get a value, so that signatures are right.
    """
    stage: dict[str, object] = {}
    if case.cmd is not None:
        stage["cmd"] = case.cmd
    else:
        tree = DictTree(case.files)
        roots = import_roots(tree, "pivot.yaml", ())
        assert case.entry is not None
        stage["python"] = case.entry
        required = find_entry(tree, roots, case.entry).signature.parameters
        names = [item.name for item in required if item.required]
        if names:
            # a stage that really runs is to find the first of its plugins
            stage["params"] = dict.fromkeys(names, "one" if case.observed else 1)
    if case.deps:
        stage["deps"] = list(case.deps)
    if case.outs or case.cmd is not None:
        # a command with neither deps nor outs always runs; `made.txt` is for the test to make
        stage["outs"] = list(case.outs) or ["made.txt"]
    return json.dumps({"stages": {"run": stage}}) + "\n"


class Project:
    """A project and the edits tried on it; `cases` is filled as they are written down."""

    def __init__(self, into: list[Case], rule: str, files: Mapping[str, str], **more: object):
        self.into = into
        self.rule = rule
        self.files = {path: textwrap.dedent(text).lstrip("\n") for path, text in files.items()}
        self.more = more

    def _add(self, name: str, stale: bool, edits: tuple[Edit, ...]) -> Project:
        self.into.append(Case(name, self.rule, self.files, edits, stale, **self.more))  # type: ignore[arg-type]
        apply(self.into[-1])
        return self

    def stale(self, name: str, *edits: tuple[str, str | None, str | None]) -> Project:
        return self._add(name, True, tuple(Edit(*edit) for edit in edits))

    def fresh(self, name: str, *edits: tuple[str, str | None, str | None]) -> Project:
        return self._add(name, False, tuple(Edit(*edit) for edit in edits))
