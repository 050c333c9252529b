"""Which pipeline files are found, and when a loaded pipeline is still the one on disk."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from pivot.config import load, still_current
from pivot.model import Pipeline
from pivot.tree import DictTree, join, parent

BODY = "stages:\n  s{}:\n    cmd: x\n"


class StatTree(DictTree):
    """A DictTree that counts what is asked, and whose folders have signatures as a disk's do."""

    def __init__(self, files: dict[str, str]) -> None:
        super().__init__(files)
        self.asked: list[str] = []

    def signature(self, path: str) -> Any:
        self.asked.append(path)
        if self.kind(path) == "dir":
            return repr(super().list(path))
        return super().signature(path)

    def list(self, path: str) -> tuple[tuple[str, bool], ...]:
        self.asked.append(f"list {path}")
        return super().list(path)


def found(files: dict[str, str], **options: Any) -> tuple[str, ...]:
    return load(DictTree(files), **options).files


def test_every_folder_is_searched() -> None:
    files = {"pivot.yaml": "", "b/c/pivot.yaml": "", "a/dvc.yaml": "", "a/x.py": ""}
    assert found(files) == ("pivot.yaml", "a/dvc.yaml", "b/c/pivot.yaml")


@pytest.mark.parametrize(
    "folder",
    [
        ".hidden",
        ".venv",
        "env/lib",
        "node_modules/x",
        "__pycache__",
        "site-packages",
        "data",
        "old",
    ],
)
def test_these_folders_are_not(folder: str) -> None:
    files = {
        "pivot.yaml": "",
        "env/pyvenv.cfg": "",
        "data.dvc": "",
        "old.pvt": "",
        f"{folder}/pivot.yaml": BODY.format(1),
    }
    assert found(files) == ("pivot.yaml",)


def test_the_caller_says_what_else_is_not_looked_at() -> None:
    files = {
        "pivot.yaml": "",
        "skipped/deep/pivot.yaml": BODY.format(1),
        ".hidden/pivot.yaml": BODY.format(2),
        ".tox/pivot.yaml": BODY.format(3),
        "file/pivot.yaml": BODY.format(4),
    }
    skipped = {("skipped", True), ("file/pivot.yaml", False)}
    seen = found(files, skip_dirs=lambda path, is_dir=True: (path, is_dir) in skipped)
    assert seen == ("pivot.yaml", ".hidden/pivot.yaml")


def test_folders_that_stages_make_are_not() -> None:
    files = {
        "pivot.yaml": "stages:\n  s:\n    cmd: x\n    outs: [out/made]\n",
        "out/made/pivot.yaml": BODY.format(1),
        "out/other/pivot.yaml": BODY.format(2),
    }
    assert found(files) == ("pivot.yaml", "out/other/pivot.yaml")


def test_links_back_to_a_folder_above_do_not_go_round() -> None:
    class Looped(StatTree):
        def list(self, path: str) -> tuple[tuple[str, bool], ...]:
            inner = path.removeprefix("loop/").replace("loop/", "")
            return super().list("." if inner in ("loop", "") else inner)

        def signature(self, path: str) -> Any:
            return "root" if path in (".", "loop") else super().signature(path)

        def kind(self, path: str) -> Literal["file", "dir"] | None:
            return "dir" if path.endswith("loop") else super().kind(path)

    assert load(Looped({"pivot.yaml": BODY.format(1), "loop/x": ""})).files == ("pivot.yaml",)


# --- still current --------------------------------------------------------------------------

FILES = {
    "pivot.yaml": "vars: [v.yaml]\nstages:\n  s:\n    python: pkg.m.f\n    outs: [made]\n",
    "v.yaml": "k: 1",
    "pkg/m.py": "def f(): ...",
    "sub/pivot.yaml": BODY.format(1),
    "data/x/y.csv": "",
}


def changed(**changes: str | None) -> dict[str, str]:
    files = dict(FILES)
    for name, text in changes.items():
        path = name.replace("__", "/").replace("_", ".")
        if text is None:
            del files[path]
        else:
            files[path] = text
    return files


def recheck(files: dict[str, str]) -> tuple[Pipeline, Pipeline | None]:
    pipeline = load(StatTree(FILES))
    return pipeline, still_current(StatTree(files), pipeline)


def test_nothing_changed() -> None:
    pipeline, current = recheck(FILES)
    assert current is pipeline


@pytest.mark.parametrize(
    "files",
    [
        changed(pivot_yaml=BODY.format(9)),
        changed(v_yaml="k: 2"),
        changed(v_yaml=None),
        changed(params_yaml="k: 1"),
        changed(sub__params_yaml="k: 1"),
        changed(sub__pivot_yaml=None),
        changed(data__pivot_yaml=""),
        changed(data__x__dvc_yaml=""),
        changed(new__deep__pivot_yaml=""),
        changed(sub__dvc_yaml=""),
        changed(pkg__m_py=None),
        changed(pkg_py=""),
        {**FILES, "pkg/__init__.py": ""},
        changed(src__a_py=""),
        {**FILES, ".dvcignore": "data"},
    ],
)
def test_what_makes_it_load_again(files: dict[str, str]) -> None:
    _, current = recheck(files)
    assert current is None


@pytest.mark.parametrize(
    "files",
    [
        changed(pkg__m_py="def f(): return 1"),
        changed(README_md="x"),
        changed(new__deep__x_csv=""),
        changed(data__x__more_csv=""),
        changed(_hidden__pivot_yaml=""),
        changed(made__pivot_yaml=""),
        changed(made__deep__x=""),
    ],
)
def test_what_does_not(files: dict[str, str]) -> None:
    pipeline, current = recheck(files)
    assert current is not None
    assert current.stages == pipeline.stages
    assert still_current(StatTree(files), current) is current


def test_a_check_costs_one_question_a_folder_and_none_for_data() -> None:
    files = {f"made/{n}/x": "" for n in range(50)} | {f"raw/{n}/x": "" for n in range(50)}
    tree = StatTree({**FILES, **files, "raw.pvt": ""})
    pipeline = load(tree)
    tree.asked.clear()
    assert still_current(tree, pipeline) is pipeline
    assert not any(path.startswith(("made/", "raw/", "list")) for path in tree.asked)
    assert len(tree.asked) == len(set(tree.asked)) < 15


def test_a_tree_whose_folders_have_no_signatures_is_listed() -> None:
    pipeline = load(DictTree(FILES))
    current = still_current(DictTree(FILES), pipeline)
    assert current == pipeline
    assert still_current(DictTree(changed(new__pivot_yaml="")), pipeline) is None


def test_sources_name_what_was_looked_for_and_absent() -> None:
    sources = load(DictTree(FILES)).sources
    assert sources["params.yaml"] is None
    assert sources["sub/params.yaml"] is None
    assert sources["pkg/m.py?"] == "file"
    assert sources["pkg/m/__init__.py?".replace("m/", "")] is None
    assert all(join(".", parent(path.rstrip("/?"))) for path in sources)
