"""What a stage may ask for: flags of outs, environment, limits, values, code policies."""

from __future__ import annotations

import json
import os
import shutil
import venv

import pytest
from harness import Sandbox


def one(project: Sandbox, body: str, **files: str) -> Sandbox:
    """A project of one stage `a`, `body` being its definition."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    project.write({"pivot.yaml": f"stages:\n  a:\n{lines}"})
    return project.write({name.replace("_py", ".py"): text for name, text in files.items()})


# --- outs


def test_a_metric_that_was_an_out_does_not_run_again(project: Sandbox) -> None:
    one(project, "python: m.f\nouts: {o: o.json}", m_py="def f(o):\n    o.write_text('{}')\n")
    project.repro()
    project.edit("pivot.yaml", "outs:", "metrics:")
    assert project.repro() == {"a": "fresh"}
    project.edit("pivot.yaml", "{o: o.json}", "{o: {path: o.json, cache: false}}")
    assert project.repro() == {"a": "fresh"}


def test_outs_outside_the_cache_are_kept_too(project: Sandbox) -> None:
    one(project, "cmd: echo ${n} > o\nouts: [{o: {cache: false}}]").write({"params.yaml": "n: 1\n"})
    project.repro()
    assert not project.has(".gitignore")
    project.write({"params.yaml": "n: 2\n"})
    assert project.repro() == {"a": "ran"}
    project.write({"params.yaml": "n: 1\n"})
    assert project.repro() == {"a": "restored"}
    assert project.read("o") == "1\n"


def test_persist_keeps_the_previous_out(project: Sandbox) -> None:
    one(project, "cmd: echo x >> o; echo ${n}\nouts: [{o: {persist: true}}]")
    project.write({"params.yaml": "n: 1\n"}).repro()
    project.write({"params.yaml": "n: 2\n"}).repro()
    assert project.read("o") == "x\nx\n"


def test_an_out_that_does_not_persist_is_gone_before_the_stage(project: Sandbox) -> None:
    one(project, "cmd: test ! -e o && echo ${n} > o\nouts: [o]").write({"params.yaml": "n: 1\n"})
    project.repro()
    project.write({"params.yaml": "n: 2\n"})
    assert project.repro() == {"a": "ran"}


def test_resume_keeps_the_checkpoint_of_a_failure(project: Sandbox) -> None:
    one(
        project,
        "cmd: echo x >> steps; test $(wc -l < steps) -ge 2 && echo done > o\n"
        "outs: [o, {steps: {resume: true}}]",
    )
    project.run("repro").ended(1)
    assert project.read("steps") == "x\n"
    assert project.repro() == {"a": "ran"}
    assert project.read("steps") == "x\nx\n"


def test_folders_are_outs(project: Sandbox) -> None:
    one(
        project,
        "cmd: mkdir -p d/e && echo ${n} > d/one && echo b > d/e/two\nouts: [d]",
    ).write({"params.yaml": "n: 1\n"})
    project.repro()
    project.write({"params.yaml": "n: 2\n"}).repro()
    project.write({"params.yaml": "n: 1\n"})
    assert project.repro() == {"a": "restored"}
    assert project.contents("d") == {"d/one": b"1\n", "d/e/two": b"b\n"}
    project.remove("d/e/two")
    assert project.reasons("a") == {("out", "d")}


# --- when a stage runs


def test_always_changed(project: Sandbox) -> None:
    one(project, "cmd: echo x > o\nouts: [o]\nalways_changed: true")
    assert [project.repro()["a"] for _ in range(2)] == ["ran", "ran"]
    assert project.reasons("a") == {("always", "a")}


def test_a_frozen_stage_takes_no_part(project: Sandbox) -> None:
    one(project, "cmd: echo ${n} > o\nouts: [o]\nfrozen: true").write({"params.yaml": "n: 1\n"})
    assert project.repro() == {"a": "fresh"}
    assert not project.has("o")
    assert project.states() == {"a": "unknown"}  # what it should have made is nowhere


def test_tracked_variables(project: Sandbox) -> None:
    one(project, "cmd: echo $LEVEL $MODE > o\nouts: [o]\nenv: [LEVEL]").env = {"LEVEL": "1"}
    project.repro()
    assert project.read("o").strip() == "1"
    assert project.run("status", env={"LEVEL": "2"}).stdout.startswith("a  WILL RUN  env LEVEL")
    assert "LEVEL" in json.dumps(project.lock("a"))
    project.env = {"LEVEL": "secret-value"}
    project.repro()
    assert "secret-value" not in json.dumps(project.lock("a"))
    assert "secret-value" not in project.run("fingerprint", "show").stdout
    project.env = {"LEVEL": "1", "MODE": "loud"}
    assert project.repro() == {"a": "restored"}
    project.edit("pivot.yaml", "env: [LEVEL]", "env: {LEVEL: 3, MODE: set}")
    assert project.repro() == {"a": "ran"}
    assert project.read("o") == "3 set\n"


def test_wdir(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
                stages:
                  a: {cmd: cp in.txt out.txt, wdir: sub, deps: [in.txt], outs: [out.txt]}
                  b:
                    python: m.f
                    wdir: sub
                    deps: {data: out.txt}
                    outs: {o: deep/o.txt}
                """,
            "m.py": "def f(data, o):\n    o.write_text(f'{data} {o} {data.read_text()}')\n",
            "sub/in.txt": "1\n",
        }
    )
    project.repro()
    assert project.read("sub/deep/o.txt") == "out.txt deep/o.txt 1\n"
    assert project.read("sub/.gitignore") == "/out.txt\n"


