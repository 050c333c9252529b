"""What declared artifacts are to a call: named results, folders, outs to go on with, own loaders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from run_bench import Bench, interpreters

from pivot.run.job import Argument, Job, ParamsCheck, Save


@pytest.mark.parametrize(
    "returned",
    [
        "{'a': 1, 'b': 2}",
        "Named(1, 2)",
        "Data(1, 2)",
        "{'a': 1, 'b': 2, 'left': None}",
    ],
)
def test_results_by_name(bench: Bench, returned: str) -> None:
    outcome = bench.call(
        f"""
        from dataclasses import dataclass
        from typing import NamedTuple
        class Named(NamedTuple):
            a: int
            b: int
        @dataclass
        class Data:
            a: int
            b: int
        def run():
            return {returned}
        """,
        Argument("left", "path", ("left.txt",), optional=True),
        saves=(Save("a", ("a.json",)), Save("b", ("b.json",))),
    )

    assert outcome.ok, outcome.detail
    assert (bench.read("a.json"), bench.read("b.json")) == ("1\n", "2\n")


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        ("{'a': 1}", "returned no value for out 'b'"),
        ("{'a': 1, 'b': 2, 'c': 3}", "returned a value for 'c', which is no out that takes one"),
        ("(1, 2)", "must return a mapping with 'a', 'b'; it returned tuple of 2"),
        ("None", "returned nothing to save as 'a', 'b'"),
    ],
)
def test_results_that_are_not_what_was_declared(bench: Bench, returned: str, error: str) -> None:
    saves = (Save("a", ("a.json",)), Save("b", ("b.json",)))
    outcome = bench.call(f"def run(): return {returned}", saves=saves)

    assert error in str(outcome.error)
    assert not list(bench.root.glob("*.json"))


def test_the_result_itself_may_be_a_mapping_of_its_own_name(bench: Bench) -> None:
    outcome = bench.call(
        "def run(): return {'return': 1}", saves=(Save("return", ("o.json",), "json"),)
    )
    assert outcome.ok, outcome.detail
    assert json.loads(bench.read("o.json")) == {"return": 1}


def test_the_only_field_that_is_declared_is_a_field(bench: Bench) -> None:
    save = Save("a", ("a.json",), by_name=True)
    good = bench.call("def run(): return {'a': {}}", saves=(save,))
    more = bench.call("def run(): return {'a': {}, 'n': 1}", saves=(save,))
    none = bench.call("def run(): return 1", saves=(save,))

    assert good.ok, good.detail
    assert bench.read("a.json") == "{}\n"
    assert "returned a value for 'n', which is no out" in str(more.error)
    assert "must return a mapping with 'a'" in str(none.error)


def test_a_folder_is_made_of_a_mapping(bench: Bench) -> None:
    source = """
        from pathlib import Path
        def run():
            return {"a.json": [1], Path("deep") / "b.txt": "text"}
        """
    outcome = bench.call(source, saves=(Save("return", ("out",), "auto", directory=True),))

    assert outcome.ok, outcome.detail
    assert (bench.read("out/a.json"), bench.read("out/deep/b.txt")) == ("[\n  1\n]\n", "text")


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        ("{'../x.json': 1}", "'../x.json' cannot name a file in a folder"),
        ("{'/tmp/x.json': 1}", "it is absolute"),
        ("{'': 1}", "it is empty"),
        ("{'a.json': 1, 'A.json': 2}", "differ only in case"),
        ("{'a\\n.json': 1}", "it has a control character"),
        ("{1: 1}", "it is no text"),
        ("[1]", "returns a mapping of relative paths to values for it, not list of 1"),
        ("{'a.json': object()}", "cannot save the files of 'out': TypeError: object has no JSON form"),
        ("{'a.xyz': 1}", "no loader is known"),
    ],
)  # fmt: skip
def test_names_that_leave_the_folder(bench: Bench, returned: str, error: str) -> None:
    save = Save("return", ("out",), "auto", directory=True)
    outcome = bench.call(f"def run(): return {returned}", saves=(save,))

    assert error in str(outcome.error)
    assert not (bench.root / "out").exists()
    assert not [name for name in bench.root.iterdir() if ".tmp" in name.name]


def update(**options: Any) -> tuple[Argument, Save]:
    paths = ("log.jsonl",)
    return (
        Argument("log", "update", paths, loader="jsonl", options=options),
        Save("log", paths, "jsonl", options),
    )


@pytest.mark.parametrize(
    "body",
    [
        "def run(log): log.append(len(log))",
        "def run(log): return [*log, len(log)]",
        "def run(log): return {'log': [*log, len(log)]}",
        "from pathlib import Path\ndef run(log: Path):\n    n = len(log.read_text().split()) if log.exists() else 0\n    log.open('a').write(f'{n}\\n')\n    return [*range(n + 1)]",
    ],
)  # fmt: skip
def test_an_out_to_go_on_with(bench: Bench, body: str) -> None:
    argument, save = update()
    for expected in ("0\n", "0\n1\n"):
        outcome = bench.call(body, argument, saves=(save,))
        assert outcome.ok, outcome.detail
        assert bench.read("log.jsonl") == expected


def test_beside_other_results(bench: Bench) -> None:
    argument, save = update()
    other = Save("return", ("n.json",), "json")
    outcome = bench.call("def run(log): log.append(5); return 7", argument, saves=(save, other))

    assert outcome.ok, outcome.detail
    assert (bench.read("log.jsonl"), bench.read("n.json")) == ("5\n", "7\n")


OWN = """
    import json
    class Own:
        def __init__(self, n=1): self.n = n
        def load(self, path, kind=None): return [int(path.read_text()) * self.n, kind]
        def save(self, value, path): path.write_text(str(value * self.n))
        def empty(self): return 0
    class Mute:
        def save(self, value, path): pass
    def run(x: int): return x[0]
    def start(x: int): return x + 1
    """


def test_a_loader_of_the_projects_own(bench: Bench) -> None:
    bench.write("x.txt", "2")
    own: dict[str, Any] = {"loader": "steps:Own", "options": {"n": 10}}
    done = bench.call(
        OWN, Argument("x", "load", ("x.txt",), **own), saves=(Save("return", ("y.txt",), **own),)
    )
    assert done.ok, done.detail
    assert bench.read("y.txt") == "200"

    job = bench.job(
        "steps.start",
        arguments=(Argument("x", "update", ("z.txt",), **own),),
        saves=(Save("return", ("z.txt",), **own),),
    )
    assert bench.run(job).ok
    assert bench.read("z.txt") == "10"


@pytest.mark.parametrize(
    ("loader", "options", "error"),
    [
        ("steps:Nope", {}, "there is no loader 'Nope' in 'steps'"),
        ("steps:Own", {"m": 1}, "the loader steps:Own does not take its options"),
        ("steps:Mute", {}, "the loader Mute has no `load()`"),
    ],
)
def test_own_loaders_that_do_not_work(
    bench: Bench, loader: str, options: dict[str, Any], error: str
) -> None:
    bench.write("x.txt", "2")
    outcome = bench.call(OWN, Argument("x", "load", ("x.txt",), loader=loader, options=options))
    assert error in str(outcome.error)


def test_own_loaders_that_write_nothing_or_cannot_begin(bench: Bench) -> None:
    wrote = bench.call(
        OWN.replace("x[0]", "1").replace("run(x: int)", "run()"),
        saves=(Save("return", ("y.txt",), "steps:Mute"),),
    )
    began = bench.call(OWN, Argument("x", "update", ("none.txt",), loader="steps:Mute"))

    assert "the loader steps:Mute wrote nothing" in str(wrote.error)
    assert "has no `empty()`" in str(began.error)


PARAMS = """
    import datetime, enum
    from dataclasses import dataclass, field
    from pathlib import Path
    from typing import Dict, List, Optional, Tuple, Union
    class Color(enum.Enum):
        RED = "red"
        BLUE = 2
    @dataclass
    class Inner:
        lr: float = 0.1
    @dataclass
    class Params:
        c: Color = Color.RED
        when: datetime.date = None
        at: Optional[datetime.datetime] = None
        where: Path = Path(".")
        inner: Inner = field(default_factory=Inner)
        many: List[Inner] = ()
        named: Dict[str, Inner] = None
        pair: Tuple[int, str] = None
        either: Union[int, Color, str] = 1
        n: int = 0
        x: float = 0
        def __post_init__(self):
            if self.n < 0:
                raise ValueError("n is at least 0")
    def run(params: Params):
        return repr(params)
    """


def test_params_of_every_kind_arrive(bench: Bench) -> None:
    given = {
        "c": 2, "when": "2024-02-29", "at": "2024-02-29T01:02:03", "where": "a/b",
        "inner": {"lr": 1}, "many": [{"lr": 2}], "named": {"k": {"lr": 3}}, "pair": [1, "b"],
        "either": "red", "n": 2.0, "x": 3,
    }  # fmt: skip
    outcome = bench.call(
        PARAMS, Argument("params", "params", value=given), saves=(Save("return", ("o.txt",), "text"),)
    )  # fmt: skip

    assert outcome.ok, outcome.detail
    assert bench.read("o.txt") == (
        "Params(c=<Color.BLUE: 2>, when=datetime.date(2024, 2, 29), "
        "at=datetime.datetime(2024, 2, 29, 1, 2, 3), where=PosixPath('a/b'), inner=Inner(lr=1.0), "
        "many=[Inner(lr=2.0)], named={'k': Inner(lr=3.0)}, pair=(1, 'b'), either='red', "
        "n=2, x=3.0)"
    )


def test_params_that_do_not_fit(bench: Bench) -> None:
    given = {"many": [{"lr": "x"}]}
    outcome = bench.call(PARAMS, Argument("params", "params", value=given))
    assert outcome.error == "param 'many[0].lr': takes a number, not 'x'"
    assert [item.param for item in outcome.misfits] == [("many", 0, "lr")]


def test_params_are_checked_without_a_call(bench: Bench) -> None:
    bench.write("steps.py", PARAMS.replace("return repr(params)", "open('called', 'w')"))
    checks = tuple(
        ParamsCheck(stage, "steps", "run", value)
        for stage, value in (("good", {"n": 1}), ("bad", {"n": "x"}), ("worse", {"n": -1}))
    )
    missing = ParamsCheck("missing", "none_such", "run", {})
    job = bench.job("steps.run")
    found = bench.run(Job(**{**_fields(job), "checks": (*checks, missing)}))

    assert [(item.stage, item.param) for item in found.misfits] == [("bad", ("n",)), ("worse", ())]
    assert not (bench.root / "called").exists()


def _fields(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in Job.__dataclass_fields__}


@pytest.mark.parametrize("version", ["3.8", "3.12", "3.13"])
def test_other_interpreters_without_pivot(bench: Bench, version: str) -> None:
    if version not in interpreters():
        pytest.skip(f"no Python {version} here")
    bench.write("steps.py", PARAMS + OWN.replace("def run(x: int)", "def other(x: int)"))
    argument, save = update(default=None)
    bench.write("log.jsonl", "1\n")
    job = bench.job(
        arguments=(Argument("params", "params", value={"pair": [1, "b"]}),),
        saves=(Save("return", ("out",), "auto", directory=True),),
    )
    bench.write("more.py", "def run(log): log.append(2)")
    executor = bench.executor(interpreters()[version])

    failed = bench.run(job, executor)
    again = bench.run(bench.job("more.run", arguments=(argument,), saves=(save,)), executor)

    assert "returns a mapping of relative paths" in str(failed.error)
    assert again.ok, again.detail
    assert Path(bench.root, "log.jsonl").read_text() == "1\n2\n"
