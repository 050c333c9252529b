"""How a stage's function is found and called, and what happens with what it returns."""

from __future__ import annotations

import datetime
import json
import math
import pickle
import sys
from pathlib import Path

import pytest
from run_bench import Bench, interpreters, path, value

from pivot.run.job import Argument, Job, Save, job_from_text, job_text

# --- jobs as JSON ---------------------------------------------------------------------------


def test_a_job_survives_the_way_through_json() -> None:
    job = Job(
        stage="sub/pivot.yaml:fit@1",
        kind="python",
        root="/p",
        cwd="/p/sub",
        log="/p/log",
        module="m",
        qualname="C.f",
        arguments=(
            Argument("data", "load", ("a.csv",), loader="csv", options={"sep": ";"}),
            Argument("params", "params", value={"x": {1: "one", "!": 2}}),
        ),
        saves=(Save("out", ("o.json",), "json", {"indent": 1}),),
        roots=("/p/src",),
        env_set={"A": "1"},
        timeout=1.5,
        known=("/p/a.csv",),
    )

    assert job_from_text(job_text(job)) == job


@pytest.mark.parametrize(
    "given",
    [
        datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 1, 2, tzinfo=datetime.UTC),
        datetime.time(1, 2, 3),
        math.inf,
        -math.inf,
        b"\x00\xff",
        {2: "a", None: "b", True: "c"},
        {"!": "map"},
        {"a": [1, 1.0, True, None, "x"]},
        {1, 2},
        "\ud800",
        [],
        10**30,
    ],
    ids=repr,
)
def test_a_param_arrives_as_the_value_it_is(bench: Bench, given: object) -> None:
    outcome = bench.call(
        """
        import pickle
        def run(x):
            with open("seen", "wb") as stream:
                pickle.dump(x, stream)
        """,
        value("x", given),
    )

    assert outcome.ok
    seen = pickle.loads((bench.root / "seen").read_bytes())
    assert seen == given
    assert type(seen) is type(given)


def test_what_no_params_file_can_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        job_text(Job("s", "python", "/", "/", "/l", arguments=(value("x", object()),)))


# --- arguments ------------------------------------------------------------------------------


def test_a_path_arrives_as_path_or_as_text_where_so_annotated(bench: Bench) -> None:
    outcome = bench.call(
        """
        from pathlib import Path
        from typing import Optional
        def run(a, b: str, c: Path, d: "str", e: list[str], f: Optional[str] = None):
            assert a == Path("data/a") and isinstance(a, Path), a
            assert b == "b" and isinstance(b, str), b
            assert isinstance(c, Path), c
            assert isinstance(d, str), d
            assert e == ["e1", "e2"], e
            assert f == "f", f
        """,
        path("a", "data/a"),
        path("b", "b"),
        path("c", "c"),
        path("d", "d"),
        path("e", "e1", "e2", is_list=True),
        path("f", "f"),
    )

    assert outcome.ok, outcome.detail


def test_params_arrive_as_the_annotated_dataclass(bench: Bench) -> None:
    outcome = bench.call(
        """
        from __future__ import annotations
        from dataclasses import dataclass, field

        @dataclass
        class Inner:
            depth: int

        @dataclass
        class Params:
            C: float
            inner: Inner
            names: list = field(default_factory=list)

        def run(params: Params):
            assert params == Params(0.5, Inner(3)), params
        """,
        Argument("params", "params", value={"C": 0.5, "inner": {"depth": 3}}),
    )

    assert outcome.ok, outcome.detail


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"C": 1, "D": 2}, "param 'D': Params has no field 'D' (fields: C)"),
        ({}, "param 'C': Params needs 'C', which is no param"),
    ],
)
def test_params_that_do_not_fit_the_dataclass_are_named(
    bench: Bench, given: dict[str, int], error: str
) -> None:
    outcome = bench.call(
        """
        from dataclasses import dataclass
        @dataclass
        class Params:
            C: float
        def run(params: Params): pass
        """,
        Argument("params", "params", value=given),
    )

    assert outcome.error == error


def test_params_arrive_as_the_annotated_pydantic_model(bench: Bench) -> None:
    pytest.importorskip("pydantic")
    source = """
        from pydantic import BaseModel
        class Params(BaseModel):
            C: float
        def run(params: Params):
            assert params.C == 0.5
        """

    good = bench.call(source, Argument("params", "params", value={"C": "0.5"}))
    bad = bench.call(source, Argument("params", "params", value={"C": "much"}))

    assert good.ok, good.detail
    assert bad.error is not None
    assert "param 'C': Input should be a valid number" in bad.error


