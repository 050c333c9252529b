"""Pipelines in Python, read without being run: they become the stages that YAML would give."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from pivot.config import load_partial
from pivot.config.program_files import Executed
from pivot.config.programs import Entry
from pivot.errors import RunError
from pivot.model import Pipeline, PythonEntry
from pivot.tree import DictTree

STAGES = """
from pathlib import Path
def prepare(raw: Path, clean: Path, drop=()): ...
def train(data: Path, model: Path, C: float = 1.0): ...
class Tools:
    @staticmethod
    def report(): ...
"""


def load(text: str, more: dict[str, str] | None = None, **given: Any) -> Pipeline:
    files = {"pipeline.py": textwrap.dedent(text), "stages.py": STAGES, **(more or {})}
    return load_partial(DictTree(files), **given)


def stages(text: str, more: dict[str, str] | None = None) -> dict[str, Any]:
    found = load(text, more)
    assert not found.problems, found.problems
    return dict(found.stages)


def problem(text: str, more: dict[str, str] | None = None) -> str:
    found = load(text, more)
    assert found.problems
    return "\n".join(str(item.error) for item in found.problems)


def twin(yaml: str) -> dict[str, Any]:
    tree = DictTree({"pivot.yaml": textwrap.dedent(yaml), "stages.py": STAGES})
    found = load_partial(tree)
    assert not found.problems, found.problems
    return dict(found.stages)


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    def bare(stage: Any) -> Any:
        deps = [(d.path, d.name, d.loader, d.options, d.check, d.group) for d in stage.deps]
        outs = [
            (o.path, o.name, o.kind, o.cache, o.persist, o.loader, o.plot, o.directory)
            for o in stage.outs
        ]
        return (
            stage.entry, stage.wdir, deps, outs, stage.params, stage.mutex, stage.timeout,
            [(p.path, p.keys) for p in stage.params_files], stage.env_set, stage.frozen,
        )  # fmt: skip

    assert {name: bare(stage) for name, stage in one.items()} == {
        name: bare(stage) for name, stage in other.items()
    }


def test_a_module_that_is_no_pipeline_is_left_alone() -> None:
    typed = "from pivot import Dep\nimport logging\nfrom helper import x\nlogging.basicConfig()\n"
    for text in (typed, "import os\nos.stat('.')\n# Pipeline\n"):
        found = load(text, {"helper.py": "x = 1"})
        assert (found.problems, found.files, found.stages) == ((), (), {})
    assert "pipeline.py:4" in problem(typed, {"helper.py": "import pivot\nx = pivot.Pipeline()\n"})


def test_a_pipeline_may_import_all_its_stages() -> None:
    more = {
        "pkg/__init__.py": "from .inner import f",
        "pkg/inner.py": "import pivot\n@pivot.stage(outs=['o'])\ndef f(): ...\n",
    }
    for line in ("from pkg import f", "from pkg.inner import f as g"):
        assert list(stages(f"import pivot\n{line}\n", more)) == ["f"]
    assert "known only by running it" in problem("import pivot\nfrom pkg import f\nf()\n", more)


SUB = """
import pivot
import stages
pipeline = pivot.Pipeline()
pipeline.register(stages.prepare, deps=["raw"], outs=["clean"])
"""


@pytest.mark.parametrize(
    "text",
    [
        "import pivot\nfrom sub.pipeline import pipeline as sub\np = pivot.Pipeline()\np.include(sub)\np.nothing()",
        "import pivot\nimport sub.pipeline\np = pivot.Pipeline()\nfor n in open('x'): p.include(sub.pipeline.pipeline)",
        "import pivot\nfrom sub import pipeline as sub\np = pivot.Pipeline(\np.include(sub)",
        "import pivot\nfrom sub import inner\np = pivot.Pipeline()\np.include(inner)\np.nothing()",
    ],
)
def test_what_an_unreadable_pipeline_imports_does_not_stand_alone(text: str) -> None:
    more = {
        "sub/__init__.py": "from .pipeline import pipeline as inner",
        "sub/pipeline.py": f"from deep.pipeline import pipeline as deep{SUB}pipeline.include(deep)",
        "deep/pipeline.py": SUB,
        "other/pipeline.py": SUB,
    }
    found = load(text, more)
    assert list(found.stages) == ["other/pipeline.py:prepare"]
    broken = {item.source: str(item.error) for item in found.problems}
    assert broken.keys() == {"pipeline.py", "deep/pipeline.py", "sub/pipeline.py"}
    assert (
        "unknown while pipeline.py, which imports it, cannot be read" in broken["deep/pipeline.py"]
    )


def test_registered_functions_are_the_stages_that_yaml_would_give() -> None:
    read = stages(
        """
        import pivot
        import stages
        from pivot import Metric, Plot
        from pivot.loaders import CSV

        RAW = "data/raw.csv"
        pipeline = pivot.Pipeline("penguins")
        pipeline.register(
            stages.prepare, deps={"raw": RAW}, outs={"clean": "data/clean.csv"},
            params={"drop": ["island"]}, mutex=["db"], timeout="2h",
        )
        pipeline.register(
            stages.train, name="fit", variant="a", deps={"data": "data/clean.csv"},
            outs={"model": {"path": "m.bin", "persist": True}}, params=["C"], frozen=True,
        )
        pipeline.register(
            stages.Tools.report, deps=["m.bin", "data/${x}"],
            outs=[pivot.Out("r.html", cache=False), Metric("m.json"), Plot("p.csv", x="a", y="b")],
        )
        """
    )
    same(
        read,
        twin(
            """
            stages:
              prepare:
                python: stages.prepare
                deps: {raw: data/raw.csv}
                outs: {clean: data/clean.csv}
                params: {drop: [island]}
                mutex: [db]
                timeout: 2h
              report:
                python: stages.Tools.report
                deps: [m.bin, "data/\\\\${x}"]
                outs: [r.html: {cache: false}]
                metrics: [m.json]
                plots: [p.csv: {x: a, y: b}]
            """
        )
        | {
            "fit@a": twin(
                """
                stages:
                  fit:
                    python: stages.train
                    deps: {data: data/clean.csv}
                    outs: {model: {path: m.bin, persist: true}}
                    params: [C]
                    frozen: true
                """
            )["fit"]
        },
    )
    assert read["prepare"].file == "pipeline.py"
    assert read["prepare"].line == 9


def test_loops_over_literals_are_unrolled() -> None:
    read = stages(
        """
        from pivot import Pipeline
        from stages import train
        KINDS = {"linear": 0.1, "forest": 2}
        p = Pipeline()
        for number, (kind, C) in enumerate(KINDS.items()):
            for fold in range(2):
                if kind == "forest" and fold:
                    continue_ = False
                else:
                    p.register(
                        train, name=f"train-{kind}", variant=str(fold),
                        deps=dict(data=f"data/{fold}.csv"), outs={"model": f"m/{kind}-{fold:02d}"},
                        params={"C": C, "all": [f for f in range(number)], "x": C * 2},
                    )
        """
    )
    assert {name: (s.outs[0].path, s.params["C"], s.params["x"]) for name, s in read.items()} == {
        "train-linear@0": ("m/linear-00", 0.1, 0.2),
        "train-linear@1": ("m/linear-01", 0.1, 0.2),
        "train-forest@0": ("m/forest-00", 2, 4),
    }
    assert read["train-forest@0"].params["all"] == [0]


def test_decorated_functions_are_stages() -> None:
    read = stages(
        """
        from pathlib import Path
        from pivot import stage
        import pivot as pv
        from more import other

        @stage(deps={"raw": "raw.csv"}, outs={"clean": "clean.csv"}, params={"n": 2})
        def prepare(raw: Path, clean: Path, n: int): ...

        @pv.stage
        def nothing(): ...

        def plain(): ...
        """,
        {"more.py": "import pivot\n@pivot.stage(name='further', outs=['f'])\ndef other(): ...\n"},
    )
    assert {name: stage.entry for name, stage in read.items()} == {
        "prepare": PythonEntry("pipeline.prepare", "pipeline", "prepare"),
        "nothing": PythonEntry("pipeline.nothing", "pipeline", "nothing"),
        "further": PythonEntry("more.other", "more", "other"),
    }
    assert read["prepare"].params == {"n": 2}


def test_typed_functions_declare_what_register_does_not_repeat() -> None:
    read = stages(
        """
        from typing import Annotated
        from pathlib import Path
        import pivot
        from pivot.loaders import CSV

        class Params(pivot.StageParams):
            C: float = 0.5
            depth: int = 3

        def fit(
            data: Annotated[Path, pivot.Dep("in.csv")], params: Params
        ) -> Annotated[dict, pivot.Metric("m.json")]: ...

        p = pivot.Pipeline("p")
        p.register(fit, params=Params(C=2.0))
        p.register(fit, variant="b", params=Params, metrics={"return": "b.json"}, deps={"data": "b"})
        """
    )
    assert [dep.path for dep in read["fit"].deps] == ["in.csv"]
    assert [(out.path, out.kind) for out in read["fit"].outs] == [("m.json", "metric")]
    assert dict(read["fit"].params) == {"C": 2.0, "depth": 3}
    assert [dep.path for dep in read["fit@b"].deps] == ["b"]


def test_included_pipelines_run_in_their_folder_under_the_names_of_the_including_one() -> None:
    more = {
        "sub/pipeline.py": "import pivot\nfrom sub.work import go\n"
        "pipeline = pivot.Pipeline('sub')\n"
        "pipeline.register(go, deps=['../in.csv'], outs=['out.csv'])\n",
        "sub/__init__.py": "",
        "sub/work.py": "def go(): ...\n",
        "alone/pipeline.py": "import pivot\nfrom alone.work import go\n"
        "p = pivot.Pipeline()\np.register(go, outs=['o'])\n",
        "alone/work.py": "def go(): ...\n",
    }
    read = stages(
        """
        import pivot
        from sub.pipeline import pipeline as sub
        main = pivot.Pipeline("main")
        main.include(sub)
        """,
        more,
    )
    assert set(read) == {"go", "alone/pipeline.py:go"}
    assert read["go"].wdir == "sub"
    assert [dep.path for dep in read["go"].deps] == ["in.csv"]
    assert [out.path for out in read["go"].outs] == ["sub/out.csv"]
    assert [out.path for out in read["alone/pipeline.py:go"].outs] == ["alone/o"]


def test_yaml_goes_before_and_modules_that_are_no_pipelines_are_left_alone() -> None:
    found = load("import pivot\npivot.Pipeline().undefined()\n", {"pivot.yaml": "stages: {}\n"})
    assert not found.stages
    assert not found.problems
    for text in ("", "class Pipeline: ...\n", "def stage(): 1 +\n", "import sklearn.pipeline\n"):
        assert load(text) == load(text)
        assert not load(text).problems
        assert not load(text).files


def test_pyproject_may_name_another_file() -> None:
    more = {
        "pyproject.toml": '[tool.pivot]\npipeline = "flows/main.py"\n',
        "flows/main.py": "import pivot\nfrom stages import train\n"
        "p = pivot.Pipeline()\np.register(train, deps={'data': 'd'}, outs={'model': 'm'})\n",
    }
    read = stages("import pivot\npivot.Pipeline().x()\n", more)
    assert set(read) == {"flows/main.py:train"}
    assert read["flows/main.py:train"].outs[0].path == "flows/m"
    more["pyproject.toml"] = '[tool.pivot]\npipeline = "flows/man.py"\n'
    assert "pyproject.toml:2: [tool.pivot] names 'flows/man.py', which is not there" in problem(
        "", more
    )
    more["pyproject.toml"] = '[tool.pivot]\npipline = "flows/main.py"\n'
    said = problem("", more)
    assert "pyproject.toml:2: [tool.pivot] has the unknown key 'pipline'; did you mean" in said


COMPUTED = """
import os
import pivot
from stages import train
p = pivot.Pipeline()
for name in os.listdir("data"):
    p.register(train, name=name, deps={"data": "d"}, outs={"model": name})
