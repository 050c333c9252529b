"""`-S`, `--write-params`, `freeze` and `unfreeze`: values and flags from the command line."""

from __future__ import annotations

import pytest
from harness import Sandbox
from small import words

TRACKED: dict[str, str | bytes] = {
    "pivot.yaml": """
        stages:
          read:
            cmd: cp params.yaml out.yaml
            params: [train.C]
            outs: [out.yaml]
        """,
    "params.yaml": """
        # all of them
        train:
            C: 0.5      # the penalty
            names:
            - "a"
            - b
        long: "a text that is so long that a careless writer would fold it into two lines or even more"
        """,
}


@pytest.fixture
def done(project: Sandbox) -> Sandbox:
    words(project).repro()
    return project


# --- overrides


def test_an_override_counts_for_one_run_and_is_in_the_lock(done: Sandbox) -> None:
    before = done.contents("params.yaml", "pivot.yaml")
    assert done.states("-S", "limit=1")["top"] == "stale"
    assert done.repro("-S", "limit=1")["top"] == "ran"
    assert done.lock("top")["params"] == {"limit": 1}
    assert done.read("build/top.md") == "- b\n"
    assert done.contents("params.yaml", "pivot.yaml") == before
    assert done.reasons("top") == {("params", "limit")}
    assert done.repro()["top"] == "restored"
    assert done.lock("top")["params"] == {"limit": 2}


def test_overrides_compose_over_vars_and_nested_keys(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
                vars: [{greeting: hello, who: {name: Ada}}]
                stages:
                  say:
                    cmd: echo ${greeting} ${who.name} ${n} > o
                    outs: [o]
                """,
            "params.yaml": "n: 1\n",
        }
    )
    project.repro("-S", "who.name=Bob", "-S", "n=3", "-S", "greeting=bye bye")
    assert project.read("o") == "bye bye Bob 3\n"
    assert project.run("list", "--json").json["stages"][0]["cmd"] == "echo hello Ada 1 > o"


def test_types_of_overrides_are_yaml(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": "stages:\n  a:\n    python: m.f\n    params: {x: '${x}'}\n    outs: {o: o}\n",
            "params.yaml": "x: 1\n",
            "m.py": "def f(x, o):\n    o.write_text(repr(x))\n",
        }
    )
    for text, value in {
        "2": "2",
        "2.5": "2.5",
        "true": "True",
        "[1, b]": "[1, 'b']",
        "": "''",
    }.items():
        project.repro("-S", f"x={text}")
        assert project.read("o") == value


def test_a_frozen_stage_does_not_mind_an_override_of_its_file(project: Sandbox) -> None:
    project.write(TRACKED).repro()
    project.run("freeze", "read").ended(0)
    project.run("repro", "-S", "train.C=1").ended(0)


# --- written values


def test_write_params_edits_the_file_and_keeps_its_comments(project: Sandbox) -> None:
    project.write(TRACKED)
    before = project.read("params.yaml")
    project.run("repro", "-S", "train.C=0.9", "--write-params").ended(0)
    assert project.read("params.yaml") == before.replace("0.5", "0.9")
    assert project.lock("read")["params_files"] == {"params.yaml": {"train.C": 0.9}}
    assert project.stale() == set()


def test_write_params_reaches_into_lists_and_named_files(project: Sandbox) -> None:
    project.write(TRACKED).write({"more.yaml": "a: 1 # one\n"})
    project.edit("pivot.yaml", "[train.C]", "[train.names, more.yaml: [a]]")
    project.run("repro", "-S", "train.names[1]=z", "-S", "more.yaml:a=2", "--write-params").ended(0)
    assert '    - "a"\n    - z\n' in project.read("params.yaml")
    assert project.read("more.yaml") == "a: 2 # one\n"


def test_write_params_writes_nothing_where_the_run_cannot_start(project: Sandbox) -> None:
    project.write(TRACKED)
    before = project.contents()
    project.run("repro", "-S", "train.C=1", "--write-params", "nope").ended(2)
    assert project.contents() == before


# --- freeze


def test_freeze_and_unfreeze_edit_the_definition_alone(done: Sandbox) -> None:
    before = done.read("pivot.yaml")
    done.write({"pivot.yaml": before.replace("  top:", "  top:  # the best\n    # of them")})
    commented = done.read("pivot.yaml")
    assert done.run("freeze", "top").ended(0).stderr == "frozen top\n"
    assert "# the best" in done.read("pivot.yaml")
    assert "    frozen: true\n" in done.read("pivot.yaml")
    done.edit("params.yaml", "limit: 2", "limit: 1")
    assert done.repro() == {"count": "fresh", "top": "fresh", "size": "fresh"}
    assert "frozen" in done.run("status", "-v").ended(0).stdout
    assert done.run("freeze", "top").ended(0).stdout == "Already frozen.\n"
    assert done.run("unfreeze", "top").ended(0).stderr == "unfrozen top\n"
    assert done.read("pivot.yaml") == commented
    assert done.repro()["top"] == "ran"


def test_a_frozen_stage_cuts_off_what_is_above_it(done: Sandbox) -> None:
    done.run("freeze", "top").ended(0)
    done.edit("words.py", ".lower()", ".upper()")
    assert done.repro("top") == {"top": "fresh"}
    forced = done.run("repro", "top", "--force").ended(0)
    assert forced.stderr == "top: would run if it were not frozen\n"
    done.repro()
    for _ in range(2):  # neither is that remembered as nothing to say
        assert "top: would run if it were not frozen" in done.run("repro").ended(0).stderr
        dry = done.run("repro", "--dry-run").ended(0).stdout.splitlines()
        assert dry[0] == "top  frozen    would run if it were not frozen"
        assert dry[1].startswith("Everything is up to date")


def test_groups_freeze_as_a_whole(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
                stages:
                  each:
                    foreach: [1, 2]
                    do:
                      cmd: echo ${item} > each-${item}
                      outs: ["each-${item}"]
                  grid:
                    matrix: {x: [1, 2]}
                    cmd: echo ${item.x} > grid-${item.x}
                    outs: ["grid-${item.x}"]
                """
        }
    )
    before = project.read("pivot.yaml")
    project.run("freeze", "each", "grid").ended(0)
    listed = project.run("list", "--json").ended(0).json["stages"]
    assert [stage["frozen"] for stage in listed] == [True] * 4
    project.run("unfreeze", "each@1", "each@2", "grid").ended(0)
    assert project.read("pivot.yaml") == before


def test_freezing_leaves_the_layout_of_everything_else_alone(project: Sandbox) -> None:
    text = (
        "vars:   [ {a: 1} ,{b:   2}]\n"
        "stages:\n"
        "    one:   # the first\n"
        "        cmd:   echo 1 >   one\n"
        "        deps: [  ]\n"
        '        outs: [ "one" ]\n'
        "        always_changed:  false\n\n\n"
        "    two: {cmd: echo 2 > two,   outs: [two]}\n"
    )
    (project.root / "pivot.yaml").write_text(text)

    project.run("freeze", "one").ended(0)

    frozen = project.read("pivot.yaml")
    assert [line for line in frozen.splitlines() if line not in text.splitlines()] == [
        "        frozen: true"
    ]
    project.run("unfreeze", "one").ended(0)
    assert project.read("pivot.yaml") == text