def test_params_without_annotation_are_a_mapping_and_values_stay_as_they_are(bench: Bench) -> None:
    outcome = bench.call(
        """
        def run(params, n: float, /, *, flag: str):
            assert params == {"n": 1, "flag": True}
            assert n == 1 and type(n) is int and flag is True
        """,
        Argument("params", "params", value={"n": 1, "flag": True}),
        value("n", 1),
        value("flag", True),
    )

    assert outcome.ok, outcome.detail


def test_arguments_arrive_however_the_function_is_made(bench: Bench) -> None:
    bench.write(
        "steps.py",
        """
        import functools
        from pathlib import Path

        def wrapped(function):
            @functools.wraps(function)
            def inner(*args, **kwargs):
                return function(*args, **kwargs)
            return inner

        def plain(source, /, n, *rest, flag: str, **more):
            assert (source, n, rest, flag) == (Path("in.txt"), 1, (), True), (source, n, flag)
            assert more == {"extra": 2}

        decorated = wrapped(plain)
        given = functools.partial(plain, extra=2)

        class Called:
            __name__ = "called"
            def __call__(self, source, n, flag):
                plain(source, n, flag=flag, extra=2)
        called = Called()

        def marked(source, n, flag):
            plain(source, n, flag=flag, extra=2)
        marked.owner = "me"

        def keywords(*rest, n, flag):
            assert (rest, n, flag) == ((), 1, True)

        async def later(source, n, flag):
            plain(source, n, flag=flag, extra=2)
        """,
    )
    three = (path("source", "in.txt"), value("n", 1), value("flag", True))
    taken = {
        "plain": (*three, value("extra", 2)),
        "decorated": (*three, value("extra", 2)),
        "given": three,
        "called": three,
        "marked": three,
        "keywords": three[1:],
        "later": three,
    }
    executor = bench.executor()

    ended = {
        name: bench.run(bench.job(f"steps.{name}", arguments=arguments), executor)
        for name, arguments in taken.items()
    }

    assert {name: outcome.error for name, outcome in ended.items()} == dict.fromkeys(taken)


def test_a_static_method_of_a_class_is_a_stage(bench: Bench) -> None:
    bench.write(
        "steps.py",
        """
        class Outer:
            class Inner:
                @staticmethod
                def run(x):
                    open("out", "w").write(str(x))
        """,
    )

    outcome = bench.run(bench.job("steps.Outer.Inner.run", arguments=(value("x", 7),)))

    assert outcome.ok, outcome.detail
    assert bench.read("out") == "7"


def test_an_async_function_is_run_to_its_end(bench: Bench) -> None:
    outcome = bench.call(
        """
        import asyncio
        async def run():
            await asyncio.sleep(0)
            return {"n": 1}
        """,
        saves=(Save("out", ("out.json",), "json"),),
    )

    assert outcome.ok, outcome.detail
    assert json.loads(bench.read("out.json")) == {"n": 1}


@pytest.mark.parametrize(
    "source",
    [
        "def run(): yield 1",
        "async def run(): yield 1",
        "def inner(): yield 1\nrun = lambda: inner()",
    ],
)
def test_a_generator_is_refused_since_it_would_run_nothing(bench: Bench, source: str) -> None:
    outcome = bench.call(source)

    assert not outcome.ok
    assert outcome.error is not None
    assert "'steps.run' is a generator: calling it runs nothing" in outcome.error


def test_a_missing_function_is_named(bench: Bench) -> None:
    outcome = bench.call("x = 1")

    assert outcome.error is not None
    assert "'steps' defines no 'run'" in outcome.error


def test_what_is_no_function_is_refused(bench: Bench) -> None:
    assert bench.call("run = 1").error == "'steps.run' is not a function"


def test_the_import_path_has_the_roots_first_and_not_the_worker(bench: Bench) -> None:
    bench.write("first/pkg_a.py", "where = 'first'")
    bench.write("second/pkg_a.py", "where = 'second'")
    bench.write("second/random.py", "mine = True")
    bench.write("second/loaders.py", "mine = True")
    bench.write(
        "steps.py",
        """
        import sys, random, loaders, pkg_a, __main__
        def run():
            assert pkg_a.where == "first"
            assert loaders.mine
            # what site imported before anything else could have stays, as in a plain interpreter
            assert 'coverage' in sys.modules or random.mine
            assert not any("worker" in entry for entry in sys.path), sys.path
            assert not hasattr(__main__, "__file__")
        """,
    )
    roots = tuple(str(bench.root / name) for name in ("first", "second", "."))

    for preload in (True, False):
        outcome = bench.run(bench.job(roots=roots, preload=preload))
        assert outcome.ok, outcome.detail


