"""Pipelines in Python through the command line: read where literal, run once where not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from crashes import nobody_left_in, processes_in
from harness import Sandbox
from waiting import PATIENCE

import pivot

STAGES = """
    from pathlib import Path

    def prepare(raw: Path, clean: Path, factor: int) -> None:
        clean.write_text(raw.read_text() * factor)

    def count(data: Path, out: Path) -> None:
        out.write_text(str(len(data.read_text())))
    """
PROGRAM = """
    import pivot
    import stages

    pipeline = pivot.Pipeline("demo")
    pipeline.register(
        stages.prepare, deps={"raw": "raw.txt"}, outs={"clean": "data/clean.txt"},
        params={"factor": 3},
    )
    for name in ["a", "b"]:
        pipeline.register(
            stages.count, name=f"count-{name}", deps={"data": "data/clean.txt"},
            outs={"out": f"out/{name}.txt"},
        )
    """
TWIN = """
    stages:
      prepare:
        python: stages.prepare
        deps: {raw: raw.txt}
        outs: {clean: data/clean.txt}
        params: {factor: 3}
      count-a: {python: stages.count, deps: {data: data/clean.txt}, outs: {out: out/a.txt}}
      count-b: {python: stages.count, deps: {data: data/clean.txt}, outs: {out: out/b.txt}}
    """
DECORATED = """
    from pathlib import Path
    import pivot

    @pivot.stage(deps={"raw": "raw.txt"}, outs={"clean": "data/clean.txt"}, params={"factor": 3})
    def prepare(raw: Path, clean: Path, factor: int) -> None:
        clean.write_text(raw.read_text() * factor)
    """
COMPUTED = """
    import pivot
    import stages

    pipeline = pivot.Pipeline()
    with open("names.txt") as names:
        for name in names.read().split():
            pipeline.register(
                stages.count, name=name, deps={"data": "raw.txt"}, outs={"out": f"{name}.txt"}
            )
    with open("asked", "a") as asked:
        asked.write("x")
    """


def made(root: Path, files: dict[str, str]) -> Sandbox:
    return Sandbox(root).write({"raw.txt": "hello\n", "stages.py": STAGES, **files})


def listed(project: Sandbox) -> list[dict[str, object]]:
    """What `list --json` says, but for where it is said."""
    stages = project.run("list", "--json").ended(0).json["stages"]
    return [{key: stage[key] for key in stage if key not in ("file", "line")} for stage in stages]


def test_a_pipeline_in_python_is_its_yaml_twin(tmp_path: Path) -> None:
    program = made(tmp_path / "program", {"pipeline.py": PROGRAM})
    twin = made(tmp_path / "twin", {"pivot.yaml": TWIN})
    for project in (program, twin):
        assert project.ran() == {"prepare", "count-a", "count-b"}
        assert project.repro() == {}.fromkeys(("prepare", "count-a", "count-b"), "fresh")
    assert listed(program) == listed(twin)
    for name in ("prepare", "count-a", "count-b"):
        assert program.lock(name) == twin.lock(name)
    for project in (program, twin):
        project.edit("stages.py", "* factor", "* factor * 1")
    told = [project.run("explain", "prepare").ended(0).stdout for project in (program, twin)]
    assert told[0] == told[1]
    assert "stages.py" in told[0]
    names = [project.run("status", "--json").ended(0).json for project in (program, twin)]
    assert names[0] == names[1]


def test_only_the_stages_that_an_edit_of_the_pipeline_concerns_run(tmp_path: Path) -> None:
    project = made(tmp_path / "p", {"pipeline.py": PROGRAM})
    project.repro()
    project.append("pipeline.py", "# a remark\n")
    assert project.stale() == set()
    project.edit("pipeline.py", '"b"]', '"b", "c"]')
    assert project.ran() == {"count-c"}
    project.edit("pipeline.py", '"factor": 3', '"factor": 4')
    assert project.reasons("prepare") == {("params", "factor")}
    project.edit("pipeline.py", '"factor": 4', '"factor": 3')
    project.edit("pipeline.py", 'f"out/{name}.txt"', 'f"out/{name}.dat"')
    assert project.ran() == {"count-a", "count-b", "count-c"}


def test_decorators_say_nothing_of_what_a_function_does(tmp_path: Path) -> None:
    project = made(tmp_path / "decorated", {"pipeline.py": DECORATED})
    assert project.ran() == {"prepare"}
    lock = project.lock("prepare")
    twin = made(
        tmp_path / "twin",
        {
            "pivot.yaml": "stages:\n  prepare: {python: pipeline.prepare, deps: {raw: raw.txt}, "
            "outs: {clean: data/clean.txt}, params: {factor: 3}}\n",
            "pipeline.py": DECORATED.replace("import pivot\n", "").replace("@pivot", "# "),
        },
    )
    assert twin.ran() == {"prepare"}
    assert twin.lock("prepare") == lock
    project.edit("pipeline.py", '"factor": 3', '"factor": 5')
    assert project.reasons("prepare") == {("params", "factor")}
    project.edit("pipeline.py", "raw.read_text()", "raw.read_text().upper()")
    assert {kind for kind, _ in project.reasons("prepare")} == {"params", "code"}


def test_what_is_computed_is_run_once_until_something_it_used_changes(tmp_path: Path) -> None:
    project = made(tmp_path / "p", {"pipeline.py": COMPUTED, "names.txt": "one two\n"})
    assert project.ran() == {"one", "two"}
    project.run("status").ended(0)
    project.run("repro").ended(0)
    project.write({"pivot.local": "", "sub/pivot.yaml": "stages: {s: {cmd: echo}}\n"})
    assert set(project.states()) == {"one", "two", "sub/pivot.yaml:s"}
    assert project.read("asked") == "x"
    project.write({"names.txt": "one three\n"})
    assert set(project.states()) == {"one", "three", "sub/pivot.yaml:s"}
    assert project.read("asked") == "xx"
    project.edit("pipeline.py", 'f"{name}.txt"', 'f"{name}.dat"')
    assert project.stale("one") == {"one"}
    assert project.read("asked") == "xxx"


def test_values_of_stages_that_are_known_by_running_are_shown_as_of_those_that_are_read(
    tmp_path: Path,
) -> None:
    read = made(tmp_path / "read", {"pipeline.py": PROGRAM})
    run = made(
        tmp_path / "run",
        {"pipeline.py": PROGRAM.replace('["a", "b"]', "open('names.txt')"), "names.txt": "a"},
    )
    shown = [project.run("params", "show", "--json").ended(0).json for project in (read, run)]
    assert shown[0] == shown[1]
    assert pivot.params(project=read.root) == pivot.params(project=run.root)
    assert pivot.params(project=run.root) == {"pipeline.py": {"prepare": {"factor": 3}}}


def test_an_included_pipeline_comes_to_no_life_of_its_own(tmp_path: Path) -> None:
    root = """
        import pivot
        from sub.pipeline import pipeline as sub

        pipeline = pivot.Pipeline()
        pipeline.include(sub)
        for name in sorted(open("names.txt")):
            pass
        """
    sub = """
        import pivot
        import stages

        pipeline = pivot.Pipeline()
        pipeline.register(stages.count, deps={"data": "../raw.txt"}, outs={"out": "out.txt"})
        """
    files = {"pipeline.py": root, "sub/pipeline.py": sub, "names.txt": "one\n"}
    project = made(tmp_path / "p", files)
    assert project.ran() == {"count"}
    project.commit()
    for line in (["verify", "--rev", "HEAD"], ["status", "--rev", "HEAD"], ["impact", "HEAD"]):
        told = project.run(*line)
        assert "sub/pipeline.py:count" not in told.stdout
        assert "pipeline.py:6: its stages are known only by running it" in told.stderr + told.stdout
    locks = project.git("ls-files", ".pivot/stages")
    project.edit("pipeline.py", "include(sub)", "include(subs)")
    told = project.run("repro", cwd="sub").ended(2)
    assert "its stages are unknown while pipeline.py, which imports it" in told.stderr
    project.run("repro", "sub/pipeline.py:count").ended(2)
    assert project.run("list", "--json").ended(2).json == {"stages": []}
    assert project.git("ls-files", "-co", ".pivot/stages") == locks


def test_a_stage_is_where_it_is_written(tmp_path: Path) -> None:
    root = """
        import pivot
        from features import feature
        from sub.pipeline import pipeline as sub

        pipeline = pivot.Pipeline()
        pipeline.include(sub)
        """
    sub = """
        import pivot
        import stages

        pipeline = pivot.Pipeline()
        pipeline.register(stages.count, deps={"data": "../raw.txt"}, outs={"out": "out.txt"})
        """
    features = """
        import pivot

        @pivot.stage(deps={"raw": "raw.txt"}, outs={"out": "feature.txt"})
        def feature(raw, out):
            out.write_text(raw.read_text())
        """
    files = {"pipeline.py": root, "sub/pipeline.py": sub, "features.py": features}
    for kind, more in (("read", ""), ("run", "for line in open('raw.txt'): pass\n")):
        project = made(tmp_path / kind, files)
        project.write({"pipeline.py": project.read("pipeline.py") + more})
        places = {
            stage["name"]: f"{stage['file']}:{stage['line']}"
            for stage in project.run("list", "--json").ended(0).json["stages"]
        }
        line = {"read": 4, "run": 3}[kind]  # of the function, of the decorator
        assert places == {"count": "sub/pipeline.py:5", "feature": f"features.py:{line}"}
        judged = project.run("status", "--json").ended(0).json["stages"]
        cited = {(stage["reasons"][0]["file"], stage["reasons"][0]["line"]) for stage in judged}
        assert cited == {("sub/pipeline.py", 5), ("features.py", line)}
        project.edit("sub/pipeline.py", "../raw.txt", "../none.txt")
        assert "sub/pipeline.py:5: stage 'count' needs" in project.run("repro").ended(2).stderr
        project.edit("sub/pipeline.py", "../none.txt", "../raw.txt")
        project.edit("features.py", '"out"', '"outt"')
        assert f"features.py:{line}: stage 'feature'" in project.run("repro").ended(2).stderr
        project.edit("features.py", '"outt"', '"out"')
        project.edit("features.py", "stage(", "stage(name='count', ")
        told = project.run("list").ended(2).stderr
        assert f"features.py:{line}: two stages are named 'count'" in told
        assert "(the first at sub/pipeline.py:5)" in told


VALUES = """
    import datetime as dt
    from pathlib import Path
    import pivot

    class P(pivot.StageParams):
        day: dt.date
        at: dt.datetime
        hour: dt.time
        first: dt.date = dt.date(2024, 1, 1)
        pair: tuple[int, int] = (1, 2)
        names: set[int] = set()

    def typed(params: P, out: Path) -> None:
        out.write_text(repr(params.model_dump()))

    def plain(out: Path, day, keys, pair, names, odd) -> None:
        out.write_text(repr((day, keys, pair, names, odd)))
    """
GIVEN = """
    import datetime
    import datetime as dt
    import pivot
    import values

    pipeline = pivot.Pipeline("demo")
    if WHERE:
        pipeline.register(
            values.typed,
            outs={"out": "typed.txt"},
            params=values.P(
                day=dt.date(2024, 2, 2), at=dt.datetime(2024, 2, 2, 3, 4), hour=dt.time(3, 4),
                pair=(3, 4), names={2, 1},
            ),
        )
        pipeline.register(
            values.plain,
            outs={"out": "plain.txt"},
            params={
                "day": datetime.date(year=2024, month=2, day=2), "keys": {1: 2, 2.5: {None: True}},
                "pair": (1, (2,)), "names": {"b", "a"}, "odd": float("nan"),
            },
        )
    """
GIVEN_TWIN = """
    stages:
      typed:
        python: values.typed
        outs: {out: typed.txt}
        params:
          day: 2024-02-02
          at: 2024-02-02 03:04:00
          hour: 03:04:00
          pair: [3, 4]
          names: [1, 2]
      plain:
        python: values.plain
        outs: {out: plain.txt}
        params:
          day: 2024-02-02
          keys: {1: 2, 2.5: {null: true}}
          pair: [1, [2]]
          names: [a, b]
          odd: .nan
    """


def test_values_are_those_of_yaml_whether_a_pipeline_is_read_or_run(tmp_path: Path) -> None:
    read = made(tmp_path / "read", {"pipeline.py": GIVEN.replace("WHERE", "True")})
    run = made(tmp_path / "run", {"pipeline.py": GIVEN.replace("WHERE", "open('raw.txt').read()")})
    twin = made(tmp_path / "twin", {"pivot.yaml": GIVEN_TWIN})
    for project in (read, run, twin):
        project.write({"values.py": VALUES})
        assert project.ran() == {"typed", "plain"}
        assert project.repro() == {"typed": "fresh", "plain": "fresh"}
    arrived = "(datetime.date(2024, 2, 2), {1: 2, 2.5: {None: True}}, [1, [2]], ['a', 'b'], nan)"
    assert run.read("plain.txt") == arrived
    said = [str(listed(project)) for project in (read, run, twin)]
    assert said[0] == said[1] == said[2]
    for name in ("typed", "plain"):
        locks = [str(project.lock(name)) for project in (read, run, twin)]
        assert locks[0] == locks[1] == locks[2]
        outs = [project.read(f"{name}.txt") for project in (read, run, twin)]
        assert outs[0] == outs[1] == outs[2]


@pytest.mark.parametrize("when", ["True", "open('raw.txt').read()"])
def test_a_value_that_yaml_has_no_form_for_is_refused(tmp_path: Path, when: str) -> None:
    program = f"""
        import pivot
        import values

        pipeline = pivot.Pipeline("demo")
        if {when}:
            pipeline.register(values.plain, params={{"day": {{"x": [b"1"]}}}})
        """
    project = made(tmp_path / "p", {"pipeline.py": program, "values.py": VALUES})
    said = project.run("repro").ended(2).stderr
    assert "stage 'plain'" in said
    assert "pipeline.py:6" in said
    assert "x takes plain values, not b'1'" in said


MODELS = """
    from pathlib import Path
    from typing import Annotated, Literal
    import pydantic
    import pivot

    class Ridge(pivot.StageParams):
        kind: Literal["ridge"] = "ridge"
        alpha: float = 1.0

    class Lasso(pivot.StageParams):
        kind: Literal["lasso"] = "lasso"
        alpha: float = pydantic.Field(1.0, alias="a")

    class P(pivot.StageParams):
        model: Ridge | Lasso = Ridge()
        tagged: Annotated[Ridge | Lasso, pydantic.Field(discriminator="kind")] = Ridge()
        more: list[Ridge | Lasso] = []
        other: dict[str, Lasso] = {}

    class Sub(P):
        depth: int = 5

    def fit(params: P, out: Path) -> None:
        out.write_text(repr(params))
    """
FITS = """
    import pivot
    from models import Lasso, P, Ridge, Sub, fit

    pipeline = pivot.Pipeline("demo")
    if WHERE:
        pipeline.register(
            fit,
            outs={"out": "fit.txt"},
            params=P(
                model=Lasso(a=0.3), tagged=Lasso(), more=[Ridge(alpha=2.0), Lasso()],
                other={"x": Lasso(a=0.5)},
            ),
        )
    """
ARRIVED = (
    "P(model=Lasso(kind='lasso', alpha=0.3), tagged=Lasso(kind='lasso', alpha=1.0), "
    "more=[Ridge(kind='ridge', alpha=2.0), Lasso(kind='lasso', alpha=1.0)], "
    "other={'x': Lasso(kind='lasso', alpha=0.5)})"
)


@pytest.mark.parametrize("when", ["True", "open('raw.txt').read()"])
def test_instances_arrive_as_what_they_were(tmp_path: Path, when: str) -> None:
    program = FITS.replace("WHERE", when)
    project = made(tmp_path / "p", {"pipeline.py": program, "models.py": MODELS})
    assert project.ran() == {"fit"}
    assert project.read("fit.txt") == ARRIVED
    [stage] = listed(project)
    assert stage["inline_params"] == project.lock("fit")["params"] == {
        "model": {"kind": "lasso", "a": 0.3},
        "tagged": {"kind": "lasso"},
        "more": [{"kind": "ridge", "alpha": 2.0}, {"kind": "lasso"}],
        "other": {"x": {"a": 0.5}},
    }  # fmt: skip
    project.edit("pipeline.py", "tagged=Lasso()", "tagged=Ridge()")
    assert project.reasons("fit") == {("params", "tagged.kind")}
    project.edit("pipeline.py", "tagged=Ridge()", "tagged=Lasso()")
    assert project.stale() == set()
    # another class than the annotated one, until it is the annotated one
    project.edit("pipeline.py", "params=P(", "params=Sub(")
    said = project.run("repro").ended(2).stderr
    assert "pipeline.py:6: stage 'fit': params: an instance of Sub is given, and P is " in said
    assert "(models.py:23): another object would arrive" in said
    project.edit("models.py", "params: P", "params: Sub")
    assert project.ran() == {"fit"}
    assert project.read("fit.txt") == f"Sub{ARRIVED[1:-1]}, depth=5)"


def test_decorators_take_instances(tmp_path: Path) -> None:
    program = """
        from pathlib import Path
        import pivot
        from models import Lasso, P

        @pivot.stage(outs={"out": "o.txt"}, params=P(model=Lasso()))
        def own(params: P, out: Path) -> None:
            out.write_text(repr(params.model))
        """
    project = made(tmp_path / "p", {"pipeline.py": program, "models.py": MODELS})
    assert project.ran() == {"own"}
    assert project.read("o.txt") == "Lasso(kind='lasso', alpha=1.0)"


def test_an_instance_that_its_fields_do_not_make_again_is_refused(tmp_path: Path) -> None:
    models = """
        from dataclasses import dataclass
        from pathlib import Path

        @dataclass
        class Twice:
            x: int = 1

            def __post_init__(self) -> None:
                self.x *= 2

        def fit(params: Twice, out: Path) -> None:
            out.write_text(repr(params))
        """
    program = """
        import pivot
        import models

        pipeline = pivot.Pipeline("demo")
        if True:
            pipeline.register(models.fit, outs={"out": "o.txt"}, params=models.Twice(x=3))
        """
    project = made(tmp_path / "p", {"pipeline.py": program, "models.py": models})
    assert project.ran() == {"fit"}
    assert project.read("o.txt") == "Twice(x=6)"
    project.edit("pipeline.py", "if True", "if open('raw.txt').read()")
    said = project.run("repro").ended(2).stderr
    assert "stage 'fit' (pipeline.py:6): Twice makes other values of its fields" in said


def test_variables_that_decide_about_stages_are_asked_each_time(tmp_path: Path) -> None:
    text = COMPUTED.replace('open("names.txt") as names', "open('raw.txt')").replace(
        "names.read().split()", '__import__("os").environ["NAMES"].split()'
    )
    text = text.replace('__import__("os")', "os").replace(
        "import pivot", "import os\n    import pivot"
    )
    project = made(tmp_path / "p", {"pipeline.py": text})
    for names in ("a", "a b", "a"):
        stages = project.run("list", "--json", env={"NAMES": names}).ended(0).json["stages"]
        assert [stage["name"] for stage in stages] == names.split()
    assert "KeyError: 'NAMES'" in project.run("list").ended(2).stderr


def test_a_pipeline_that_does_not_end_is_told_and_ends_with_the_command(tmp_path: Path) -> None:
    endless = """
        import pivot, time
        pipeline = pivot.Pipeline()
        while True:
            time.sleep(1)
        """
    project = made(tmp_path / "p", {"pipeline.py": endless})
    listing = project.start("list")
    assert listing.stderr is not None
    told = listing.stderr.readline()
    assert told == "pipeline.py is being run, to know its stages (10 minutes at most)\n"
    assert processes_in(project.root)
    listing.kill()
    listing.communicate(timeout=PATIENCE)
    nobody_left_in(project.root)


def test_nothing_is_run_to_look_at_a_revision(tmp_path: Path) -> None:
    project = made(tmp_path / "p", {"pipeline.py": COMPUTED, "names.txt": "one\n"})
    project.repro()
    project.commit()
    project.remove("asked")
    told = project.run("status", "--rev", "HEAD")
    assert "known only by running it" in told.stderr + told.stdout
    assert not project.has("asked")
    literal = made(tmp_path / "q", {"pipeline.py": PROGRAM})
    literal.repro()
    literal.commit()
    assert "up to date" in literal.run("status", "--rev", "HEAD").ended(0).stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import pivot\nraise ValueError('no')\np = pivot.Pipeline()\n", "pipeline.py:2: running it failed: ValueError: no"),
        ("import pivot\nclass P(pivot.StageParams):\n    a: int = 1\n    b: int = 2\nopen('raw.txt')\np = P(\n    a='x', c=3)\nstages = pivot.Pipeline()\nstages.register(print, params=p)\n", "pipeline.py:6: running it failed: P does not accept these values: a: Input should be a valid integer, unable to parse string as an integer; c: Extra inputs are not permitted"),
        ("import pivot\nimport nowhere\np = pivot.Pipeline()\np.register(nowhere.f)\n", "pipeline.py:2: running it failed: ModuleNotFoundError"),
        ("import pivot\np = pivot.Pipeline()\np.register(lambda: 1, name='x')\n", "a function that can be imported by name"),
        ("import pivot\np = pivot.Pipeline()\np.register(\n", "pipeline.py:3"),
        ("import pivot\np = pivot.Pipeline(3)\n", "the name of a pipeline is a text"),
        ("import pivot\nimport stages\np = pivot.Pipeline()\np.register(stages.cont)\n", "stages"),
        ("import pivot\nimport stages\np = pivot.Pipeline()\np.register(stages.count, dep=['x'])\n", "did you mean 'deps'?"),
        ("import pivot\nimport stages\np = pivot.Pipeline()\np.register(stages.count, deps={'dat': 'x'}, outs={'out': 'y'})\n", "dat"),
        ("import pivot\nimport sys\np = pivot.Pipeline()\nsys.exit(3)\n", "SystemExit"),
        ("import pivot\nimport os\np = pivot.Pipeline()\nos._exit(3)\n", "exit code 3"),
        ("import pivot\np = pivot.Pipeline()\np.include(p, p)\n", "include"),
        ("import pivot\np = pivot.Pipeline()\np.include(p)\n", "pipeline.py:3: a pipeline cannot include itself"),
        ("import pivot\np = pivot.Pipeline()\nq = pivot.Pipeline()\np.include(q)\nq.include(p)\n", "pipeline.py:5: a pipeline cannot include itself, nor one that includes it"),
        ("import pivot\np = pivot.Pipeline()\nif open('raw.txt').read(): p.include(p)\n", "pipeline.py:3: running it failed: ValueError: a pipeline cannot include itself"),
        ("import pivot\nimport stages\np = pivot.Pipeline()\nfor n in open('raw.txt'): p.register(stages.count, name=n.strip(), outs=object())\n", "outs takes paths"),
    ],
)  # fmt: skip
def test_a_wrong_pipeline_is_one_message(tmp_path: Path, text: str, said: str) -> None:
    project = made(tmp_path / "p", {"pipeline.py": text})
    before = project.contents()
    ended = project.run("repro").ended(2)
    assert said in ended.stderr, ended
    assert "Traceback" not in ended.stderr
    assert project.contents() == before


def test_freezing_points_to_the_place_and_export_leaves_the_pipeline_in_charge(
    tmp_path: Path,
) -> None:
    project = made(tmp_path / "p", {"pipeline.py": PROGRAM})
    project.repro()
    assert "frozen=True" in project.run("freeze", "prepare").ended(2).stderr
    project.run("export").ended(0)
    assert project.has("dvc.yaml")
    assert {stage["file"] for stage in project.run("list", "--json").json["stages"]} == {
        "pipeline.py"
    }
    assert json.loads(project.run("dag", "--json").ended(0).stdout)["edges"]


def test_a_run_with_nothing_to_do_imports_nothing_of_the_user(tmp_path: Path) -> None:
    program = "open('ran', 'w')\n" + "\n".join(line[4:] for line in PROGRAM.splitlines())
    project = made(tmp_path / "p", {"pipeline.py": program.replace("open('ran', 'w')\n", "")})
    project.repro()
    marks = {"sitecustomize.py": "", "stages.py": STAGES}
    project.write(marks)
    traced = project.run("repro", env={"PYTHONPROFILEIMPORTTIME": "1"}).ended(0)
    imported = {line.rpartition("|")[2].strip() for line in traced.stderr.splitlines()}
    assert "pipeline" not in imported
    assert "stages" not in imported
    assert not {"pandas", "yaml", "typer", "pydantic"} & imported


def test_all_styles_work_together_across_subfolders(tmp_path: Path) -> None:
    project = made(
        tmp_path / "mixed",
        {
            "pipeline.py": PROGRAM,
            "typed/pivot.yaml": "stages: {double: {python: typed_stages.double}}\n",
            "typed/typed_stages.py": """
                from pathlib import Path
                from typing import Annotated
                import pivot
                from pivot.loaders import JSON

                def double(
                    count: Annotated[Path, pivot.Dep("../out/a.txt")],
                ) -> Annotated[dict, pivot.Metric("doubled.json", JSON())]:
                    return {"doubled": 2 * int(count.read_text())}
                """,
            "report/pipeline.py": """
                import pivot

                @pivot.stage(deps=["../typed/doubled.json"], outs=["report.txt"])
                def report() -> None:
                    with open("../typed/doubled.json") as source, open("report.txt", "w") as out:
                        out.write(source.read())
                """,
        },
    )
    names = {
        "prepare",
        "count-a",
        "count-b",
        "typed/pivot.yaml:double",
        "report/pipeline.py:report",
    }
    assert project.ran("-P") == names
    assert json.loads(project.read("report/report.txt")) == {"doubled": 36}
    assert set(project.repro("-P").values()) == {"fresh"}
    project.edit("stages.py", "len(data.read_text())", "len(data.read_text()) + 1")
    assert project.ran("-P") == names - {"prepare"}
