"""The demo pipeline, through the command line: what runs, what an edit re-runs, what undoing does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path

import pytest
from harness import Sandbox

HERE = "examples/penguins"
TRAIN = {"train@linear", "train@forest"}
ALL = {"prepare", "features", "evaluate"} | TRAIN


def fresh_copy(checkout: Path, root: Path) -> Sandbox:
    """The demo as someone finds it who has just cloned the repository."""
    sandbox = Sandbox(root)
    for name in ("pivot.yaml", "params.yaml"):
        shutil.copy(checkout / name, root / name)
    (root / "examples").mkdir()
    shutil.copy(checkout / "examples" / "__init__.py", root / "examples")
    made = shutil.ignore_patterns("__pycache__", "models", "plots", "metrics.json", *MADE_DATA)
    shutil.copytree(checkout / HERE, root / HERE, ignore=made)
    sandbox.commit("the demo")
    return sandbox


MADE_DATA = ("clean.csv", "training.csv", "held_out.csv")


@pytest.fixture(scope="module")
def finished(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The demo after its first run; tests change copies of it."""
    sandbox = fresh_copy(checkout, tmp_path_factory.mktemp("penguins") / "project")
    sandbox.run("repro").ended(0)
    return sandbox


@pytest.fixture
def demo(finished: Sandbox, tmp_path: Path) -> Sandbox:
    return finished.copy(tmp_path / "project")


def test_the_committed_data_are_the_package_s(checkout: Path) -> None:
    packaged = Path(distribution("palmerpenguins").locate_file("palmerpenguins/data/penguins.csv"))
    assert (checkout / HERE / "data/penguins.csv").read_bytes() == packaged.read_bytes()


def test_first_run_makes_real_results(checkout: Path, tmp_path: Path) -> None:
    demo = fresh_copy(checkout, tmp_path / "project")
    assert demo.stale() == ALL

    assert demo.repro() == dict.fromkeys(ALL, "ran")

    assert demo.rows(f"{HERE}/data/penguins.csv") == 344
    assert demo.rows(f"{HERE}/data/clean.csv") == 333
    parts = [demo.rows(f"{HERE}/data/{name}.csv") for name in ("training", "held_out")]
    assert parts == [233, 100]
    metrics = demo.json(f"{HERE}/metrics.json")
    assert set(metrics) == {"linear", "forest"}
    for scores in metrics.values():
        assert 0.8 < scores["accuracy"] < 1
        assert 0.8 < scores["f1"] < 1
        assert 0.9 < scores["auc"] < 1
    curves = demo.read(f"{HERE}/plots/roc.csv").splitlines()
    assert curves[0] == "fpr,tpr,model"
    assert {line.rpartition(",")[2] for line in curves[1:]} == {"linear", "forest"}
    for stage in ALL:
        assert demo.lock(stage)["outs"]


def test_second_run_has_nothing_to_do(demo: Sandbox) -> None:
    locks = demo.contents(".pivot/stages")
    results = demo.contents(HERE)

    assert demo.stale() == set()
    assert demo.repro() == dict.fromkeys(ALL, "fresh")

    assert demo.contents(".pivot/stages") == locks
    assert demo.contents(HERE) == results


@pytest.mark.thorough
def test_two_first_runs_give_the_same_bytes(
    checkout: Path, finished: Sandbox, tmp_path: Path
) -> None:
    other = fresh_copy(checkout, tmp_path / "project")
    other.run("repro").ended(0)
    assert other.contents(".pivot/stages") == finished.contents(".pivot/stages")
    assert other.contents(HERE) == finished.contents(HERE)


def test_a_run_leaves_nothing_for_git_but_locks(finished: Sandbox) -> None:
    changed = {
        line[3:]
        for line in finished.git("status", "--porcelain", "--untracked-files=all").splitlines()
        if "__pycache__" not in line
    }
    locks = {f".pivot/stages/{stage}.lock" for stage in ALL}
    assert locks <= changed
    assert changed.difference(locks) == {".pivot/.gitignore"}


