"""What a stage gives against what its function takes; what each parameter receives."""

from __future__ import annotations

from typing import Any

import pytest

from pivot.config import call_binding, check_signatures, load
from pivot.errors import PivotError
from pivot.tree import DictTree

CODE = """
import functools
from typing import Annotated
import pivot
def clean(raw, out, seed=0): ...
def named(*, raw): ...
def anything(**given): ...
def everything(raw, params): ...
def maker(raw) -> dict: ...
def silent(raw) -> None: ...
def nothing(): ...
@functools.wraps(clean)
def wrapped(*args, **kwargs): ...
@strange
def decorated(zzz): ...
def typed(raw: Annotated[str, pivot.Dep("a.csv")], C): ...
"""


def check(body: str) -> str:
    indented = "\n".join("    " + line for line in body.strip("\n").splitlines())
    tree = DictTree({"pivot.yaml": f"stages:\n  s:\n{indented}\n", "m.py": CODE})
    try:
        check_signatures(load(tree).stages.values(), tree)
    except PivotError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "body",
    [
        "python: m.clean\ndeps: {raw: a}\nouts: {out: b}",
        "python: m.clean\ndeps: {raw: a}\nouts: {out: b}\nparams: {seed: 1}",
        "python: m.clean\ndeps: {raw: [a, b]}\nmetrics: {out: b}\nparams: [deep.seed]",
        "python: m.named\ndeps: {raw: a}",
        "python: m.anything\ndeps: {x: a}\nparams: {y: 1}",
        "python: m.everything\ndeps: {raw: a}\nparams: {any: 1, other: 2}",
        "python: m.everything\ndeps: {raw: a}\nparams: [any, f.yaml: ]",
        "python: m.maker\ndeps: {raw: a}\nouts: {made: {path: b, loader: csv}}",
        "python: m.maker\ndeps: {raw: a}\nouts: {made: b.csv}",
        "python: m.nothing",
        "python: m.nothing\ndeps: [a]\nouts: [b]",
        "python: m.nothing\nparams: [lr]",
        "python: m.decorated\ndeps: {unknown: a}",
        "python: m.typed\nparams: {C: 1}",
        "cmd: x\ndeps: {any: a}",
    ],
)
def test_these_fit(body: str) -> None:
    assert check(body) == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("python: m.clean\ndeps:\n  rwa: a\nouts: {out: b}",
         "pivot.yaml:5: stage 's': clean() (m.py:5) has no parameter 'rwa' for this dep; did you mean 'raw'?"),
        ("python: m.clean\ndeps: {raw: a, extra: c}\nouts: {out: b}", "has no parameter 'extra' for this dep; it takes raw, out, seed"),
        ("python: m.clean\ndeps: {raw: a}\nouts: {out: b}\nparams: {sed: 1}", "has no parameter 'sed' for this param; did you mean 'seed'?"),
        ("python: m.clean\nouts: {out: b}", "pivot.yaml:2: stage 's': clean() (m.py:5) needs 'raw', which the stage does not give; add it to deps"),
        ("python: m.clean\ndeps: [a]\nouts: [b]", "a list injects nothing, a mapping does: deps: {raw: a}"),
        ("python: m.silent\ndeps: {raw: a}\nouts: {made: b}", "has no parameter 'made' for this out"),
        ("python: m.nothing\nparams: {lr: 1}", "has no parameter 'lr' for this param; it takes nothing"),
        ("python: m.anything\nparams: [a.C, b.C]", "'params.yaml:a.C' and 'params.yaml:b.C' both bind 'C'; name them in a mapping: params: {C: \"${a.C}\", other: \"${b.C}\"}"),
        ("python: m.anything\ndeps: {x: a}\nouts: {x: b}", "'x' is in deps and in outs"),
        ("python: m.anything\ndeps: {x: a}\nparams: {x: 1}", "'x' is in deps and in params"),
        ("python: m.cleen", "pivot.yaml:2: there is no 'cleen' in m.py; did you mean 'clean'?"),
        ("python: mm.clean", "pivot.yaml:2: there is no module 'mm' for 'mm.clean'; did you mean 'm'?"),
    ],
)  # fmt: skip
def test_these_do_not(body: str, said: str) -> None:
    assert said in check(body)


def test_all_stages_are_judged_in_one_go() -> None:
    text = "stages:\n  a: {python: m.clean}\n  b: {python: m.nope}\n  c: {python: m.nope}\n"
    tree = DictTree({"pivot.yaml": text, "m.py": CODE})
    with pytest.raises(PivotError) as caught:
        check_signatures(load(tree).stages.values(), tree)
    assert [line.partition(": ")[0] for line in str(caught.value).splitlines()] == [
        "pivot.yaml:2",
        "pivot.yaml:2",
        "pivot.yaml:3",
    ]


def binding(body: str) -> Any:
    indented = "\n".join("    " + line for line in body.strip("\n").splitlines())
    tree = DictTree({"pivot.yaml": f"stages:\n  s:\n{indented}\n"})
    return dict(call_binding(load(tree).stages["s"]))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("python: m.f\ndeps: {raw: data/p.csv}\nparams: {C: 1}", {"C": "param", "raw": "dep data/p.csv"}),
        ("python: m.f\ndeps: {parts: [a, b]}", {"parts": "deps [a, b]"}),
        ("python: m.f\ndeps: {parts: [a]}", {"parts": "deps [a]"}),
        ("python: m.f\ndeps: {x: {path: a, loader: csv, options: {sep: ';'}}}", {"x": "dep a loader=csv options={s3:seps1:;"}),
        ("python: m.f\nouts: {o: a}\nmetrics: {m: b}\nplots: {p: c}", {"o": "out a", "m": "out b", "p": "out c"}),
        ("python: m.f\nouts: {o: {path: a, type: directory, resume: true}}", {"o": "out a directory resume"}),
        ("python: m.f\nouts: {o: {path: a, cache: false, desc: d}}", {"o": "out a"}),
        ("python: m.f\nparams: [train.C, o.yaml: [x]]", {"C": "param params.yaml:train.C", "x": "param o.yaml:x"}),
        ("python: m.f\ndeps: [a]\nouts: [b]", {}),
        ("cmd: x\ndeps: {a: b}", {}),
    ],
)  # fmt: skip
def test_bindings(body: str, expected: dict[str, str]) -> None:
    found = binding(body)
    assert list(found) == sorted(found)
    assert set(found) == set(expected)
    for name, text in expected.items():
        assert found[name].startswith(text)
