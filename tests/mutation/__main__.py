"""`python -m tests.mutation`: mutate, run, compare, report."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .mutants import mutants
from .subjects import Bench, Outcome, Subject, flights, penguins


@dataclass
class Tally:
    """Counts over pairs of a mutant and a stage that loads the mutated file when it runs."""

    mutants: int = 0
    pairs: int = 0
    outputs_changed: int = 0
    runs_failed: int = 0
    imports_failed: int = 0
    noticed: int = 0
    noticed_without_need: int = 0
    spared: int = 0  # neither output nor fingerprint changed: no run wasted
    missed: list[str] = field(default_factory=list)
    #: Importing fails where nothing that counts stands: an annotation that raises, say.
    broken_beside: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def note(self, what: str, before: Outcome, after: Outcome, noticed: bool) -> None:
        """Count one pair."""
        differs = (after.outs, after.error) != (before.outs, before.error)
        self.pairs += 1
        self.outputs_changed += differs and not after.error
        self.runs_failed += bool(after.error) and not after.importing
        self.imports_failed += bool(after.error) and after.importing
        self.noticed += noticed
        self.noticed_without_need += noticed and not differs
        self.spared += not noticed and not differs
        if differs and not noticed:
            unseen = self.broken_beside if after.importing else self.missed
            unseen.append(f"{what} ({after.error or 'other output'})")


def examine(
    subject: Subject, folder: Path, sample: int = 1, say: Callable[[str], None] = lambda _: None
) -> Tally:
    """Run the stages with every `sample`-th mutant of the subject's code."""
    bench = Bench(subject, folder)
    before = {stage: bench.run(stage, {}) for stage in bench.stages}
    assert before == {stage: bench.run(stage, {}) for stage in bench.stages}, "not deterministic"
    fresh = bench.fingerprints({})
    tally = Tally()
    found = [mutant for path, text in subject.texts().items() for mutant in mutants(path, text)]
    chosen = found[::sample]
    for number, mutant in enumerate(chosen):
        change = {mutant.file: mutant.text}
        tally.mutants += 1
        after = bench.fingerprints(change)
        for stage in bench.stages:
            noticed = after[stage] != fresh[stage]
            if noticed or mutant.file in before[stage].loaded:
                what = f"{subject.name} {stage}: {mutant}"
                tally.note(what, before[stage], bench.run(stage, change), noticed)
        if number % 50 == 49:
            say(f"{subject.name}: {number + 1} of {len(chosen)}, {tally.missed}")
    return tally


def _shown(name: str, tally: Tally, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({name: asdict(tally)})
    lines = [name]
    for key, value in asdict(tally).items():
        lines.append(f"  {key}: {len(value) if isinstance(value, list) else value}")
    return "\n".join([*lines, *(f"  MISSED {text}" for text in tally.missed)])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=1, help="take every N-th mutant")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("examples", nargs="*", default=["penguins", "flights"])
    options = parser.parse_args()
    total = Tally()
    for subject in (penguins(), flights()):
        if subject.name not in options.examples:
            continue
        with tempfile.TemporaryDirectory(prefix="pivot-mutation-") as folder:
            tally = examine(
                subject, Path(folder), options.sample, lambda text: print(text, file=sys.stderr)
            )
        print(
            json.dumps({subject.name: asdict(tally)})
            if options.json
            else f"{subject.name}: {tally}"
        )
        total.add(tally)
    print(json.dumps(asdict(total)) if options.json else f"all: {total}")
    return 1 if total.missed else 0


if __name__ == "__main__":
    sys.exit(main())