EDITS = {
    "helper of features": (
        "measures.py",
        'birds["bill_length_mm"] / birds["bill_depth_mm"]',
        'birds["bill_depth_mm"] / birds["bill_length_mm"]',
        {"features", "evaluate"} | TRAIN,
    ),
    "helper of a helper, same result": (
        "tables.py",
        'subset=["sex", *MEASURED]',
        'subset=[*MEASURED, "sex"]',
        {"prepare"},
    ),
    "default of a model: the other model comes out the same": (
        "models.py",
        "max_iter=1000",
        "max_iter=500",
        {"evaluate"} | TRAIN,
    ),
    "helper of evaluate": (
        "curves.py",
        "metrics.roc_curve(answer, chance)",
        "metrics.roc_curve(answer, chance, drop_intermediate=False)",
        {"evaluate"},
    ),
    "global of a helper": (
        "tables.py",
        '"flipper_length_mm", "body_mass_g"]',
        '"body_mass_g", "flipper_length_mm"]',
        {"prepare"},
    ),
    "how every table is written": (
        "tables.py",
        '"%.6g"',
        '"%.7g"',
        {"prepare", "features", "evaluate"} | TRAIN,
    ),
    "body of one stage": (
        "stages.py",
        "json.dumps(scores, indent=2)",
        "json.dumps(scores, indent=1)",
        {"evaluate"},
    ),
}


def sampled(cases: Mapping[str, object]) -> Iterator[object]:
    """Every third case, the first among them; the others are for the thorough run."""
    for number, case in enumerate(cases):
        yield pytest.param(case, marks=[pytest.mark.thorough] if number % 3 else [])


@pytest.mark.parametrize("case", [*sampled(EDITS)])
def test_an_edit_runs_exactly_its_stages(demo: Sandbox, case: str) -> None:
    file, old, new, expected = EDITS[case]
    demo.edit(f"{HERE}/{file}", old, new)
    assert expected <= demo.stale()
    assert demo.ran() == expected
    assert demo.stale() == set()


COSMETIC = {
    "comment": (
        "measures.py",
        '    return birds["bill',
        '    # how slender\n    return birds["bill',
    ),
    "docstring": ("tables.py", "The birds with a known sex", "Those with a known sex"),
    "formatting": ("curves.py", "said = chance >= 0.5", "said = (chance\n        >= 0.50)"),
    "quotes": ("stages.py", '"\\n"', "'\\n'"),
    "a helper that nobody uses": (
        "models.py",
        "def build(",
        "def unused():\n    pass\n\n\ndef build(",
    ),
    "comment in params": (None, "seed: 7", "seed: 7 # any number"),
    "a param that nobody reads": (None, "seed: 7", "seed: 7\nnobody: 1"),
}


@pytest.mark.parametrize("case", COSMETIC)
def test_an_edit_that_cannot_matter_runs_nothing(demo: Sandbox, case: str) -> None:
    file, old, new = COSMETIC[case]
    demo.edit(f"{HERE}/{file}" if file else "params.yaml", old, new)
    assert demo.stale() == set()
    assert demo.ran() == set()


PARAMS = {
    "one model's option": ("depth: 5", "depth: 3", {"evaluate"} | TRAIN),
    "the share held out": ("test_share: 0.3", "test_share: 0.25", ALL - {"prepare"}),
}


@pytest.mark.parametrize("case", [*sampled(PARAMS)])
def test_a_changed_param_runs_exactly_its_stages(demo: Sandbox, case: str) -> None:
    old, new, expected = PARAMS[case]
    demo.edit("params.yaml", old, new)
    assert demo.ran() == expected


def test_reasons_name_the_definition_and_its_place(demo: Sandbox) -> None:
    demo.edit(f"{HERE}/curves.py", "chance >= 0.5", "chance >= 0.6")
    assert demo.reasons("evaluate") == {("code", "examples.penguins.curves:scores")}


def test_undoing_an_edit_restores_without_running(finished: Sandbox, demo: Sandbox) -> None:
    demo.edit(f"{HERE}/models.py", "max_iter=1000", "max_iter=500")
    demo.edit("params.yaml", "depth: 5", "depth: 3")
    assert demo.ran() == {"evaluate"} | TRAIN
    assert demo.contents(HERE) != finished.contents(HERE)

    demo.git("checkout", "--", f"{HERE}/models.py", "params.yaml")

    assert demo.ran() == set()
    assert demo.contents(HERE) == finished.contents(HERE)
    assert demo.contents(".pivot/stages") == finished.contents(".pivot/stages")


def test_a_deleted_output_comes_back_from_the_cache(finished: Sandbox, demo: Sandbox) -> None:
    demo.remove(f"{HERE}/models", f"{HERE}/data/clean.csv", f"{HERE}/metrics.json")
    assert demo.ran() == set()
    assert demo.contents(HERE) == finished.contents(HERE)


def test_changed_data_run_what_reads_them(demo: Sandbox) -> None:
    lines = demo.read(f"{HERE}/data/penguins.csv").splitlines(keepends=True)
    demo.write({f"{HERE}/data/penguins.csv": "".join(lines[:-20])})
    assert demo.ran() == ALL
    assert demo.rows(f"{HERE}/data/clean.csv") == 313
