"""The same dvc.yaml files, read by DVC and by Pivot: the same stages, or both refuse.

Needs DVC: PIVOT_TEST_DVC names its executable.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import pytest
from peers import DVC, Server
from read_by_pivot import read

pytestmark = pytest.mark.skipif(not os.path.exists(DVC), reason="PIVOT_TEST_DVC names no DVC")

PARAMS = """
i: 1
f: 1.5
e: 1e-10
big: 1e+20
b: true
n: null
s: text
l: [1, 2, {x: 3}]
m: {a: {b: [10, 20]}, t: true, f: false, n: null, l: [1, two], s: 'a b', e: '', q: "it's", k: {v: [1.5, true]}}
k-y: dash
k y: space
items: {p: {d: dp}, q: {d: dq}}
z: '010'
o: 010
hex: 0x1F
d0: 1.0
neg: -0.0
long: 123456789012345678901234567890
inf: .inf
"yes": on
t: 12:30
"""

EXPRESSIONS = [
    "${i}", "${f}", "${b}", "x ${i} ${f} ${e} ${big} ${b} ${s}", "x ${n}", "${m.a.b[0]}", "${ m.a.b[1] }",
    "${m.a.b.1}", "${m.a.b[-1]}", "\\${i} ${i}", "\\\\${i}", "$${i}", "${k-y}", "${k y}", "${i", "a}${i}{",
    "${i }x", "x${m.e}y", "${z} ${o} ${hex} ${d0} ${neg} ${long} ${inf} ${yes} ${t}", "${l[2].x}", "${}", "${ }",
    "${${s}}", "${nope}", "${m.nope}", "${i.x}", "${l[9]}", "${i}${i}", "{${i}}", "${m}", "${l}", "${m.k} ${m.a}",
]  # fmt: skip


def one(body: str, head: str = "") -> dict[str, str]:
    indented = "\n".join("    " + line for line in body.strip("\n").splitlines())
    return {"dvc.yaml": f"{head}stages:\n  a:\n{indented}\n", "params.yaml": PARAMS}


FULL = """
cmd: x
wdir: w
deps: [b, ../c, ./d/, https://x.org/y, /tmp/abs, ../w/e, a//f, g/../h]
params: [i, m.a, ../o.yaml: [k], whole.json: , p.toml: [t.a], q.py: [X.y]]
outs: [o/, ../p: {cache: false}, r: {persist: true, push: false, desc: d}]
metrics: [m.json: {cache: false}]
plots: [pl.csv: {x: a, y: b, template: t, title: t, header: true}, pd]
frozen: true
always_changed: true
desc: words
meta: {k: [1, 2]}
"""

CASES: dict[str, dict[str, str]] = {
    **{f"expression {text}": one(f"cmd: {json.dumps('echo ' + text)}") for text in EXPRESSIONS},
    "everything": one(FULL),
    "cmd list": one("cmd:\n  - a\n  - b ${i}\n"),
    "cmd block": one("cmd: |\n  one ${m}\n  two\n"),
    "foreach list": one("foreach: [1, 1.0, true, null, text, a/b, x y, 1e-5]\ndo:\n  cmd: x ${item}\n"),
    "foreach duplicates": one("foreach: [1, '1']\ndo:\n  cmd: x ${item}\n"),
    "foreach composite": one("foreach: [{x: 1}, 2, [3]]\ndo:\n  cmd: x\n"),
    "foreach dict": one("foreach: {k1: 1, 2: {x: 3}, true: 5, 1.5: 3, a/b: 3}\ndo:\n  cmd: x ${key}\n"),
    "foreach nested": one("foreach: {k: {x: {y: 1}}}\ndo:\n  cmd: x ${item.x.y} ${item.x}\n"),
    "foreach key": one("foreach: ${items}\ndo:\n  wdir: ${item.d}\n  cmd: x ${key}\n  deps: [in]\n  outs: ['${key}']\n"),
    "foreach scalar": one("foreach: ${i}\ndo:\n  cmd: x\n"),
    "foreach empty": one("foreach: []\ndo:\n  cmd: x\n"),
    "foreach and more": one("foreach: [1]\ncmd: y\ndo:\n  cmd: x\n"),
    "matrix": one("matrix: {p: [1, a/b, true, 1.5, null], q: [x, '${s}']}\ncmd: x ${item.p} ${item.q} ${key}\n"),
    "matrix composite": one("matrix: {p: [{z: 1}, 5], q: [x]}\ncmd: x ${item.p} ${key}\n"),
    "matrix not a list": one("matrix: {p: 3}\ncmd: x\n"),
    "vars": one("cmd: x ${v} ${w.y}", "vars: [{v: 1}, {w: {x: 1}}, {w: {y: 2}}]\n"),
    "vars redefined": one("cmd: x", "vars: [{v: 1}, {v: 1}]\n"),
    "vars redefine params": one("cmd: x", "vars: [{i: 1}]\n"),
    "vars with expressions": one("cmd: x", "vars: [{v: '${i}'}]\n"),
    "vars of a stage": one("cmd: x ${v}\nvars: [{v: 1}]\n"),
    "vars of a stage redefined": one("cmd: x\nvars: [{i: 1}]\n"),
    "vars file": {**one("cmd: x ${k.x} ${j}", "vars: ['o.yaml:k,j']\n"), "o.yaml": "l: 4\nk: {x: 1}\nj: 2\n"},
    "vars file of a stage": {**one("wdir: p\nvars: [o.yaml]\ncmd: x ${v}"), "p/o.yaml": "v: 5\n"},
    "vars file missing": one("cmd: x", "vars: [zz.yaml]\n"),
    "vars file toml": {**one("cmd: x ${tt.b}", "vars: [o.toml]\n"), "o.toml": "[tt]\nb = 5\n"},
    "vars file python": {**one("cmd: x ${tt} ${K.q} ${K.L.z}", "vars: [o.py]\n"),
                         "o.py": "tt = 5\nclass K:\n  def __init__(self):\n    self.q = 3\n  class L:\n    z = 4\n"},
    "params of the wdir": {**one("wdir: p\ncmd: x ${i}\nparams: [i]"), "p/params.yaml": "i: 9\n"},
    "params whole and keys": one("cmd: x\nparams: [i, params.yaml: [b]]\n"),
    "params numeric": one("cmd: x\nparams: [{p.yaml: [1]}]\n"),
    "outs templated": one("cmd: x\nouts: ['${s}': {cache: false}]\nmeta: {'${s}x': 3, b: '${s}'}\n"),
    "outs twice": one("cmd: x\nouts: [a, a]\n"),
    "unknown key": one("cmd: x\ndep: [a]\n"),
    "deps mapping": one("cmd: x\ndeps: {a: b}\n"),
    "deps text": one("cmd: x\ndeps: a\n"),
    "no cmd": one("deps: [a]\n"),
    "odd name": {"dvc.yaml": "stages:\n  'a.b-c_d/e f': {cmd: x}\n"},
    "number name": {"dvc.yaml": "stages:\n  1: {cmd: x}\n"},
    "merge keys": {"dvc.yaml": "stages:\n  a: &a {cmd: x, deps: [d]}\n  b: {<<: *a, cmd: y}\n"},
    "sub folder": {
        "sub/dvc.yaml": "stages:\n  t: {cmd: 'x ${lr}', deps: [data, ../up.csv], params: [lr], outs: [model]}\n"
        "  up: {wdir: .., cmd: 'x ${lr}', deps: [a], params: [lr, sub/v.yaml: [k]]}\n",
        "sub/params.yaml": "lr: 3", "params.yaml": "lr: 1", "sub/v.yaml": "k: 1",
    },
    "top level": {"dvc.yaml": "stages: {a: {cmd: x}}\nplots: [a.csv: , b: {template: simple}]\nmetrics: [m.json]\nartifacts: {m: {path: q}}\n"},
    "empty": {"dvc.yaml": ""},
}  # fmt: skip


def scalars() -> list[str]:
    """Texts near the borders of YAML's rules: what follows what, in every combination."""
    signs = ["", "+", "-"]
    bodies = [
        "0", "1", "01", "010", "00", "1_0", "1__0", "_1", "1_", "0o10", "0o8", "0O10", "0x1F",
        "0x1g", "0X1F", "0b11", "0b12", "1.", ".1", "1.5", "01.5", "1_0.5", "1.5_0", ".", "..",
        "1.2.3", "1e3", "1E3", "1e+3", "1e-3", "1.e3", ".5e3", ".5e+3", "1.5e3", "1e", "1e+",
        "e5", "1_0e1", "1e1_0", ".inf", ".Inf", ".INF", ".iNF", "inf", ".nan", ".NaN", ".NAN",
        "nan", "true", "True", "TRUE", "tRUE", "false", "on", "off", "On", "yes", "no", "y", "n",
        "null", "Null", "NULL", "nUll", "~", "12:30", "12:30:45", "1:2", "0:0.5", "190:20:30.15",
        "2020-01-01", "2020-1-1", "2020-01-01x", "1,000", "1-2", "1/2", "1e3x", "0x", "0o", "0b",
        "a1", "1a",
    ]  # fmt: skip
    return [sign + body for sign in signs for body in bodies]


@pytest.fixture(scope="module")
def answers(dvc: Server) -> dict[str, Any]:
    return dict(zip(CASES, dvc.ask({"load": list(CASES.values())}), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_the_same_stages_or_both_refuse(name: str, answers: dict[str, Any]) -> None:
    theirs, ours = answers[name], read(CASES[name])
    if "stages" in theirs:
        assert ours == theirs
    else:
        assert "refused" in ours, theirs


def drawn_scalars(seed: int, count: int) -> list[str]:
    """More of them, letter by letter, and from the pieces of numbers and dates."""
    chance = random.Random(seed)
    letters = "0123456789" * 2 + "+-._:eExXoObBinfNaTZ,/"
    pieces = ("0", "1", "12", "2020", "-", "+", ".", "_", ":", "e", "E", "0x", "0o", "0b", "T", "Z", "inf", ".nan", "true",
              "59", "05", "31", "30.5", "null", "~", "yes", "On", "f")  # fmt: skip
    found: set[str] = set()
    while len(found) < count:
        source = chance.choice([letters, pieces])
        text = "".join(chance.choice(source) for _ in range(chance.randint(1, 6)))
        # not a mapping, a list or a document's end, but one plain scalar
        if not text.endswith(":") and text[0] not in ",:" and text.strip("-") and text != "...":
            found.add(text)
    return sorted(found)


@pytest.mark.parametrize(
    ("seed", "count"),
    [(0, 0), (1, 600), *(pytest.param(n, 3000, marks=pytest.mark.thorough) for n in (2, 3))],
)
def test_scalars_mean_the_same(dvc: Server, seed: int, count: int) -> None:
    texts = drawn_scalars(seed, count) if count else scalars()
    wrong = {}
    for start in range(0, len(texts), 100):
        wrong.update(differing(texts[start : start + 100], dvc))
    assert not wrong


def differing(texts: list[str], dvc: Server) -> dict[str, tuple[Any, Any]]:
    """The scalars that mean different things, with what they mean to Pivot and to DVC.

    DVC refuses a file for one scalar on which its reader breaks: then each is asked for alone.
    """
    body = "\n".join(f"    k{number}: {text}" for number, text in enumerate(texts))
    files = {"dvc.yaml": f"stages:\n  a:\n   cmd: x\n   meta:\n{body}\n"}
    (theirs,) = dvc.ask({"load": [files]})
    if "stages" not in theirs:
        if len(texts) == 1:
            return {}
        half = len(texts) // 2
        return {**differing(texts[:half], dvc), **differing(texts[half:], dvc)}
    found = json.loads(json.dumps(read(files)["stages"]["a"]["meta"], default=str))
    meant = theirs["stages"]["a"]["meta"]
    return {
        text: (found[f"k{number}"], meant[f"k{number}"])
        for number, text in enumerate(texts)
        if repr(found[f"k{number}"]) != repr(meant[f"k{number}"])
    }
