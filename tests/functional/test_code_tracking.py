"""What change detection promises beyond the table of cases, through the command line."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest
from harness import Result, Sandbox

from pivot import lockfile

CHAIN = {
    "pivot.yaml": """
        stages:
          train:
            python: stages.train
            outs: {out: out.txt}
        """,
    "stages.py": """
        from features import build

        def train(out):
            out.write_text(str(build(3)))
        """,
    "features.py": "import scaling as s\n\ndef build(x):\n    return s.scale(x)\n",
    "scaling.py": "from numbers_ import *\n\ndef scale(x):\n    return shift(x) * 2\n",
    "numbers_.py": """
        from core.base import OFFSET as offset

        __all__ = ["shift"]

        def shift(x):
            return x + offset

        def other(x):
            return x
        """,
    "core/__init__.py": "",
    "core/base.py": "# the base\nOFFSET = 1\nUNUSED = 1\n",
}

PLUGINS = {
    "pivot.yaml": """
        stages:
          run:
            python: stages.run
            params: {name: one}
            outs: {out: out.txt}
        """,
    "stages.py": """
        import importlib

        def run(name, out):
            out.write_text(str(importlib.import_module("p." + name).value()))
        """,
    "p/__init__.py": "",
    "p/one.py": "from p.shared import BASE\n\ndef value():\n    return BASE\n",
    "p/two.py": "def value():\n    return 2\n",
    "p/shared.py": "BASE = 1\n",
}

#: Written on import; nothing that only looks may make it.
TRAP = "import pathlib\npathlib.Path('{marker}').write_text('imported')\n"


# --- explaining


def test_an_edit_four_modules_away_is_shown_with_its_chain(project: Sandbox) -> None:
    project.write(CHAIN)
    project.commit()
    project.repro()
    project.edit("core/base.py", "OFFSET = 1", "OFFSET = 2")

    shown = project.run("status", "--explain", "train").ended().stdout

    lines = [line.strip() for line in shown.splitlines()]
    assert lines[:4] == ["Stage: train", "Status: WILL RUN", "Reason: code changed", "Changes:"]
    assert re.fullmatch(r"core\.base:OFFSET +[0-9a-f]{8} -> [0-9a-f]{8} +core/base\.py:2", lines[4])
    assert lines[5] == (
        "reached by stages:train -> features:build -> scaling:scale -> numbers_:shift"
        " -> core.base:OFFSET"
    )
    diff = project.run("explain", "train", "--diff").ended().stdout
    assert "-OFFSET = 1" in diff
    assert "+OFFSET = 2" in diff
    assert project.reasons("train") == {("code", "core.base:OFFSET")}


def test_two_edits_are_two_reasons(project: Sandbox) -> None:
    project.write(CHAIN)
    project.repro()
    project.edit("core/base.py", "OFFSET = 1", "OFFSET = 2")
    project.edit("features.py", "s.scale(x)", "s.scale(x + 1)")
    project.edit("core/base.py", "UNUSED = 1", "UNUSED = 2")

    assert project.reasons("train") == {("code", "core.base:OFFSET"), ("code", "features:build")}


# --- observation


def test_a_computed_import_counts_after_one_run(project: Sandbox) -> None:
    project.write(PLUGINS)
    project.repro()
    assert {*project.lock("run")["observed"]} == {"p", "p.one", "p.shared"}
    assert project.states() == {"run": "fresh"}

    project.edit("p/shared.py", "BASE = 1", "BASE = 5")
    [stage] = project.run("status", "--json").ended().json["stages"]
    assert [(r["kind"], r["subject"], r["file"], r["line"]) for r in stage["reasons"]] == [
        ("observed", "p.shared:BASE", "p/shared.py", 1)
    ]
    shown = project.run("explain", "run").ended().stdout
    assert "reached by p.one -> " in shown
    assert "-> p.shared:BASE" in shown

    assert project.ran() == {"run"}
    assert project.read("out.txt") == "5"
    project.edit("p/two.py", "return 2", "return 3")
    assert project.states() == {"run": "fresh"}


def test_each_run_replaces_what_was_observed(project: Sandbox) -> None:
    project.write(PLUGINS)
    project.repro()
    project.edit("pivot.yaml", "name: one", "name: two")
    assert project.ran() == {"run"}
    assert {*project.lock("run")["observed"]} == {"p", "p.two"}

    project.edit("p/shared.py", "BASE = 1", "BASE = 5")
    assert project.states() == {"run": "fresh"}
    project.edit("p/two.py", "return 2", "return 3")
    assert project.states() == {"run": "stale"}

    # an earlier result serves only where what was observed then is the same still
    project.edit("pivot.yaml", "name: two", "name: one")
    assert project.repro() == {"run": "ran"}
    project.edit("p/shared.py", "BASE = 5", "BASE = 1")
    assert project.repro() == {"run": "restored"}
    assert project.read("out.txt") == "1"


def test_a_module_that_was_observed_and_goes_counts(project: Sandbox) -> None:
    project.write(PLUGINS)
    project.repro()
    project.remove("p/shared.py")
    [stage] = project.run("status", "--json").ended().json["stages"]
    assert stage["state"] != "fresh"


def test_observation_can_be_turned_off(project: Sandbox) -> None:
    project.write(PLUGINS)
    project.run("config", "set", "code.observe", "false").ended()
    project.repro()
    assert not project.lock("run").get("observed")


# --- nothing of the project runs


LOOKING = (
    ("status",),
    ("status", "-v"),
    ("status", "--explain"),
    ("status", "--json"),
    ("explain", "run"),
    ("repro", "-n"),
    ("repro", "--explain"),
    ("plan",),
    ("list", "--deps"),
    ("dag",),
    ("dag", "--json"),
    ("fingerprint", "show", "run"),
    ("fingerprint", "show", "run", "--json"),
    ("doctor",),
)


@pytest.mark.parametrize("locked", [False, True], ids=["before a run", "after a run"])
def test_looking_runs_nothing_of_the_project(project: Sandbox, locked: bool) -> None:
    marker = project.root.parent / "imported"
    trap = TRAP.format(marker=marker)
    calm = {
        "pivot.yaml": """
            stages:
              run:
                python: pkg.stages.run
                outs: {out: out.txt}
              command:
                cmd: python script.py > made.txt
                outs: [made.txt]
            """,
        "pkg/__init__.py": "",
        "pkg/stages.py": "from pkg import tools\n\ndef run(out):\n    out.write_text('x')\n",
        "pkg/tools.py": "import settings\n",
        "settings.py": "X = 1\n",
        "script.py": "print(1)\n",
        "pyproject.toml": "[project]\nname = 'x'\nversion = '1'\n",
    }
    project.write(calm)
    if locked:
        project.repro()
    traps = ("pkg/__init__.py", "pkg/tools.py", "settings.py", "script.py")
    project.write({path: trap + str(calm[path]) for path in traps})
    strangers = (
        "sitecustomize.py", "usercustomize.py", "conftest.py", "setup.py", "noxfile.py", "pivot.py",
        "json.py", "typing.py", "yaml.py", "pkg/conftest.py", "tasks.py",
    )  # fmt: skip
    project.write(dict.fromkeys(strangers, trap))
    project.write({"trap.pth": f"import sys; open({str(marker)!r}, 'w')\n"})
    project.commit()

    for arguments in LOOKING:
        result = project.run(*arguments)
        assert result.code in (0, 1), result
        assert not marker.exists(), arguments


# --- files that are not declared


UNDECLARED = {
    "pivot.yaml": """
        stages:
          read:
            python: stages.read
            deps: {known: known.txt}
            outs: {out: out.txt}
        """,
    "stages.py": """
        import json

        def read(known, out):
            known.read_text()
            text = open("data/hidden.txt").read() + open("data/hidden.txt").read()
            with open("side.txt", "w") as stream:
                stream.write(text)
            out.write_text(text)
        """,
    "known.txt": "k",
    "data/hidden.txt": "h",
}


def test_undeclared_files_are_reported_once_with_what_to_do(project: Sandbox) -> None:
    project.write(UNDECLARED)
    result = project.run("repro").ended()
    assert result.stderr.count("data/hidden.txt") == 1
    [line] = [line for line in result.stderr.splitlines() if "hidden" in line]
    assert "no dep of the stage; add it to `deps`" in line
    assert result.stderr.count("side.txt") == 1
    assert "known.txt" not in result.stderr
    assert "hidden" not in project.run("repro").ended().stderr

    project.edit("pivot.yaml", "known: known.txt}", "known: known.txt, hidden: data/hidden.txt}")
    project.edit("stages.py", "read(known, out)", "read(known, hidden, out)")
    assert "which is no dep" not in project.run("repro").ended().stderr


def test_undeclared_files_may_be_errors_or_nothing(project: Sandbox) -> None:
    project.write(UNDECLARED)
    project.run("config", "set", "code.undeclared", "error").ended()
    result = project.run("repro").ended(1)
    assert "code.undeclared: error" in result.stderr
    assert not project.has(".pivot/stages/read.lock")
    project.run("config", "set", "code.undeclared", "off").ended()
    assert "hidden" not in project.run("repro").ended().stderr


# --- packages, the environment, code that cannot be followed


def test_packages_are_reported_or_run_again(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
                stages:
                  read: {python: stages.read, outs: {out: out.txt}}
                  plain: {cmd: echo 1 > plain.txt, outs: [plain.txt]}
                """,
            "stages.py": "import yaml\n\ndef read(out):\n    out.write_text(yaml.dump(1))\n",
        }
    )
    project.repro()
    [(package, version)] = project.lock("read")["packages"].items()
    assert package.lower() == "pyyaml"
    pretend = _lock_with_package(project, package, "1.0")

    result = project.run("status").ended().stdout
    assert f"environment changed: {package} 1.0 -> {version} (read)" in result
    assert project.states() == {"read": "fresh", "plain": "fresh"}
    [change] = project.run("status", "--json").json["environment"]
    assert (change["package"], change["old"], change["new"]) == (package, "1.0", version)
    assert project.ran() == set()

    project.run("config", "set", "code.packages", "rerun").ended()
    assert project.states() == {"read": "stale", "plain": "fresh"}
    assert project.reasons("read") == {("packages", package)}
    assert project.ran() == {"read"}
    assert project.lock("read")["packages"] == {package: version} != pretend