def test_the_working_directory_and_the_environment_are_the_stages(bench: Bench) -> None:
    (bench.root / "sub").mkdir()
    source = """
        import os
        def run():
            assert os.path.basename(os.getcwd()) == "sub"
            assert os.environ["NEW"] == "1"
            assert "HOME" not in os.environ
            assert os.environ["PIVOT_STAGE"] == "stage"
        """

    for preload in (True, False):
        outcome = bench.call(
            source,
            cwd=str(bench.root / "sub"),
            env_set={"NEW": "1"},
            env_drop=("HOME",),
            preload=preload,
        )
        assert outcome.ok, outcome.detail


def test_a_missing_working_directory_is_named(bench: Bench) -> None:
    outcome = bench.call("def run(): pass", cwd=str(bench.root / "none"))

    assert outcome.error is not None
    assert outcome.error.startswith("cannot enter the working directory")


def test_an_edit_of_the_same_second_and_size_is_what_runs(bench: Bench) -> None:
    import os

    executor = bench.executor()
    for version in ("1", "2"):
        file = bench.write("steps.py", f"def run(): open('out', 'w').write('{version}')\n")
        os.utime(file, (1_700_000_000, 1_700_000_000))
        assert bench.run(bench.job(), executor).ok
        assert bench.read("out") == version
    assert not (bench.root / "__pycache__").exists()


# --- loading and saving ---------------------------------------------------------------------

ROUND_TRIPS = [
    ("text", "'häßlich\\r\\n'"),
    ("bytes", "b'\\x00\\xff'"),
    ("json", "{'a': [1, 2.5, None, True]}"),
    ("jsonl", "[{'a': 1}, {'a': 2}]"),
    ("yaml", "{'b': [1, 'on'], 'a': 2.5}"),
    ("pickle", "{1: (2, {3})}"),
    ("joblib", "{1: (2, {3})}"),
    ("numpy", "__import__('numpy').arange(3)"),
]


@pytest.mark.parametrize(("loader", "text"), ROUND_TRIPS, ids=[name for name, _ in ROUND_TRIPS])
def test_what_is_saved_loads_as_it_was(bench: Bench, loader: str, text: str) -> None:
    for module in ("yaml", "joblib", "numpy"):
        if loader == module:
            pytest.importorskip(module)
    saved = bench.call(f"def run(): return {text}", saves=(Save("out", ("d/file",), loader),))
    loaded = bench.call(
        f"def run(x):\n    y = {text}\n    assert (x == y) if not hasattr(x, 'all') else (x == y).all(), x",
        Argument("x", "load", ("d/file",), loader=loader),
    )

    assert saved.ok, saved.detail
    assert loaded.ok, loaded.detail
    assert [entry.name for entry in (bench.root / "d").iterdir()] == ["file"]


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_a_frame_goes_through_a_text_table(bench: Bench, kind: str) -> None:
    pytest.importorskip("pandas")
    name = f"file.{kind}"
    saved = bench.call(
        "import pandas\ndef run(): return pandas.DataFrame({'a': [1, 2], 'b': ['x', 'y']})",
        saves=(Save("out", (name,)),),
    )
    loaded = bench.call(
        """
        from __future__ import annotations
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            import pandas as pd
        def run(plain, named: pd.DataFrame, rows: list):
            assert list(plain.columns) == list(named.columns) == ["a", "b"]
            assert rows == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}], rows
        """,
        *(Argument(argument, "load", (name,)) for argument in ("plain", "named", "rows")),
    )

    assert saved.ok, saved.detail
    assert loaded.ok, loaded.detail
    assert bench.read(name).splitlines()[0] == ("a,b" if kind == "csv" else "a\tb")