# --- limits


def busy(project: Sandbox, extra: str, work: str = "sleep 0.2") -> int:
    """How many of four stages did `work` at the same time, each asking for `extra`."""
    stage = f"sh -c 'echo + >> trace; {work}; echo - >> trace; echo x > {{0}}'"
    stages = "".join(
        f"  {name}:\n    cmd: {stage.format(name)}\n    outs: [{name}]\n    {extra}\n"
        for name in "abcd"
    )
    project.write({"pivot.yaml": f"stages:\n{stages}"})
    project.run("repro", "-j", "4", "-f").ended(0)
    most = now = 0
    for sign in project.read("trace").split():
        now += 1 if sign == "+" else -1
        most = max(most, now)
    return most


def test_stages_run_side_by_side_unless_a_mutex_or_a_resource_forbids(project: Sandbox) -> None:
    all_there = "while [ $(grep -c + trace) -lt 4 ]; do sleep 0.01; done"
    assert busy(project, "desc: free", all_there) == 4
    project.remove("trace")
    assert busy(project, "mutex: [db]") == 1
    project.remove("trace")
    project.run("config", "set", "core.resources", "gpu=2").ended(0)
    assert busy(project, "resources: {gpu: 1}") <= 2


def test_a_timeout_ends_the_stage_and_what_it_started(project: Sandbox) -> None:
    one(project, "cmd: sh -c 'sleep 600 & echo $! > pid; wait'\nouts: [o]\ntimeout: 0.5")
    result = project.run("repro").ended(1)
    assert "timed out" in result.stderr or "timeout" in result.stderr, result
    with pytest.raises(ProcessLookupError):
        os.kill(int(project.read("pid")), 0)


# --- values


def test_list_values_arrive_as_lists(project: Sandbox) -> None:
    one(
        project,
        "python: m.join\ndeps: {parts: [a.txt, b.txt]}\nouts: {whole: o.txt}",
        m_py="""
        def join(parts, whole):
            assert isinstance(parts, list)
            whole.write_text("".join(part.read_text() for part in parts))
        """,
    ).write({"a.txt": "1\n", "b.txt": "2\n"})
    project.repro()
    assert project.read("o.txt") == "1\n2\n"
    project.append("b.txt", "3\n")
    assert project.reasons("a") == {("dep", "b.txt")}


def test_loaders_and_returned_values(project: Sandbox) -> None:
    one(
        project,
        """
python: m.f
deps: {table: {path: in.json, loader: json}}
outs: {total: {path: total.json, loader: json}, note: {path: note.txt, loader: text}}
""",
        m_py="""
        def f(table):
            return {"total": {"sum": sum(table)}, "note": "done"}
        """,
    ).write({"in.json": "[1, 2, 3]"})
    project.repro()
    assert project.json("total.json") == {"sum": 6}
    assert project.read("note.txt").strip() == "done"


@pytest.mark.parametrize(
    "code",
    [
        "def f(params, o):\n    o.write_text(f\"{params['rate']} {params['deep']['n']}\")\n",
        """
        from dataclasses import dataclass

        @dataclass
        class Deep:
            n: int

        @dataclass
        class Params:
            rate: float
            deep: Deep

        def f(params: Params, o):
            o.write_text(f"{params.rate} {params.deep.n}")
        """,
        """
        from pydantic import BaseModel

        class Deep(BaseModel):
            n: int

        class Params(BaseModel):
            rate: float
            deep: Deep

        def f(params: Params, o):
            o.write_text(f"{params.rate} {params.deep.n}")
        """,
        "def f(rate, deep, o):\n    o.write_text(f\"{rate} {deep['n']}\")\n",
    ],
    ids=["dict", "dataclass", "pydantic", "by name"],
)
def test_params_arrive_as_the_function_wants_them(project: Sandbox, code: str) -> None:
    one(
        project,
        'python: m.f\nparams: {rate: "${rate}", deep: "${deep}"}\nouts: {o: o}',
        m_py=code,
    ).write({"params.yaml": "rate: 0.5\ndeep: {n: 3}\n"})
    project.repro()
    assert project.read("o") == "0.5 3"
    project.edit("params.yaml", "n: 3", "n: 4")
    assert project.repro() == {"a": "ran"}
    assert project.read("o") == "0.5 4"