"""


def test_what_is_computed_is_asked_of_who_can_run_it() -> None:
    said = problem(COMPUTED)
    assert "pipeline.py:6" in said
    assert "known only by running it" in said
    asked = []

    def run(file: str, roots: tuple[str, ...], module: str) -> Executed:
        asked.append((file, module))
        body = {"deps": {"data": "d"}, "outs": {"model": "x"}}
        entry = Entry("a", "stages", "train", body, "pipeline.py", 7, ".")
        return Executed([entry], {"data": "listing"}, keeps=False)

    found = load(COMPUTED, run_program=run)
    assert asked == [("pipeline.py", "pipeline")]
    assert found.stages["a"].entry == PythonEntry("stages.train", "stages", "train")
    assert found.stages["a"].line == 7
    assert found.sources["data"] == "listing"
    assert not found.keeps

    def fail(*_: object) -> Executed:
        raise RunError("no module named 'pandas'")

    failed = load(COMPUTED, run_program=fail)
    assert failed.problems
    assert not failed.keeps  # it may be installed any time


CLASSES = """
from __future__ import annotations
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Optional, Union
import pydantic
@dataclass
class A:
    a: int = 1
@dataclass
class B:
    b: int = 2
    later: int = field(default_factory=int)
@dataclass
class Same:
    a: int = 1
