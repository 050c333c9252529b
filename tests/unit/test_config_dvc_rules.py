"""Where a dvc.yaml is read by DVC's own rules, and a pivot.yaml takes more."""

from __future__ import annotations

import pytest

from pivot import graph
from pivot.commands.loading import load_tree
from pivot.config import load
from pivot.errors import PivotError
from pivot.project.configuration import read_settings
from pivot.project.dvcignore import DvcIgnore
from pivot.tree import DictTree

PARAMS = "l: [1, 2]\nm: {a: 1}\n5: five\ni: 1\n"
BODY = "stages:\n  s:\n    cmd: x\n"


def read(text: str, *, as_dvc: bool = True) -> dict[str, object]:
    name = "dvc.yaml" if as_dvc else "pivot.yaml"
    files = {name: text, "params.yaml": PARAMS, "v.yaml": "a: 1\nb: {c: 2}\n"}
    return dict(load(DictTree(files), mode="dvc" if as_dvc else "pivot").stages)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"vars: ['v.yaml:b.c']\n{BODY}", "no key 'b.c'"),
        (f"vars: ['v.yaml:a', v.yaml]\n{BODY}", "loads again"),
        (f"vars: [v.yaml, 'v.yaml:a']\n{BODY}", "as a whole already"),
        (f"{BODY}    meta: ${{l}}\n", "is a list, which DVC does not put there"),
        (f"{BODY}    meta: ${{m}}\n", "is a mapping, which DVC does not put there"),
        (BODY.replace("x", "'${5}'"), "names no known key"),
        ("stages:\n  a@b:\n    cmd: x\n", "'@'"),
        (f"{BODY}    deps: [sub/dvc.yaml]\n", "one of DVC's own files"),
        (f"{BODY}    outs: [x.dvc]\n", "one of DVC's own files"),
        (f"{BODY}    outs: [a, ./a]\n", "listed twice"),
        (f"{BODY}    outs: [{{a: }}]\n", "a mapping of options"),
        (f"{BODY}    x-note: 1\n", "unknown key 'x-note'"),
        (f"{BODY}    frozen: ${{i}}\n", "true or false"),
        (f"plots: [{{a: {{x: 1}}}}]\n{BODY}", "plots"),
        (f"plots: [{{1: {{}}}}]\n{BODY}", "a name is a text"),
    ],
)
def test_what_dvc_refuses(text: str, message: str) -> None:
    with pytest.raises(PivotError, match=message):
        read(text)


def test_what_a_pivot_yaml_takes() -> None:
    assert read(f"vars: ['v.yaml:b.c']\n{BODY}    meta: ${{l}}\n", as_dvc=False)
    assert read(f"vars: ['v.yaml:a', v.yaml]\n{BODY}    outs: [a, ./a]\n", as_dvc=False)


@pytest.mark.parametrize(
    "text",
    [
        f"vars: ['v.yaml:']\n{BODY}",
        f"{BODY}    vars: [{{item: 1}}]\n",
        f"{BODY}    params: [{{}}, {{p.yaml: false}}]\n",
        f"{BODY}    outs: [a, {{a: {{cache: false}}}}]\n",
        "stages:\n  s:\n    foreach: ['x ${m}', 'y ${l}']\n    do: {cmd: '${item}', matrix: {a: [1]}}\n",
    ],
)
def test_what_dvc_takes(text: str) -> None:
    assert read(text)


def test_dvc_takes_the_name_of_its_lock_for_an_out_and_pivot_does_not() -> None:
    files = {"dvc.yaml": "stages: {s: {cmd: x, outs: [dvc.lock]}}\n"}
    assert graph.build(load(DictTree(files), mode="dvc")).producer == {"dvc.lock": "s"}
    files = {"pivot.yaml": files["dvc.yaml"]}
    with pytest.raises(PivotError, match=r"the lock of a dvc\.yaml"):
        graph.build(load(DictTree(files), mode="pivot"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("outs: ['../..']", "a folder around the project"),
        ("outs: [.dvc/x]", "what .dvc/ is kept for"),
        ("outs: [sub/.git/hooks/x]", "what .git/ is kept for"),
        ("outs: [./sub]", "the folder of the pipeline file"),
        ("deps: ['..'], outs: [o]", "lie one within the other"),
    ],
)
def test_outs_that_cannot_be(text: str, message: str) -> None:
    files = {
        "dvc.yaml": f"stages: {{s: {{cmd: x, {text}}}}}\n",
        "sub/dvc.yaml": "stages: {t: {cmd: y}}\n",
    }
    pipeline = load(DictTree(files), mode="dvc")
    if "./sub" in text:  # as if it had been found before the out was known
        pipeline = type(pipeline)(stages=pipeline.stages, files=("dvc.yaml", "sub/dvc.yaml"))
    with pytest.raises(PivotError, match=message):
        graph.build(pipeline)


def test_an_ignored_out_takes_its_stage_with_it() -> None:
    tree = DictTree(
        {
            "dvc.yaml": "stages:\n  a: {cmd: x, outs: [junk/o]}\n  b: {cmd: y, outs: [fine]}\n",
            ".dvcignore": "junk\n",
        }
    )
    skip = DvcIgnore(tree, "/project").skips_folder
    pipeline = load_tree(tree, "dvc", read_settings("/nowhere"), (), skip)
    assert set(pipeline.stages) == {"b"}
    [problem] = pipeline.problems
    assert "out 'junk/o' is ignored by .dvcignore" in problem.message
