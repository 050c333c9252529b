"""The table of cases (tests/unit/cases), asked of the Fingerprinter itself."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest
from cases import CASES, Case, apply

from pivot.errors import SourceError
from pivot.fingerprint import Fingerprinter
from pivot.model import Command, Dep, Out, PythonEntry, Stage
from pivot.source import import_roots, split_entry
from pivot.tree import DictTree


def stage_of(case: Case, tree: DictTree) -> Stage:
    roots = import_roots(tree, "pivot.yaml", ())
    deps = tuple(Dep(path) for path in case.deps)
    outs = tuple(Out(path) for path in case.outs)
    if case.cmd is not None:
        return Stage(
            "run", "pivot.yaml", 2, Command((case.cmd,)), roots=roots, deps=deps, outs=outs
        )
    assert case.entry is not None
    found = split_entry(tree, roots, case.entry)
    assert found is not None
    entry = PythonEntry(case.entry, *found)
    return Stage("run", "pivot.yaml", 2, entry, roots=roots, deps=deps, outs=outs)


def judged(case: Case, files: Mapping[str, str]) -> object:
    """Everything about the code that decides whether the stage is stale."""
    tree = DictTree(files)
    stage = stage_of(case, tree)
    fingerprinter = Fingerprinter(tree)
    try:
        manifest = fingerprinter.manifest(stage)
        observed = [fingerprinter.observed_hash(stage, module) for module in case.observed]
    except SourceError as error:
        raise AssertionError(f"{case}: {error}") from error
    covered = fingerprinter.scripts_covered(stage)
    contents = {path: files.get(path) for path in case.deps if path not in covered}
    return manifest.digest, observed, contents


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_edit_makes_the_stage_stale_or_not(case: Case) -> None:
    if sys.version_info < case.needs:
        pytest.skip(f"written in the syntax of Python {case.needs}")
    before = judged(case, case.files)
    after = judged(case, apply(case))

    assert (before != after) == case.stale


def test_the_table_is_large_and_goes_both_ways() -> None:
    stale = sum(case.stale for case in CASES)

    assert len(CASES) >= 150
    assert min(stale, len(CASES) - stale) >= 50
    assert len({str(case) for case in CASES}) == len(CASES)
