"""What a signature declares: the Stage it makes, and what is said where it cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from pivot.config import call_binding, load
from pivot.errors import PivotError
from pivot.model import Stage
from pivot.tree import DictTree

HEAD = """
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Optional, TypedDict
import dataclasses
import pivot
import pivot.loaders as PL
from pivot import Dep, DirectoryOut, IncrementalOut, Metric, Out, PlaceholderDep, Plot
from pivot import loaders as L
from pivot.loaders import CSV, JSON
"""


def stage(code: str, yaml: str = "", files: dict[str, str] | None = None) -> Stage:
    """The one stage `m.f` of a project with `code` in m.py, and `yaml` below it."""
    indented = "".join(f"    {line}\n" for line in yaml.splitlines())
    texts = {"pivot.yaml": f"stages:\n  s:\n    python: m.f\n{indented}", "m.py": HEAD + code}
    return load(DictTree({**texts, **(files or {})})).stages["s"]


def shown(found: Stage) -> dict[str, str]:
    """What each name is bound to, in the words of the lock."""
    return dict(call_binding(found))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(d: Annotated[Path, Dep('a.csv')]): ...", {"d": "dep a.csv"}),
        ("def f(d: Annotated[str, pivot.Dep('a.csv')]): ...", {"d": "dep a.csv"}),
        ("def f(d: Annotated[dict, Dep('a.json')]): ...", {"d": "dep a.json loader=json"}),
        ("def f(d: Annotated[dict, Dep('a.json', L.PathOnly())]): ...", {"d": "dep a.json"}),
        ("def f(d: Annotated[Any, Dep('a', PL.Text())]): ...", {"d": "dep a loader=text"}),
        ("def f(d: Annotated[list[Path], Dep(['a', 'b'])]): ...", {"d": "deps [a, b]"}),
        ("def f(*, d: Annotated[Path, Dep(Path('x') / 'a.csv')]): ...", {"d": "dep x/a.csv"}),
        ("def f(d: Annotated[Optional[Path], Dep('a')] = None): ...", {"d": "dep a"}),
        ("def f(d: Annotated[Path, 'note', Dep('a')] | None): ...", {"d": "dep a"}),
        ("def f(d: 'Annotated[Path, Dep(\"a\")]'): ...", {"d": "dep a"}),
        ("def f() -> Annotated[dict, Out('o.json')]: ...", {"return": "out o.json loader=json"}),
        ("def f() -> Annotated[None, Out('o.bin')]: ...", {"return": "out o.bin"}),
        ("def f() -> Annotated[str, Out('o.txt')]: ...", {"return": "out o.txt loader=text"}),
        ("def f(o: Annotated[Path, Out('o.bin')]): ...", {"o": "out o.bin"}),
        ("def f(o: Annotated[list, IncrementalOut('o.jsonl')]): ...", {"o": "out o.jsonl loader=jsonl incremental"}),
        ("def f(o: Annotated[Path, IncrementalOut('o.jsonl')]): ...", {"o": "out o.jsonl incremental"}),
        ("def f(o: Annotated[Path, DirectoryOut('o/')]): ...", {"o": "out o directory"}),
        ("def f() -> Annotated[dict[str, Any], DirectoryOut('o')]: ...", {"return": "out o loader=auto directory"}),
        ("class O(TypedDict):\n a: Annotated[dict, Out('a.json')]\n b: Annotated[dict, Metric('b.json')]\ndef f() -> O: ...",
         {"a": "out a.json loader=json", "b": "out b.json loader=json"}),
        ("class O(NamedTuple):\n a: Annotated[dict, Out('a.json')]\ndef f() -> O: ...", {"a": "out a.json loader=json"}),
        ("@dataclasses.dataclass\nclass O:\n a: Annotated[dict, Out('a.json')]\ndef f() -> 'O': ...", {"a": "out a.json loader=json"}),
        ("class B(TypedDict):\n a: Annotated[dict, Out('a.json')]\nclass O(B):\n b: Annotated[dict, Out('b.json')]\ndef f() -> O: ...",
         {"a": "out a.json loader=json", "b": "out b.json loader=json"}),
        ("D = Annotated[dict, Dep('a.json')]\ndef f(d: D): ...", {"d": "dep a.json loader=json"}),
        ("DIR = 'x'\nclass C:\n A = 'a.json'\ndef f(d: Annotated[dict, Dep(f'{DIR}/' + C.A)]): ...", {"d": "dep x/a.json loader=json"}),
        ("P = {'a': 'x.csv'}\ndef f(d: Annotated[Path, Dep(P['a'])]): ...", {"d": "dep x.csv"}),
        ("IN = Dep('a.json')\ndef f(d: Annotated[dict, IN]): ...", {"d": "dep a.json loader=json"}),
        ("READ = JSON()\ndef f(d: Annotated[dict, Dep('a', READ)]): ...", {"d": "dep a loader=json"}),
        ("class Own:\n def __init__(self, n, *, m=1): ...\n def load(self, path): ...\ndef f(d: Annotated[dict, Dep('a', Own(3, m=2))]): ...",
         {"d": "dep a loader=m:Own options={s1:mi2;s1:ni3;}"}),
        ("@dataclasses.dataclass\nclass Own:\n n: int\ndef f(d: Annotated[dict, Dep('a', Own(3))]): ...", {"d": "dep a loader=m:Own options={s1:ni3;}"}),
        ("class Own(CSV): ...\ndef f(d: Annotated[dict, Dep('a', Own(sep=';'))]): ...", {"d": "dep a loader=m:Own options={s3:seps1:;}"}),
        ("import pandas as pd\ndef f(d: Annotated[pd.DataFrame, Dep('a.csv')]): ...", {"d": "dep a.csv loader=csv"}),
        ("import polars as pl\ndef f(d: Annotated[pl.DataFrame, Dep('a.csv')]): ...", {"d": "dep a.csv loader=csv as=polars"}),
        ("def f(d: Annotated[list[dict], Dep('a.csv', CSV(delimiter=';'))]): ...", {"d": "dep a.csv loader=csv options={s9:delimiters1:;} as=list"}),
        ("class K:\n @staticmethod\n def g(d: Annotated[Path, Dep('a')]): ...\nf = K", {}),
        ("def f(d: Annotated[Path, 'no artifact']): ...", {}),
        ("try:\n from typing import Annotated as A\nexcept ImportError:\n from typing_extensions import Annotated as A\ndef f(d: A[Path, Dep('a')]): ...", {"d": "dep a"}),
        ("def f(d: Annotated[dict, Dep('a', CSV(x=[-1, +2, not True, (1,)], y={'a': 1}, z=dict(b=2), w={3}, **{'v': 2 * 3}))]): ...",
         {"d": "dep a loader=csv options={s1:vi6;s1:w<i3;>s1:x[i-1;i2;f;[i1;]]s1:y{s1:ai1;}s1:z{s1:bi2;}}"}),
        ("class B:\n def __init__(self, n): ...\nclass Own(B): ...\ndef f(d: Annotated[dict, Dep('a', Own(3))]): ...", {"d": "dep a loader=m:Own options={s1:ni3;}"}),
        ("class H:\n class Own: ...\ndef f(d: Annotated[dict, Dep('a', H.Own())]): ...", {"d": "dep a loader=m:H.Own"}),
        ("def f(d: int) -> dict: ...", {}),
    ],
)  # fmt: skip
def test_declarations(code: str, expected: dict[str, str]) -> None:
    assert shown(stage(code)) == expected


def test_flags_and_columns() -> None:
    found = stage(
        "class O(TypedDict):\n"
        " a: Annotated[list, Plot('a.csv', x='e', y='l', template='linear', cache=False)]\n"
        " b: Annotated[dict, Metric('b.json', push=False, desc='how good')]\n"
        "def f(d: Annotated[Path, Dep('big', check='stat')]) -> O: ...",
        "wdir: sub",
    )

    plot, metric = found.outs
    assert (plot.kind, plot.path, plot.cache) == ("plot", "sub/a.csv", False)
    assert plot.plot == {"x": "e", "y": "l", "template": "linear"}
    assert (metric.kind, metric.push, metric.desc) == ("metric", False, "how good")
    assert (found.deps[0].path, found.deps[0].check) == ("sub/big", "stat")


def test_declarations_of_other_modules_reexported_under_other_names() -> None:
    files = {
        "pkg/__init__.py": "from .decl import Data as Input, Outputs\nfrom .kinds import *",
        "pkg/decl.py": """
