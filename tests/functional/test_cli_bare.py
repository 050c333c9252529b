"""Commands without options, which do without the command-line library."""

from __future__ import annotations

import re
import subprocess
import sys

from harness import Sandbox

BARE = (("repro",), ("status",), ("plan",), ("repro", "-n"), ("repro", "--dry-run"))
PIPELINE = {
    "pivot.yaml": """
        stages:
          first: {python: steps.first, outs: {out: first.txt}}
          second: {python: steps.second, deps: {source: first.txt}, outs: {out: second.txt}}
        """,
    "steps.py": """
        def first(out):
            out.write_text("1\\n")

        def second(source, out):
            out.write_text(source.read_text() + "2\\n")
        """,
}


def test_they_say_what_the_library_would_have_them_say(project: Sandbox) -> None:
    project.write(PIPELINE)
    project.run("repro").ended(0)
    states = {
        "fresh": lambda: None,
        "stale": lambda: project.edit("steps.py", "1\\n", "3\\n"),
        "failing": lambda: project.edit("steps.py", "source.read_text", "source.nothing"),
        "wrong": lambda: project.edit("pivot.yaml", "steps.second", "steps.third"),
    }
    for state, change in states.items():
        change()
        for words in BARE:
            if words == ("repro",):
                project.run("repro", "-k")  # so that it says the same again
            bare = project.run(*words, env={"PIVOT_INSTANT": "0"})
            full = project.run("-C", ".", *words)
            said = [
                (one.code, _without_times(one.stdout), _without_times(one.stderr))
                for one in (bare, full)
            ]
            assert said[0] == said[1], (state, words)


def _without_times(text: str) -> str:
    lines = (line.partition(" in ")[0] for line in text.splitlines())
    return re.sub(r"\b\d+(\.\d+)? s\b", "so many s", "\n".join(lines))


def test_they_load_no_command_line_library(project: Sandbox) -> None:
    project.write(PIPELINE)
    for _ in range(2):
        project.run("repro").ended(0)
    heavy = ("typer", "rich", "yaml", "jsonschema", "omegaconf")
    for words in (("repro",), ("status",), ("plan",)):
        program = (
            "import sys\nfrom pivot.cli import run\n"
            f"run({list(words)})\n"
            f"print('|', *(name for name in {heavy} if name in sys.modules))"
        )
        found = subprocess.run(
            [sys.executable, "-c", program], cwd=project.root, capture_output=True, text=True,
            env=project.environment({"PIVOT_INSTANT": "0"}), check=True,
        )  # fmt: skip
        assert found.stdout.rpartition("|")[2].strip() == ""