def test_rows_become_a_csv_file_and_options_are_passed_on(bench: Bench) -> None:
    outcome = bench.call(
        "def run(): return {'one': [{'a': 1}, {'a': 2, 'b': 3}], 'two': [[1, 2]], 'three': {'x': 1}}",
        saves=(
            Save("one", ("one.csv",), options={"delimiter": ";"}),
            Save("two", ("two.csv",)),
            Save("three", ("three.json",), "json", {"indent": None}),
        ),
    )

    assert outcome.ok, outcome.detail
    assert bench.read("one.csv") == "a;b\n1;\n2;3\n"
    assert bench.read("two.csv") == "1,2\n"
    assert bench.read("three.json") == '{"x": 1}\n'


def test_an_interpreter_without_pandas_reads_csv_as_rows(bench: Bench) -> None:
    bench.write("pandas.py", "raise ImportError('broken', name='pandas')")
    bench.write("data.csv", "a,b\n1,2\n")
    bench.write(
        "steps.py",
        "import sys\nsys.modules['pandas'] = None\ndef run(x): assert x == [{'a': '1', 'b': '2'}], x",
    )

    outcome = bench.run(bench.job(arguments=(Argument("x", "load", ("data.csv",), loader="csv"),)))

    assert outcome.ok, outcome.detail


@pytest.mark.parametrize(
    ("loader", "suffix", "package"),
    [
        ("parquet", "parquet", "pandas"),
        ("yaml", "yaml", "pyyaml"),
        ("numpy", "npy", "numpy"),
        ("joblib", "joblib", "joblib"),
    ],
)
def test_what_has_to_be_installed_for_a_loader_is_named(
    bench: Bench, loader: str, suffix: str, package: str
) -> None:
    bench.write(f"data.{suffix}", "")
    outcome = bench.call(
        "import sys\nfor name in ('pandas', 'yaml', 'numpy', 'joblib'): sys.modules[name] = None\ndef run(x): pass",
        Argument("x", "load", (f"data.{suffix}",), loader=loader),
    )

    assert outcome.error is not None
    assert "parameter 'x': " in outcome.error
    assert f"install {package}" in outcome.error


def test_numpy_values_and_dates_are_saved_as_json(bench: Bench) -> None:
    pytest.importorskip("numpy")
    outcome = bench.call(
        """
        import dataclasses, datetime, pathlib
        import numpy
        @dataclasses.dataclass
        class Point:
            x: int
        def run():
            return {"f": numpy.float32(0.5), "a": numpy.arange(2), "p": pathlib.Path("a/b"),
                    "d": datetime.date(2024, 1, 2), "s": {2, 1}, "c": Point(3)}
        """,
        saves=(Save("out", ("out.json",)),),
    )

    assert outcome.ok, outcome.detail
    assert json.loads(bench.read("out.json")) == {
        "f": 0.5, "a": [0, 1], "p": "a/b", "d": "2024-01-02", "s": [1, 2], "c": {"x": 3},
    }  # fmt: skip


def test_a_list_of_files_is_loaded_and_saved_in_order(bench: Bench) -> None:
    bench.write("a.json", "1")
    bench.write("b.json", "2")
    outcome = bench.call(
        "def run(parts): return {'out': [part * 10 for part in parts], 'n': len(parts)}",
        Argument("parts", "load", ("a.json", "b.json"), is_list=True),
        saves=(Save("out", ("c.json", "d.json"), is_list=True), Save("n", ("n.json",))),
    )

    assert outcome.ok, outcome.detail
    assert [bench.read(name).strip() for name in ("c.json", "d.json", "n.json")] == [
        "10",
        "20",
        "2",
    ]


@pytest.mark.parametrize(
    ("returned", "names", "error"),
    [
        ("None", ["a"], "'steps.run' returned nothing to save as 'a'"),
        ("3", ["a", "b"], "'steps.run' must return a mapping with 'a', 'b'; it returned int"),
        ("{'a': 1}", ["a", "b"], "'steps.run' returned no value for out 'b'"),
        ("{'a': 1, 'b': 2, 'c': 3}", ["a", "b"], "'steps.run' returned a value for 'c', which is no out that takes one ('a', 'b')"),
        ("object()", ["a"], "out 'a': cannot save object to 'a.json' as json: TypeError: object has no JSON form"),
        ("{'a': lambda: 0}", ["a"], "out 'a': cannot save function to 'a.json' as json: TypeError: function has no JSON form"),
    ],
)  # fmt: skip
def test_a_result_that_does_not_fit_the_outs_is_explained(
    bench: Bench, returned: str, names: list[str], error: str
) -> None:
    outcome = bench.call(
        f"def run(): return {returned}",
        saves=tuple(Save(name, (f"{name}.json",)) for name in names),
    )

    assert not outcome.ok
    assert outcome.error == error
    assert list(bench.root.glob("*.json")) == []
    assert list(bench.root.glob(".*tmp*")) == []


