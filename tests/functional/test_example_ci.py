"""examples/ci: the script writes the comment, and the workflow calls it as it wants to be called."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from harness import Sandbox
from small import words

from pivot.config import load_yaml

MARK = "<!-- pivot review -->"


def review(
    project: Sandbox, script: Path, *arguments: str, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(script), *arguments],
        cwd=project.root,
        env=project.environment(env),
        capture_output=True,
        text=True,
        check=False,
    )


def sections(text: str) -> dict[str, str]:
    parts = text.split("\n### ")
    return {part.split("\n")[0]: part for part in parts}


def test_the_comment_says_what_a_request_does(project: Sandbox, checkout: Path) -> None:
    script = checkout / "examples/ci/review.sh"
    words(project).repro()
    project.commit("base")
    project.git("checkout", "-q", "-b", "feature")
    project.edit("params.yaml", "limit: 2", "limit: 3")
    project.repro()
    project.commit("more names")

    done = review(project, script, "main", "feature", "review.md")

    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    found = sections(project.read("review.md"))
    title = list(found)[1]  # in the words of `pivot impact --md`
    assert "1 of 3 stages" in title
    assert list(found) == [MARK, title, "Params", "Metrics", "Artifacts", "Verified"]
    head = found[title]
    assert "| params `limit`: `2` to `3` | `top` |" in head
    assert "| params.yaml | limit   | 2 " in found["Params"]
    assert "No changes." in found["Metrics"]
    assert "| modified | build/top.md | " in found["Artifacts"]
    assert "Verified 3 stages" in found["Verified"]

    project.edit("words.py", "text.lower()", "text.upper()")
    project.commit("results are not there")
    done = review(project, script, "main")
    assert done.returncode == 1
    assert "code `words:split`" in done.stdout
    assert "**The committed results do not stand.**" in sections(done.stdout)["Verified"]

    assert "usage: review.sh BASE" in review(project, script).stderr
    project.git("branch", "apart", project.git("commit-tree", "HEAD^{tree}", "-m", "x").strip())
    for arguments, says in (
        (("nope",), "there is no revision 'nope' here"),
        (("main", "nope"), "there is no revision 'nope' here"),
        (("apart",), "'apart' and 'HEAD' have no common ancestor here"),
    ):
        done = review(project, script, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"review.sh: {says}\n")
        assert "unshallow" not in done.stderr
    project.write({"pivot.yaml": "stages: [broken"})
    project.commit("broken")
    done = review(project, script, "main", "HEAD", "broken.md")
    assert done.returncode == 2
    assert "pivot.yaml:1" in done.stderr
    found = sections(project.read("broken.md"))
    assert "**They cannot be verified.**" in found["Verified"]
    assert "pivot.yaml:1" in found["Verified"]
    assert "What cannot be read is left out." in found["Params"] + found["Artifacts"]
    assert "deleted" not in found["Artifacts"]
    assert "-" not in found["Metrics"]


def test_a_shallow_clone_is_told_how_to_get_its_history(
    project: Sandbox, checkout: Path, tmp_path: Path
) -> None:
    words(project).repro()
    project.commit("base")
    project.git("checkout", "-q", "-b", "feature")
    project.append("params.yaml", "more: 1\n")
    project.commit("more")
    options = ("--quiet", "--depth=1", "--branch=feature")
    project.git("clone", *options, f"file://{project.root}", str(tmp_path / "clone"))
    clone = Sandbox(tmp_path / "clone", git=False)

    done = review(clone, checkout / "examples/ci/review.sh", "main")

    assert done.returncode == 2
    told = done.stderr.splitlines()
    assert told[0] == "review.sh: there is no revision 'main' here"
    advice = "git fetch --unshallow origin main:refs/remotes/origin/main feature"
    assert f"`{advice}`, and then review.sh origin/main" in told[2]
    clone.git(*advice.split()[1:])
    assert review(clone, checkout / "examples/ci/review.sh", "origin/main").returncode in (0, 1)


def test_the_workflow_calls_the_script(project: Sandbox, checkout: Path) -> None:
    text = (checkout / "examples/ci/pivot-review.yml").read_bytes()
    workflow: Any = load_yaml(text, "pivot-review.yml")
    assert set(workflow["on"]) == {"pull_request"}
    steps = workflow["jobs"]["review"]["steps"]
    assert steps[0]["with"]["fetch-depth"] == 0
    # what people choose (names of branches, titles) reaches the shell through the environment
    assert not any("${{" in step.get("run", "") for step in steps)
    [step] = [step for step in steps if step.get("name") == "Review"]
    words(project).repro()
    commit = project.commit("base")
    target = project.root / ".github/pivot"
    target.mkdir(parents=True)
    shutil.copy(checkout / "examples/ci/review.sh", target)
    subprocess.run(
        ["sh", "-e", "-c", step["run"]],
        cwd=project.root,
        env=project.environment({"BASE": "main", "HEAD": commit}),
        check=True,
    )
    assert "no stage" in list(sections(project.read("review.md")))[1]
