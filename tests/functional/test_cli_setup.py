"""`init`, `schema`, `doctor`, `config`, completion and help."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import Sandbox
from small import words

COMMANDS = (
    "init", "repro", "run", "plan", "status", "explain", "list", "dag", "logs", "checkout",
    "commit", "unprotect", "freeze", "unfreeze", "schema", "doctor", "config", "fingerprint",
    "push", "fetch", "pull", "remote",
)  # fmt: skip


# --- init


def test_init_makes_a_project_with_nothing_to_do(project: Sandbox) -> None:
    result = project.run("init").ended(0)
    assert result.stdout == "wrote .pivot/.gitignore\nwrote pivot.yaml\n"
    assert "describe a stage in pivot.yaml" in result.stderr
    for command in ("status", "repro", "plan"):
        said = project.run(command).ended(0).stdout
        assert said == "There are no stages yet: describe one in pivot.yaml.\n"
    assert project.run("list").ended(0).stdout == ""
    assert project.git("status", "--short", "-uall") == "?? .pivot/.gitignore\n?? pivot.yaml\n"


@pytest.mark.parametrize("git", [True, False])
def test_the_example_runs_and_tells_of_an_edit(tmp_path: Path, git: bool) -> None:
    project = Sandbox(tmp_path / "p", git=git)
    project.run("init", "--example").ended(0)
    assert project.repro() == {"count": "ran", "top": "ran"}
    assert project.read("build/top.md").startswith("- the: 5\n")
    assert project.repro() == {"count": "fresh", "top": "fresh"}
    project.edit("words.py", ".lower()", ".upper()")
    assert project.stale() == {"count", "top"}
    assert project.reasons("count") == {("code", "words:normalize")}


def test_init_adds_what_is_missing_and_keeps_the_rest(project: Sandbox) -> None:
    words(project)
    before = project.read("pivot.yaml")
    assert project.run("init", "--force").ended(0).stdout == "wrote .pivot/.gitignore\n"
    assert project.read("pivot.yaml") == before
    assert project.run("init", "--force").ended(0).stdout == ""


def test_the_folder_of_a_bare_repository_is_no_place_for_a_project(tmp_path: Path) -> None:
    bare = Sandbox(tmp_path / "bare.git", git=False)
    (bare.root / "HEAD").write_text("ref: refs/heads/main\n")
    (bare.root / "objects").mkdir()
    (bare.root / "refs").mkdir()
    assert "is git's own folder" in bare.run("init").ended(2).stderr
    said = bare.run("status").ended(2).stderr
    assert "bare repository" in said
    assert "`--rev REV`" in said
    assert not bare.has("pivot.yaml")


def test_init_beside_a_dvc_yaml_does_not_hide_it(project: Sandbox) -> None:
    project.write({"dvc.yaml": "stages:\n  a:\n    cmd: echo x > o\n    outs: [o]\n"})
    project.run("init").ended(0)
    assert not project.has("pivot.yaml")
    assert project.ran() == {"a"}


def test_init_beside_a_pipeline_in_python_does_not_hide_it(project: Sandbox) -> None:
    project.write({
        "pipeline.py": "import pivot\nfrom other import g\n",
        "other.py": """
            import pivot

            @pivot.stage(outs={"out": "o"})
            def g(out):
                out.write_text("1")
            """,
    })  # fmt: skip
    assert project.states() == {"g": "stale"}
    project.remove(".pivot")
    assert "your pipeline file" in project.run("init").ended(0).stderr
    assert not project.has("pivot.yaml")
    assert project.ran() == {"g"}
    project.write({"pivot.yaml": "stages: {}\n"})
    for command in ("list", "status", "repro", "repro", "plan"):
        told = project.run(command).ended(0)
        assert "pipeline.py is not read: pivot.yaml beside it comes first\n" in told.stderr, command
    project.write({"pivot.yaml": "stages: {s: {cmd: 'true'}}\n"})
    assert "pipeline.py" not in project.run("status").ended(0).stderr


def test_a_project_never_initialized_keeps_its_caches_out_of_git(project: Sandbox) -> None:
    words(project).repro()
    project.git("add", "--all")
    added = project.git("diff", "--cached", "--name-only").splitlines()
    assert [path for path in added if path.startswith(".pivot")] == [
        ".pivot/.gitignore",
        *(f".pivot/stages/{name}.lock" for name in ("count", "size", "top")),
    ]
    assert not [path for path in added if path.startswith("build/") and "gitignore" not in path]


# --- schema, doctor


def test_every_schema_is_printed(project: Sandbox) -> None:
    names = project.run("schema").ended(0).stdout.split()
    assert {"pivot", "dvc", "lock", "config", "list", "status", "events", "dag"} <= set(names)
    for name in names:
        assert project.run("schema", name).ended(0).json["$schema"].startswith("https://json-sch")


def test_doctor_says_what_it_found(project: Sandbox) -> None:
    words(project)
    found = {entry["what"]: entry for entry in project.run("doctor", "--json").ended(0).json}
    assert found["pipeline"]["detail"] == "3 stages in pivot.yaml"
    assert found["git"]["state"] == "ok"
    assert project.run("doctor").ended(0).stdout.startswith("ok       pivot: ")


def test_doctor_names_what_is_wrong_and_fails(project: Sandbox) -> None:
    assert "pivot init" in project.run("doctor").ended(1).stdout
    words(project).edit("pivot.yaml", "steps.count", "steps.cuont")
    assert "did you mean 'count'" in project.run("doctor").ended(1).stdout


# --- config


def test_configuration_is_set_read_listed_and_unset(project: Sandbox) -> None:
    words(project).write({".pivot/config.yaml": "# ours\ncore:\n  jobs: 2  # cores\n"})
    assert project.run("config", "get", "core.jobs").ended(0).stdout == "2\n"
    project.run("config", "set", "core.jobs", "3").ended(0)
    project.run("config", "set", "cache.link", "hardlink", "--local").ended(0)
    project.run("config", "set", "core.resources", "gpu=2,ram=64").ended(0)
    project.run("config", "set", "remotes.origin", "s3://bucket/prefix").ended(0)
    text = project.read(".pivot/config.yaml")
    assert "# ours" in text
    assert "jobs: 3  # cores" in text
    listed = {entry["key"]: entry for entry in project.run("config", "list", "--json").json}
    assert listed["core.jobs"]["value"] == 3
    assert listed["core.resources"]["value"] == {"gpu": 2, "ram": 64}
    assert listed["cache.link"]["layer"] != listed["core.jobs"]["layer"]
    assert project.run("config", "get", "remotes.origin").stdout == "s3://bucket/prefix\n"
    for line in ("core.jobs -1", "--local core.jobs -1", "core.jobs -- -1"):
        refused = project.run("config", "set", *line.split()).ended(2).stderr
        assert "core.jobs takes a whole number above 0, not -1" in refused
    assert "No such option: --loc" in project.run("config", "set", "a", "-1", "--loc").stderr
    project.run("config", "unset", "core.jobs").ended(0)
    assert "is not set" in project.run("config", "unset", "core.jobs").ended(0).stderr
    everything = project.run("config", "list", "--all", "--md").ended(0).stdout
    assert everything.startswith("| key")
    assert "| code.packages" in everything


def test_a_variable_and_the_users_own_file_count(project: Sandbox, tmp_path: Path) -> None:
    words(project)
    project.env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    project.run("config", "set", "core.jobs", "5", "--user").ended(0)
    assert "jobs: 5" in (tmp_path / "config" / "pivot" / "config.yaml").read_text()
    assert project.run("config", "get", "core.jobs").stdout == "5\n"
    assert project.run("config", "get", "core.jobs", env={"PIVOT_CORE_JOBS": "7"}).stdout == "7\n"


# --- help


def test_help_has_a_sentence_for_every_command_and_option(project: Sandbox) -> None:
    top = project.run("--help").ended(0).stdout
    for command in COMMANDS:
        assert f"\n  {command} " in top
        shown = project.run(command, "--help").ended(0).stdout
        assert f"Usage: pivot {command}" in shown
        options = [line for line in shown.splitlines() if line.startswith("  -")]
        bare = [line for line in options if len(line.split("  ")) < 3 and len(line) < 28]
        assert not bare, shown
    assert "  accept" not in top


def test_what_does_not_work_yet_is_absent(project: Sandbox) -> None:
    shown = project.run("repro", "--help").stdout
    assert "--force-downstream" in shown
    for later in ("--watch", "--tui", "--remote"):
        assert later not in shown


@pytest.mark.parametrize("line", [("--version",), ("-V",), ("-C", ".", "--version")])
def test_the_version(project: Sandbox, line: tuple[str, ...]) -> None:
    assert project.run(*line).ended(0).stdout.startswith("pivot ")


def test_completion_scripts_and_stage_names(project: Sandbox) -> None:
    words(project)
    script = project.run("--show-completion", env={"SHELL": "/bin/bash"}).stdout
    assert "_PIVOT_COMPLETE" in script or project.run("--show-completion", "bash").code == 0
    completed = project.run(
        env={"_PIVOT_COMPLETE": "complete_bash", "COMP_WORDS": "pivot repro c", "COMP_CWORD": "2"}
    )
    assert completed.stdout.split() == ["count"]


def test_schemas_are_json(project: Sandbox) -> None:
    assert json.loads(project.run("schema", "pivot").ended(0).stdout)["title"] == "pivot.yaml"