def _lock_with_package(project: Sandbox, package: str, version: str) -> dict[str, str]:
    """Rewrite the lock of `read` as a run with another version would have written it."""
    path = ".pivot/stages/read.lock"
    record = replace(lockfile.loads(project.read(path)), packages={package: version})
    project.write({path: lockfile.dumps(record).encode()})
    return {package: version}


def test_variables_count_where_the_stage_declares_them(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
                stages:
                  one: {python: stages.one, env: [LEVEL], outs: {out: one.txt}}
                  two: {python: stages.two, outs: {out: two.txt}}
                """,
            "stages.py": """
                import os

                def one(out):
                    out.write_text(os.environ["LEVEL"])

                def two(out):
                    out.write_text(os.getenv("LEVEL", "none"))
                """,
        }
    )
    project.env["LEVEL"] = "high"
    project.repro()
    shown = project.run("fingerprint", "show", "two", "--json").ended().json["stages"][0]
    assert shown["environ"] == {"LEVEL": "stages.py:7"}

    project.env["LEVEL"] = "low"
    assert project.states() == {"one": "stale", "two": "fresh"}
    assert project.reasons("one") == {("env", "LEVEL")}
    assert "high" not in project.read(".pivot/stages/one.lock")
    assert "low" not in project.run("status", "--json").stdout


def test_what_cannot_be_followed_is_listed(project: Sandbox) -> None:
    project.write(PLUGINS)
    [reference] = (
        project.run("fingerprint", "show", "run", "--json").ended().json["stages"][0]["opaque"]
    )
    assert (reference["file"], reference["line"]) == ("stages.py", 4)
    assert "stages.py:4" in project.run("status", "-v").ended().stderr
    assert "stages.py:4" in project.run("fingerprint", "show", "run").ended().stdout


def test_code_of_no_account(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
                stages:
                  one: {cmd: python one.py > one.txt, code: false, outs: [one.txt]}
                  two: {cmd: python one.py > two.txt, outs: [two.txt]}
                  three: {cmd: python one.py > 3.txt, code: false, deps: [one.py], outs: [3.txt]}
                """,
            "one.py": "# comment\nprint(1)\n",
        }
    )
    project.commit()
    project.repro()
    project.edit("one.py", "# comment", "# remark")
    assert project.stale() == {"three"}
    project.edit("one.py", "print(1)", "print(2)")
    assert project.stale() == {"two", "three"}
    project.run("config", "set", "code.track", "false").ended()
    assert "two" not in {name for name, kind in _kinds(project) if kind == "code" and name != "two"}


