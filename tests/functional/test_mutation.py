"""A sample of `python -m tests.mutation`: changed output needs a changed fingerprint."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2]))


def test_no_mutant_of_an_example_changes_output_unnoticed(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    from tests.mutation.__main__ import examine
    from tests.mutation.subjects import penguins

    mutated = tuple(f"examples/penguins/{name}.py" for name in ("tables", "measures"))
    subject = replace(penguins(), stages=("prepare", "features"), mutated=mutated)

    tally = examine(subject, tmp_path, sample=18)

    assert tally.missed == []
    assert tally.pairs >= 20
    assert tally.outputs_changed >= 1
    assert tally.spared >= 5