def test_what_cannot_be_pickled_is_an_error_with_the_cause(bench: Bench) -> None:
    outcome = bench.call("def run(): return lambda: 0", saves=(Save("out", ("out.pkl",)),))

    assert outcome.error is not None
    assert outcome.error.startswith("out 'out': cannot save function to 'out.pkl' as pickle: ")
    assert outcome.detail is not None
    assert "pickle" in outcome.detail


def test_a_returned_value_that_no_out_wants_is_ignored(bench: Bench) -> None:
    assert bench.call("def run(): return object()").ok


def test_the_single_out_may_be_returned_by_name_too(bench: Bench) -> None:
    assert bench.call("def run(): return {'a': 1}", saves=(Save("a", ("a.json",)),)).ok
    assert bench.read("a.json") == "1\n"


def test_an_unknown_loader_and_an_unknown_suffix_are_named(bench: Bench) -> None:
    bench.write("data.xyz", "")
    by_suffix = bench.call("def run(x): pass", Argument("x", "load", ("data.xyz",)))
    by_name = bench.call("def run(x): pass", Argument("x", "load", ("data.xyz",), loader="cvs"))

    assert by_suffix.error is not None
    assert "no loader is known for 'data.xyz'; name one: auto, bytes, csv" in by_suffix.error
    assert by_name.error is not None
    assert "there is no loader 'cvs'" in by_name.error


def test_a_file_that_does_not_load_is_named(bench: Bench) -> None:
    bench.write("data.json", "{")
    outcome = bench.call("def run(x): pass", Argument("x", "load", ("data.json",)))

    assert outcome.error is not None
    assert outcome.error.startswith(
        "parameter 'x': cannot load 'data.json' as json: JSONDecodeError: "
    )


# --- other interpreters ---------------------------------------------------------------------


@pytest.mark.parametrize("version", ["3.8", "3.12", "3.13"])
def test_other_interpreters_run_the_same_jobs(bench: Bench, version: str) -> None:
    if version not in interpreters():
        pytest.skip(f"no Python {version} here")
    executor = bench.executor(interpreters()[version])
    bench.write("helper.py", "import sys\nversion = '%d.%d' % sys.version_info[:2]")
    bench.write(
        "steps.py",
        """
        from typing import Optional
        import helper
        def run(data, where: Optional[str], n):
            print(helper.version)
            open("extra.txt").read()
            return {"version": helper.version, "data": data, "where": where, "n": n}
        def fail():
            raise ValueError("no")
        """,
    )
    bench.write("extra.txt", "x")
    bench.write("data.json", "[1]")
    arguments = (
        Argument("data", "load", ("data.json",)),
        path("where", "w"),
        value("n", datetime.date(2024, 1, 2)),
    )
    for preload in (True, False):
        job = bench.job(arguments=arguments, saves=(Save("out", ("out.json",)),), preload=preload)
        outcome = bench.run(job, executor)
        assert outcome.ok, outcome.detail
        assert outcome.observed_modules == ("helper", "steps")
        assert ("extra.txt", "r") in outcome.opened
        assert json.loads(bench.read("out.json")) == {
            "version": version, "data": [1], "where": "w", "n": "2024-01-02",
        }  # fmt: skip
        assert bench.log() == f"{version}\n"
        failed = bench.run(bench.job("steps.fail", preload=preload), executor)
        assert failed.error == "ValueError: no (steps.py:9)"
        observed = bench.run(
            bench.command(f"{interpreters()[version]} -c 'import helper; open(\"extra.txt\")'"),
            executor,
        )
        assert observed.observed_modules == ("helper",)
        assert ("extra.txt", "r") in observed.opened


def test_worker_modules_import_the_standard_library_and_each_other_alone() -> None:
    import ast

    import pivot.run

    package = Path(pivot.run.__file__).parent.parent
    ours = {"_pivot_worker", "_pivot_formats", "sitecustomize"}
    folders = (package / "run" / "worker", package / "declare" / "formats")
    for file in (file for folder in folders for file in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(), feature_version=(3, 8))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                top = name.partition(".")[0]
                assert top in sys.stdlib_module_names | ours, file