class Open(pydantic.BaseModel):
    o: int = 1
class Judge(pydantic.BaseModel):
    kind: Literal["judge"] = "judge"
    o: int = 1
    @pydantic.field_validator("o")
    @classmethod
    def check(cls, o): return o
class Kind(pydantic.BaseModel):
    kind: Literal["kind"] = "kind"
    class Inner(pydantic.BaseModel):
        q: int = 1
    inner: Inner = Inner()
@dataclass
class P:
    one: A | B = field(default_factory=A)
    two: Union[A, Same] = field(default_factory=A)
    opened: Open | A | None = None
    judged: Judge | Kind | None = None
    optional: Optional[A] = None
    pair: tuple[A, B] = (A(), B())
    anything: Any = None
def whole(params: P): ...
def perhaps(params: P | None = None): ...
def bare(params): ...
def fields(a, other=7): ...
def later(b, later=1): ...
def arg(x: A, y: list[A] = ()): ...
def union(x: A | B): ...
"""


def with_instance(line: str) -> str:
    return (
        f"import pivot\nimport classes as c\np = pivot.Pipeline()\np.register({line}, name='s')\n"
    )


@pytest.mark.parametrize(
    ("line", "params"),
    [
        ("c.whole, params=c.P(one=c.B())", {"one": {"b": 2}}),
        ("c.whole, params=c.P(one=c.A(a=3))", {"one": {"a": 3}}),
        ("c.whole, params=c.P(judged=c.Kind(inner=c.Kind.Inner(q=2)))", {"judged": {"kind": "kind", "inner": {"q": 2}}}),
        ("c.whole, params=c.P(optional=c.A())", {"optional": {}}),
        ("c.whole, params=c.P(pair=(c.A(a=2), c.B(b=3)))", {"pair": [{"a": 2}, {"b": 3}]}),
        ("c.whole, params={'one': c.B(b=4)}", {"one": {"b": 4}}),
        ("c.whole, params=c.P", {}),
        ("c.perhaps, params=c.P(one=c.A())", {"one": {"a": 1}}),
        ("c.fields, params=c.A()", {"a": 1}),
        ("c.fields, params=c.A", {"a": 1}),
        ("c.arg, params={'x': c.A(a=2)}", {"x": {"a": 2}}),
    ],
)  # fmt: skip
def test_instances_are_mappings_that_make_them_again(line: str, params: Any) -> None:
    [stage] = stages(with_instance(line), {"classes.py": CLASSES}).values()
    given = {key: value for key, value in stage.params.items() if key not in stage.defaults}
    assert given == params


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("c.whole, params=c.A()", "params: an instance of A is given, and P is annotated (classes.py:39): another object would arrive"),
        ("c.whole, params=c.A", "params: an instance of A is given, and P is annotated"),
        ("c.whole, params=c.P(two=c.Same())", "param 'two': nothing in the values of this Same tells it from A"),
        ("c.whole, params=c.P(anything=c.A())", "param 'anything': an instance of A is given, and Any is annotated"),
        ("c.whole, params=c.P(one=c.Same())", "param 'one': an instance of Same is given, and A | B is annotated"),
        ("c.whole, params=c.P(pair=(c.B(), c.A()))", "param 'pair[0]': an instance of B is given, and A is annotated"),
        ("c.bare, params=c.A()", "params: an instance of A is given, and would arrive as a mapping"),
        ("c.arg, params={'x': c.A(), 'y': [c.A()]}", "param 'y[0]': an instance of A is given, and would arrive as a mapping"),
        ("c.union, params={'x': c.A()}", "param 'x': an instance of A is given, and A | B is annotated"),
        ("c.later, params=c.B()", "param 'later': its value is known only to the class; give it"),
        ("c.whole, params=c.P(opened=c.A(a=3))", "param 'opened': nothing in the values of this A tells it from Open"),
    ],
)  # fmt: skip
def test_instances_that_would_not_arrive_are_refused(line: str, said: str) -> None:
    found = problem(with_instance(line), {"classes.py": CLASSES})
    assert found.startswith("pipeline.py:4: stage 's': "), found
    assert said in found


@pytest.mark.parametrize(
    "line",
    [
        "setup(p)",
        "p.register(functions[0])",
        "p.register(lambda: 1, name='x')",
        "p.register(train, outs=make())",
        "p.register(train, outs=[x for x in make()])",
        "p.register(train, **options())",
        "while True: p.register(train)",
        "with open('x') as f: pass",
        "del p",
        "p.include(make())",
        "x = 1\nfor i in range(10**9): pass",
        "p.registered.append(1)",
    ],
)
def test_what_is_not_literal_is_never_guessed(line: str) -> None:
    said = problem(f"import pivot\nfrom stages import train\np = pivot.Pipeline()\n{line}\n")
    assert "known only by running it" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("p.register(train, dep=['x'])", "no setting 'dep'; did you mean 'deps'?"),
        ("p.register(train, deps=pivot.Out('x'))", "Out('x') is not a dep"),
        ("p.register(train, outs={'model': pivot.Dep('x')})", "Dep('x') is not an out"),
        ("p.register(train, deps=3)", "deps takes paths"),
        ("p.register(train, deps={'data': 'd'}, outs={'model': 'm'}, timeout='soon')", "soon"),
        ("p.register(train, params=3)", "params takes a mapping"),
        ("p.register(train, name=3)", "the name of a stage is a text"),
        ("p.register(train, name='a:b')", "cannot name a stage"),
        ("p.register(train, deps={'data': 'd'})\np.register(train, deps={'data': 'd'})",
         "two stages are named 'train'"),
        ("p.register(train, outs=['a', pivot.Out('a', cache=False)])", "listed twice"),
        ("p.register(train, outs=[pivot.PlaceholderDep()])", "placeholder"),
        ("p.register(train, frozen='yes')", "frozen"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_line(line: str, said: str) -> None:
    found = problem(f"import pivot\nfrom stages import train\np = pivot.Pipeline()\n{line}\n")
    assert said in found
    assert "pipeline.py:4" in found or "pipeline.py:5" in found


def test_a_syntax_error_is_said_with_its_line() -> None:
    assert "pipeline.py:2" in problem("import pivot\nstage(\n")