from __future__ import annotations
import typing as t
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import polars
from pivot import Dep, Out, loaders as ll
NAME = "a"
Data = t.Annotated["polars.DataFrame", Dep(NAME + ".parquet", ll.Parquet())]
class Outputs(t.TypedDict, total=False):
    x: t.Required[t.Annotated[dict, Out("x.json", ll.JSON(indent=NAME_OF))]]
NAME_OF = 4
""",
        "pkg/kinds.py": "from pathlib import Path",
    }
    found = stage(
        "import pkg\nfrom pkg import Outputs\ndef f(d: pkg.Input) -> Outputs: ...", "", files
    )

    assert shown(found) == {
        "d": "dep a.parquet loader=parquet as=polars",
        "x": "out x.json loader=json options={s6:indenti4;}",
    }


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("deps: {d: other.csv}", {"d": "dep other.csv loader=csv options={s3:seps1:;}", "o": "out o.json loader=json"}),
        ("deps: {d: {path: o.csv, loader: json}}", {"d": "dep o.csv loader=json", "o": "out o.json loader=json"}),
        ("deps: {d: {path: o.csv, loader: path}}", {"d": "dep o.csv", "o": "out o.json loader=json"}),
        ("deps: {d: [a.csv, b.csv]}", {"d": "deps [a.csv, b.csv] loader=csv options={s3:seps1:;}", "o": "out o.json loader=json"}),
        ("deps: [extra.txt]", {"d": "dep d.csv loader=csv options={s3:seps1:;}", "o": "out o.json loader=json"}),
        ("metrics: {o: m/x.json}\nparams: {k: 1}", {"d": "dep d.csv loader=csv options={s3:seps1:;}", "k": "param", "o": "out m/x.json loader=json"}),
    ],
)  # fmt: skip
def test_yaml_goes_before_the_signature(yaml: str, expected: dict[str, str]) -> None:
    code = (
        "class O(TypedDict):\n o: Annotated[dict, Metric('o.json')]\n"
        "def f(d: Annotated[Any, Dep('d.csv', CSV(sep=';'))], k=0) -> O: ..."
    )
    assert shown(stage(code, yaml)) == expected


def test_a_matrix_takes_the_paths_of_its_items() -> None:
    yaml = "matrix: {k: [a, b]}\nouts: {return: 'o-${item.k}.json'}\nparams: {k: '${item.k}'}"
    texts = {
        "pivot.yaml": "stages:\n  s:\n    python: m.f\n" + "".join(f"    {x}\n" for x in yaml.split("\n")),
        "m.py": HEAD + "def f(d: Annotated[dict, Dep('d.json')], k) -> Annotated[dict, Out('o.json')]: ...",
    }  # fmt: skip
    stages = load(DictTree(texts)).stages

    assert [one.outs[0].path for one in stages.values()] == ["o-a.json", "o-b.json"]
    assert {one.deps[0].path for one in stages.values()} == {"d.json"}


def said(code: str, yaml: str = "", files: dict[str, str] | None = None) -> str:
    with pytest.raises(PivotError) as caught:
        stage(code, yaml, files)
    return str(caught.value)


_LINE = HEAD.count("\n") + 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def f(d: Annotated[Path, Dep(input())]): ...", f"m.py:{_LINE}: 'input()' cannot be read without running it"),
        ("def f(d: Annotated[Path, Dep(path())]): ...\ndef path(): return 'a'", "it calls a function; write a literal here, or give it in pivot.yaml"),
        ("A = 'a'\nA = 'b'\ndef f(d: Annotated[Path, Dep(A)]): ...", f"m.py:{_LINE + 2}: 'A' cannot be read without running it: it is no literal, and no constant that is assigned once"),
        ("def f(d: Annotated[Path, Dep('a' * 99999)]): ...", "it is too long"),
        ("def f(d: Annotated[Path, Dep('a' + 1)]): ...", "can only concatenate"),
        ("def f(d: Annotated[Path, Dep(Path(1))]): ...", "cannot be read"),
        ("def f(d: Annotated[Path, Dep(*['a'])]): ...", "it unpacks arguments"),
        ("def f(d: Annotated[Path, Dep(**3)]): ...", "it unpacks what is no mapping"),
        ("def f(d: Annotated[Path, Dep((lambda: 'a')())]): ...", "it is computed when the module runs"),
        ("def f(d: Annotated[Path, Dep([x for x in 'a'])]): ...", "it is computed when the module runs"),
        ("A = B\nB = A\ndef f(d: Annotated[Path, Dep(A)]): ...", "it leads back to itself"),
        ("def f(d: Annotated[Path, Dep(UNKNOWN)]): ...", "'UNKNOWN' cannot be read"),
        ("def f(d: Annotated[Path, Dep]): ...", 'Dep is declared without a path; write Dep("PATH")'),
        ("def f(d: Annotated[Path, Dep()]): ...", "Dep(): "),
        ("def f(d: Annotated[Path, Dep('')]): ...", "'' is not a path"),
        ("def f(d: Annotated[Path, Dep(3)]): ...", "a path is a text, not 3"),
        ("def f(d: Annotated[Path, Dep([])]): ...", "a list of paths has at least one"),
        ("def f(d: Annotated[Path, Dep('a', 'csv')]): ...", "'csv' has not"),
        ("def f(d: Annotated[Path, Dep('a', CSV)]): ...", "cannot be read without running it"),
        ("def f(d: Annotated[Path, Dep('a', chekc='stat')]): ...", "unexpected keyword argument 'chekc'"),
        ("def f(d: Annotated[Path, Dep('a', check='some')]): ...", "check takes 'content' or 'stat', not 'some'"),
        ("def f(d: Annotated[Path, Dep('a', L.CVS())]): ...", "Pivot has no CVS"),
        ("def f(d: Annotated[Path, pivot.Depp('a')]): ...", "Pivot has no Depp"),
        ("def f(d: Annotated[dict, Dep('a.xyz')]): ...", "no loader is known for 'a.xyz'"),
        ("def f(d: Annotated[Path, Dep('a'), Out('b')]): ...", "'d' declares two artifacts; keep one"),
        ("def f(d: Dep('a')): ...", "parameter 'd' has Dep(...) as its annotation, where it declares nothing; write d: Annotated[TYPE, Dep(...)]"),
        ("def f(d=Dep('a')): ...", "parameter 'd' has Dep(...) as its default, where it declares nothing"),
        ("def f(a, *, d: dict = pivot.Out('a.json')): ...", "parameter 'd' has Out(...) as its default"),
        ("def f() -> Annotated[dict, Dep('a.json')]: ...", "Dep is declared for what is returned; deps are parameters"),
        ("def f() -> tuple[Annotated[dict, Out('a.json')], int]: ...", "return a TypedDict, NamedTuple or dataclass"),
        ("class O:\n a: Annotated[dict, Out('a.json')]\ndef f() -> O: ...", "O declares outs, and is no TypedDict, NamedTuple or dataclass"),
        ("def f(o: Annotated[Path, Out('o', JSON())]): ...", "'o' is an out and a parameter, so its path arrives"),
        ("def f(params: Annotated[Path, Dep('a')]): ...", "the parameter 'params' receives the params"),
        ("def f(d: Annotated[dict, Dep('a', CSV(converters={'a': int}))]): ...", "cannot be read without running it"),
        ("def f(d: Annotated[dict, Dep('a', CSV(x=Path('a')))]): ...", "is no plain value"),
        ("def f(d: Annotated[dict, Dep('a', CSV(**OPT))]): ...", "'OPT' cannot be read"),
        ("class Own: ...\ndef f(d: Annotated[dict, Dep('a', Own(1))]): ...", "write them as keywords"),
        ("def f(d: Annotated[dict, PlaceholderDep()]): ...", "'d' is a placeholder"),
        ("def f(x: Annotated[Path, Out('o')], y: Annotated[Path, Out('o')]): ...", "'o' is an out twice, by 'x' and 'y'"),
        ("def f(x: Annotated[list, IncrementalOut('o.json')]) -> Annotated[dict, Out('o.json')]: ...", "'o.json' is an out twice"),
        ("def f(d: Annotated[Path, Out('o', cache='no')]): ...", "cache takes True or False"),
        ("class O(TypedDict):\n a: Annotated[dict, Out('a.json')]\n n: int\ndef f() -> O: ...", "the field 'n' of what is returned declares no out"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_its_place(code: str, message: str) -> None:
    text = said(code)
    assert message in text
    assert text.startswith(("m.py:", "pivot.yaml:"))


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("outs: {d: x.csv}", "pivot.yaml:4: stage 's': 'd' is declared a dep (m.py:12); move it from outs to deps"),
        ("deps: {o: x.csv}", "'o' is declared a metric (m.py:11); move it from deps to metrics"),
        ("outs: {o: x.csv}", "move it from outs to metrics"),
        ("plots: [o.json]", "'o.json' is an out twice, by 'o' and a list"),
    ],
)  # fmt: skip
def test_yaml_that_contradicts_the_signature(yaml: str, message: str) -> None:
    code = "class O(TypedDict):\n o: Annotated[dict, Metric('o.json')]\ndef f(d: Annotated[Any, Dep('d.csv')]) -> O: ..."
    assert message in said(code, yaml)


def test_a_module_that_cannot_be_parsed_is_left_to_its_stage() -> None:
    found = load(DictTree({"pivot.yaml": "stages: {s: {python: m.f}}", "m.py": "def f(:"}))
    assert found.stages["s"].deps == ()


def test_the_pipeline_depends_on_the_modules_read_but_not_on_bodies() -> None:
    from pivot.config import still_current

    yaml = {"pivot.yaml": "stages: {s: {python: m.f}}"}
    code = HEAD + "import d\ndef f(x: d.X):\n    return {}\n"
    decl = "from typing import Annotated\nfrom pivot import Dep\nX = Annotated[dict, Dep('{}')]\n"
    tree = DictTree({**yaml, "m.py": code.format("1"), "d.py": decl.format("a.json")})
    pipeline = load(tree)

    def current(**files: Any) -> bool:
        texts = {**yaml, "m.py": code.format("1"), "d.py": decl.format("a.json")}
        texts |= {f"{name}.py": text for name, text in files.items()}
        return still_current(DictTree(texts), pipeline) is not None

    assert current()
    assert current(m=code.format("2"))
    assert current(m=code.replace("return {}", "y = 1\n    return y"))
    assert not current(d=decl.format("b.json"))
    assert not current(m=code.replace("x: d.X", "x: d.X, y=1"))
    assert not current(pivot="")  # what `import` finds first counts, too