def _kinds(project: Sandbox) -> set[tuple[str, str]]:
    stages = project.run("status", "--json").ended().json["stages"]
    return {(stage["name"], reason["kind"]) for stage in stages for reason in stage["reasons"]}


# --- bad code


BAD = {
    "a syntax error": "def f(:\n",
    "an encoding that is none": b"# -*- coding: nothing -*-\ndef f():\n    return 1\n",
    "bytes that are no text": b"def f():\n    return '\xff\xfe'\n",
    "a null byte": b"def f():\n    return 1\n\0\n",
    "a missing module of its own package": "from pkg.absent import f\n",
    "a missing name of its own package": "from pkg import absent as f\n",
    "nesting that no parser reads": "def f():\n    return " + "(" * 5000 + ")" * 5000 + "\n",
    "an operator chain of thousands": "def f():\n    return " + "-" * 100_000 + "1\n",
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_code_concerns_the_stages_that_reach_it(project: Sandbox, kind: str) -> None:
    files: dict[str, str | bytes] = {
        "pivot.yaml": """
            stages:
              good: {python: good.run, outs: {out: good.txt}}
              bad: {python: bad.run, outs: {out: bad.txt}}
              after: {cmd: cp bad.txt after.txt, deps: [bad.txt], outs: [after.txt]}
            """,
        "good.py": "def run(out):\n    out.write_text('g')\n",
        "bad.py": "from pkg.inner import f\n\ndef run(out):\n    out.write_text(str(f()))\n",
        "pkg/__init__.py": "",
        "pkg/inner.py": "def f():\n    return 1\n",
    }
    project.write(files)
    project.repro()
    project.write({"pkg/inner.py": BAD[kind]})
    project.edit("good.py", "'g'", "'h'")

    states = project.states()
    assert (states["good"], states["bad"]) == ("stale", "unknown")
    [bad] = [s for s in project.run("status", "--json").json["stages"] if s["name"] == "bad"]
    assert [reason["file"] for reason in bad["reasons"]] == ["pkg/inner.py"]
    assert "pkg/inner.py" in project.run("explain", "bad").ended().stdout

    refused = project.run("repro")
    assert refused.code in (1, 2), refused
    assert "pkg/inner.py" in refused.stderr
    assert "Traceback" not in refused.stderr
    goes_on = project.run("repro", "-k", "--json")
    assert goes_on.code in (1, 2), goes_on
    assert project.read("good.txt") == "h"
    assert project.repro("good") == {"good": "fresh"}
    assert project.read("bad.txt") == "1"


def test_a_large_generated_module_and_a_cycle_are_read(project: Sandbox) -> None:
    lines = "".join(f"def f{n}(x):\n    return x + {n}\n\n" for n in range(17_000))
    project.write(
        {
            "pivot.yaml": "stages:\n  run: {python: a.run, outs: {out: out.txt}}\n",
            "a.py": "import b\nimport large\n\ndef run(out):\n    out.write_text(str(b.g()))\n",
            "b.py": "import a\nimport large\n\ndef g():\n    return large.f7(1)\n",
            "large.py": lines,
        }
    )
    (project.root / "loop").symlink_to(project.root)
    project.repro()
    project.edit("large.py", "return x + 8\n", "return x - 8\n")
    assert project.states() == {"run": "fresh"}
    project.edit("large.py", "return x + 7\n", "return x - 7\n")
    assert project.reasons("run") == {("code", "large:f7")}


# --- another version of the rules


def by_rules(project: Sandbox, version: int, *arguments: str) -> Result:
    """A call of a Pivot whose fingerprints have that version."""
    code = (
        "import sys, pivot.model as m\n"
        f"m.FINGERPRINT_VERSION = {version}\n"
        "from pivot.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=project.root,
        env={**project.environment(), "PIVOT_INSTANT": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(arguments, done.returncode, done.stdout, done.stderr)


@pytest.fixture
def older(project: Sandbox) -> Sandbox:
    """Two stages, run by Pivot as it is: an older one for a Pivot of other rules."""
    two = {
        "pivot.yaml": """
            stages:
              train: {python: stages.train, outs: {out: out.txt}}
              run: {python: plugins.run, params: {name: one}, outs: {out: run.txt}}
              made: {cmd: cp out.txt made.txt, deps: [out.txt], outs: [made.txt]}
            """,
        "plugins.py": PLUGINS["stages.py"],
    }
    files = {**CHAIN, **{k: v for k, v in PLUGINS.items() if k.startswith("p/")}, **two}
    project.write(files)
    project.repro()
    return project


def test_locks_of_older_rules_are_recorded_anew_without_a_run(older: Sandbox) -> None:
    before = older.contents("out.txt") or older.read("out.txt")
    status = by_rules(older, 2, "status").ended()
    assert "3 of the locks have code fingerprints of version 1" in status.stderr
    assert "`pivot repro` records 3 anew without running them" in status.stderr
    assert "up to date" in status.stdout

    result = by_rules(older, 2, "repro", "--json").ended()
    assert result.statuses == dict.fromkeys(("train", "run", "made"), "fresh")
    assert older.lock("train")["fingerprint_version"] == 2
    assert older.lock("run")["fingerprint_version"] == 2
    assert (older.contents("out.txt") or older.read("out.txt")) == before
    assert "fingerprints" not in by_rules(older, 2, "status").ended().stderr

    # and they count from then on
    older.edit("core/base.py", "OFFSET = 1", "OFFSET = 2")
    older.edit("p/shared.py", "BASE = 1", "BASE = 2")
    states = by_rules(older, 2, "status", "--json").ended().json["stages"]
    assert [(s["name"], s["reasons"][0]["kind"]) for s in states] == [
        ("train", "code"),
        ("run", "observed"),
        ("made", "upstream"),
    ]


def test_locks_of_older_rules_and_other_sources_count_as_changed(older: Sandbox) -> None:
    older.edit("core/base.py", "# the base", "# another comment")
    older.append("p/shared.py", "# a comment\n")
    status = by_rules(older, 2, "status").ended()
    assert "records 1 anew" in status.stderr
    assert "of 2 it is not known" in status.stderr
    assert "fingerprint version: 1 -> 2" in status.stdout
    result = by_rules(older, 2, "repro", "--json").ended()
    assert result.statuses == {"train": "ran", "run": "ran", "made": "fresh"}
    assert by_rules(older, 2, "status").ended().stderr == ""


def test_locks_of_newer_rules_are_left_alone(older: Sandbox) -> None:
    by_rules(older, 2, "repro").ended()
    lock = older.read(".pivot/stages/train.lock")
    status = older.run("status").ended()
    assert "a newer Pivot wrote them" in status.stderr
    assert set(older.repro().values()) == {"fresh"}
    assert older.read(".pivot/stages/train.lock") == lock


def test_without_the_tables_nothing_is_known(older: Sandbox) -> None:
    older.remove(".pivot/cache/code")
    states = by_rules(older, 2, "status", "--json").ended().json["stages"]
    assert {stage["state"] for stage in states} == {"stale"}
    by_rules(older, 2, "commit").ended()
    assert older.lock("train")["fingerprint_version"] == 2
    assert by_rules(older, 2, "repro", "--json").ended().statuses["train"] == "fresh"