def test_tracked_keys_bind_by_their_last_part(project: Sandbox) -> None:
    one(
        project,
        "python: m.f\nparams: [train.C]\nouts: {o: o}",
        m_py="def f(C, o):\n    o.write_text(str(C))\n",
    ).write({"params.yaml": "train: {C: 0.5, other: 1}\n"})
    project.repro()
    assert project.read("o") == "0.5"
    project.edit("params.yaml", "other: 1", "other: 2")
    assert project.stale() == set()
    project.edit("m.py", "(C, o)", "(o, **rest)")
    project.edit("m.py", "str(C)", "str(sorted(rest))")
    project.repro()
    assert project.read("o") == "['C']"
    project.edit("m.py", "(o, **rest)", "(o)")  # a key may be tracked without being taken
    project.edit("m.py", "str(sorted(rest))", "'none'")
    project.repro()
    assert project.read("o") == "none"
    project.edit("params.yaml", "C: 0.5", "C: 0.7")
    assert project.reasons("a") == {("params", "params.yaml:train.C")}


# --- policies about code


UNDECLARED = "def f(o):\n    o.write_text(open('secret.txt').read())\n"


def test_files_read_without_being_declared(project: Sandbox) -> None:
    one(project, "python: m.f\nouts: {o: o}", m_py=UNDECLARED).write({"secret.txt": "1\n"})
    said = project.run("repro").ended(0).stderr
    assert "a: read 'secret.txt', which is no dep of the stage; add it to `deps`" in said
    project.run("config", "set", "code.undeclared", "off").ended(0)
    assert "secret" not in project.run("repro", "-f").ended(0).stderr
    project.run("config", "set", "code.undeclared", "error").ended(0)
    failed = project.run("repro", "-f").ended(1).stderr
    assert "read 'secret.txt'" in failed
    assert "code.undeclared" in failed


def install(project: Sandbox, version: str) -> None:
    """A distribution `fakelib` in an environment of the project's own."""
    if not project.has(".venv"):
        venv.create(project.root / ".venv", symlinks=True)
    [site] = (project.root / ".venv").glob("lib/python*/site-packages")
    for old in site.glob("*.dist-info"):
        shutil.rmtree(old)
    place = str(site.relative_to(project.root))
    about = f"Metadata-Version: 2.1\nName: fakelib\nVersion: {version}\n"
    project.write(
        {
            f"{place}/fakelib.py": "def g():\n    return 1\n",
            f"{place}/fakelib-{version}.dist-info/METADATA": about,
            f"{place}/fakelib-{version}.dist-info/RECORD": "fakelib.py,,\n",
        }
    )


def test_versions_of_packages_are_reported_or_run_again(project: Sandbox) -> None:
    one(
        project,
        "python: m.f\nouts: {o: o}",
        m_py="import fakelib\n\ndef f(o):\n    o.write_text(str(fakelib.g()))\n",
    )
    install(project, "1.0")
    project.repro()
    assert project.lock("a")["packages"] == {"fakelib": "1.0"}
    install(project, "2.0")
    said = project.run("status").ended(0).stdout
    assert "environment changed: fakelib 1.0 -> 2.0 (a)\n" in said
    assert project.stale() == set()
    [change] = project.run("status", "--json").json["environment"]
    assert change == {"package": "fakelib", "old": "1.0", "new": "2.0", "stages": ["a"]}
    project.run("config", "set", "code.packages", "rerun").ended(0)
    assert project.reasons("a") == {("packages", "fakelib")}
    assert project.repro() == {"a": "ran"}
    assert project.lock("a")["packages"] == {"fakelib": "2.0"}
    assert project.stale() == set()


def test_code_false_is_dvcs_semantics(project: Sandbox) -> None:
    one(
        project,
        "python: m.f\ncode: false\nouts: {o: o}",
        m_py="def f(o):\n    o.write_text('1')\n",
    )
    project.repro()
    project.edit("m.py", "'1'", "'2'")
    assert project.stale() == set()
    assert project.lock("a").get("code") is None
    project.edit("pivot.yaml", "    code: false\n", "")
    assert project.stale() == {"a"}
    project.run("config", "set", "code.track", "false").ended(0)
    assert project.stale() == set()


def test_modules_seen_only_while_running_are_remembered(project: Sandbox) -> None:
    one(
        project,
        "python: m.f\nparams: {name: 'one'}\nouts: {o: o}",
        m_py="""
        import importlib

        def f(name, o):
            o.write_text(importlib.import_module("plug_" + name).VALUE)
        """,
    ).write({"plug_one.py": "VALUE = '1'\n", "plug_two.py": "VALUE = '2'\n"})
    project.repro()
    assert set(project.lock("a")["observed"]) == {"plug_one"}
    project.edit("plug_two.py", "'2'", "'3'")
    assert project.stale() == set()
    project.edit("plug_one.py", "'1'", "'5'")
    assert project.reasons("a") == {("observed", "plug_one:VALUE")}
    assert project.repro() == {"a": "ran"}
    project.edit("plug_one.py", "'5'", "'1'")
    assert project.repro() == {"a": "restored"}
