"""`--rev` and `impact`: what is committed, judged from git alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
from harness import Sandbox

PROJECT = {
    "ml/pivot.yaml": """
        stages:
          prepare:
            python: steps.prepare
            deps: {raw: raw.csv}
            params: {limit: "${limit}"}
            outs: {clean: clean.csv}
          train:
            python: steps.train
            deps: {clean: clean.csv}
            params: {C: "${model.C}"}
            outs: {model: model.txt}
            metrics: {metrics: {path: metrics.json, cache: false}}
          report:
            cmd: cat metrics.json > report.txt
            deps: [metrics.json]
            outs: [report.txt]
          lone:
            cmd: cp hand.bin lone.txt
            deps: [hand.bin]
            outs: [lone.txt]
        """,
    "ml/steps.py": """
        import nowhere_installed

        import helpers

        def prepare(raw, limit, clean):
            clean.write_text(helpers.normalize(raw.read_text())[:limit])

        def train(clean, C, model, metrics):
            model.write_text(clean.read_text() * C)
            metrics.write_text('{"n": 1}')
        """,
    "ml/nowhere_installed.py": "",
    "ml/helpers.py": "def normalize(text):\n    return text.strip()\n",
    "ml/params.yaml": "limit: 5\nmodel: {C: 2}\n",
    "ml/raw.csv": "a,b,c\n",
    "ml/hand.bin": "bin\n",
    "ml/.gitignore": "hand.bin\n__pycache__\n",
}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A project in a subfolder; `feature` changes a helper and a param, and re-ran one stage."""
    project = Sandbox(tmp_path_factory.mktemp("origin"))
    project.write(PROJECT)
    project.run("repro", cwd="ml").ended(0)
    project.commit("base")
    project.git("checkout", "--quiet", "-b", "feature")
    project.edit("ml/helpers.py", "strip()", "strip().upper()")
    project.edit("ml/params.yaml", "C: 2", "C: 3")
    project.run("repro", "prepare", cwd="ml").ended(0)
    project.commit("feature")
    project.git("checkout", "--quiet", "main")
    project.append("ml/steps.py", "# late\n")
    project.edit("ml/params.yaml", "limit: 5", "limit: 6")
    project.commit("main goes on")
    return project


def clone(origin: Sandbox, place: Path, *options: str) -> Sandbox:
    subprocess.run(
        ["git", "clone", "--quiet", *options, f"file://{origin.root}", place],
        check=True, capture_output=True,
    )  # fmt: skip
    return Sandbox(place, git=False)


def rows(data: object) -> dict[str, tuple[str, str, object]]:
    assert isinstance(data, dict)
    return {s["name"]: (s["change"], s["state"], s["fresh"]) for s in data["stages"]}


EXPECTED = {
    "prepare": ("code", "stale", True),
    "train": ("params", "stale", False),
    "report": ("upstream", "stale", False),
}


@pytest.mark.parametrize("kind", ["checkout", "bare", "worktree", "no data"])
def test_a_revision_is_judged_from_git_alone(origin: Sandbox, tmp_path: Path, kind: str) -> None:
    """Given any kind of repository, without data, cache or packages, then answers are the same."""
    if kind == "checkout":
        place, cwd = origin, "ml"
    elif kind == "bare":
        place, cwd = clone(origin, tmp_path / "bare.git", "--bare"), "."
    elif kind == "worktree":
        origin.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), "main")
        place, cwd = Sandbox(tmp_path / "tree", git=False), "ml"
    else:
        place, cwd = clone(origin, tmp_path / "clone"), "ml"
    feature = "origin/feature" if kind == "no data" else "feature"
    before = sorted(os.listdir(place.root))

    found = place.run("status", "--rev", feature, "--json", cwd=cwd).ended(0).json["stages"]
    data = place.run("impact", "main", feature, "--json", cwd=cwd).ended(0).json

    states = {stage["name"]: stage["state"] for stage in found}
    assert states == {"prepare": "fresh", "train": "stale", "report": "stale", "lone": "unknown"}
    assert rows(data) == EXPECTED
    schema = json.loads((Path(__file__).parents[2] / "schemas/impact.schema.json").read_text())
    jsonschema.validate(data, schema)
    [code] = data["stages"][0]["reasons"]
    assert (code["subject"], code["file"], code["line"]) == ("helpers:normalize", "helpers.py", 1)
    assert code["chain"] == ["steps:prepare", "helpers:normalize"]
    paths = {(a["path"], a["kind"], a["change"]) for a in data["artifacts"]}
    assert paths == {
        ("clean.csv", "out", "affected"), ("model.txt", "out", "affected"),
        ("metrics.json", "metric", "affected"), ("report.txt", "out", "affected"),
    }  # fmt: skip
    if kind == "bare":
        assert sorted(os.listdir(place.root)) == before  # nothing is written there


def test_views_of_a_revision(origin: Sandbox) -> None:
    old = origin.git("rev-parse", "feature~1").strip()

    unknown = origin.run("status", "--rev", old, cwd="ml").ended(0)
    shown = origin.run("fingerprint", "show", "train", "--rev", "feature", "--json", cwd="ml")
    graph = origin.run("dag", "--rev", old, "--json", cwd="ml").ended(0).json
    names = origin.run("list", "--rev", old, cwd="ml").ended(0).stdout.split("\n")

    assert "lone  UNKNOWN   dep hand.bin is missing" in unknown.stdout
    assert "'hand.bin' is neither in git nor in a record or lock" in unknown.stderr
    [stage] = shown.ended(0).json["stages"]
    assert stage["params"][""] == {"C": 3}
    assert ["train", "prepare"] in graph["edges"]
    assert [name.split()[0] for name in names if name] == ["prepare", "train", "report", "lone"]


def test_impact_in_words(origin: Sandbox, tmp_path: Path) -> None:
    explained = origin.run("impact", "-e", "main", "feature", cwd="ml").ended(0).stdout
    text = origin.run("impact", "main", "feature", "--exit-code", cwd="ml").ended(1).stdout
    comment = origin.run("impact", "main", "feature", "--md", cwd="ml").ended(0).stdout

    assert text.startswith("feature affects 3 of 4 stages (against main, from which it parted at ")
    assert "  prepare  re-run     code helpers:normalize (helpers.py:1)\n" in text
    assert "  train    not re-run params C: 2 -> 3\n" in text
    assert text.endswith("2 of 3 not re-run: the committed locks do not stand for them.\n")
    assert "reached by steps:prepare -> helpers:normalize" in explained
    assert comment.startswith("### This change affects 3 of 4 stages\n")
    assert "| code `helpers:normalize` in `helpers.py:1` | `prepare` |" in comment
    assert "<details><summary>Artifacts (4)</summary>" in comment


def test_impact_against_where_they_parted_or_directly(origin: Sandbox) -> None:
    """What main did since is none of the feature's doing, unless it is compared with main itself."""
    parted = origin.run("impact", "main", "feature", "--json", cwd="ml").ended(0).json
    direct = origin.run("impact", "main", "feature", "--direct", "--json", cwd="ml").ended(0).json
    back = origin.run("impact", "feature", "main", "--json", cwd="ml").ended(0).json

    assert parted["from"] == origin.git("merge-base", "main", "feature").strip()
    reasons = {r["subject"] for r in direct["stages"][0]["reasons"]}
    assert reasons == {"helpers:normalize", "limit"}
    assert rows(back) == {
        "prepare": ("params", "stale", False),
        "train": ("upstream", "stale", False),
        "report": ("upstream", "stale", False),
    }


def test_ranges_mean_the_same_everywhere(origin: Sandbox) -> None:
    base = origin.git("merge-base", "main", "feature").strip()

    def told(*words: str) -> object:
        return origin.run(*words, "--json", cwd="ml").ended(0).json

    for command in (("diff",), ("params", "diff"), ("metrics", "diff"), ("plots", "diff")):
        assert told(*command, "main..feature") == told(*command, "main", "feature")
        assert told(*command, "main...feature") == told(*command, base, "feature")
    assert told("params", "diff", "main..feature") != told("params", "diff", "main...feature")
    header = origin.run("params", "diff", "main...feature", cwd="ml").ended(0).stdout.split("\n")[0]
    assert header.split() == ["Path", "Param", base[:8], "feature"]
    assert told("impact", "main...feature") == told("impact", "main", "feature")
    assert told("impact", "main..feature") == told("impact", "--direct", "main", "feature")


def test_impact_of_what_is_not_committed(origin: Sandbox, tmp_path: Path) -> None:
    place = clone(origin, tmp_path / "clone")
    clean = place.run("impact", cwd="ml").ended(0).stdout
    place.edit("ml/helpers.py", "text.strip()", "text.lstrip()")

    changed = place.run("impact", "--json", cwd="ml").ended(0).json

    assert clean.startswith("HEAD affects no stage (against origin/HEAD")
    assert changed["to"] == "workspace"
    assert rows(changed)["prepare"] == ("code", "stale", False)
    place.run("repro", "prepare", cwd="ml").ended(0)
    again = place.run("impact", cwd="ml").ended(0).stdout
    assert again.endswith("Not committed yet: .pivot/stages/prepare.lock.\n")
    place.run("repro", "report", cwd="ml").ended(0)
    assert "All of them were re-run; not committed yet: " in place.run("impact", cwd="ml").stdout
    place.commit("all")
    assert "the committed locks stand for them" in place.run("impact", cwd="ml").stdout


def test_stages_that_come_and_go(origin: Sandbox, tmp_path: Path) -> None:
    place = clone(origin, tmp_path / "clone")
    place.edit("ml/pivot.yaml", "report:", "summary:")
    place.write({"ml/new/pivot.yaml": "stages: {x: {cmd: echo}}\n"})

    text = place.run("impact", cwd="ml").ended(0)
    data = place.run("impact", "--json", cwd="ml").ended(0).json

    assert rows(data) == {
        "summary": ("added", "stale", False),
        "new/pivot.yaml:x": ("added", "stale", False),
        "report": ("removed", None, None),
    }
    assert "affects 2 of 5 stages and removes 1" in text.stdout


def test_a_stage_that_is_back_and_whose_lock_was_left(project: Sandbox) -> None:
    """Given a lock in git without its stage, then the stage is new, and what ran it stands."""
    one, two = (f"  {n}: {{cmd: cp i {n}.txt, deps: [i], outs: [{n}.txt]}}\n" for n in "ab")
    project.write({"pivot.yaml": f"stages:\n{one}{two}", "i": "1"})
    project.run("repro").ended(0)
    project.write({"pivot.yaml": f"stages:\n{one}"})
    project.commit("without")
    project.write({"pivot.yaml": f"stages:\n{one}{two}"})
    project.commit("with")
    data = project.run("impact", "HEAD~1", "HEAD", "--json").ended(0).json
    assert rows(data) == {"b": ("added", "fresh", True)}


def test_a_pipeline_that_would_have_to_be_run(project: Sandbox) -> None:
    """Given stages that only running it could tell, then they are unknown, and nothing runs."""
    project.write({"work.py": "def one(out):\n    out.write_text('1')\n", "pipeline.py": LITERAL})
    project.commit("literal")
    project.write({"pipeline.py": COMPUTED})
    project.run("repro").ended(0)
    project.remove("ran")
    project.commit("computed")
    project.append("work.py", "# late\n")
    project.commit("comment")

    turned = project.run("impact", "main~2", "main~1").ended(0)
    both = project.run("impact", "main~1", "main", "--json").ended(0)

    assert "main~1 leaves 2 unknown (against main~2" in turned.stdout
    assert turned.stdout.count("known only by running it") == 1
    assert "  a, b  unknown    " in turned.stdout
    assert "pipeline.py:5: its stages are known only by running it" in turned.stderr
    assert rows(both.json) == {
        "a": ("config", "unknown", None), "b": ("config", "unknown", None)
    }  # fmt: skip
    assert not project.has("ran")


LITERAL = """
    import pivot
    import work

    pipeline = pivot.Pipeline("demo")
    pipeline.register(work.one, name="a", outs={"out": "a.txt"})
    """
COMPUTED = """
    import pathlib
    import pivot
    import work

    pathlib.Path("ran").touch()
    pipeline = pivot.Pipeline("demo")
    for name in sorted({"a", "b"}):
        pipeline.register(work.one, name=name, outs={"out": f"{name}.txt"})
    """


def test_code_that_neither_version_can_show(project: Sandbox) -> None:
    """Given code that is broken in both alike, then the later one has not changed it."""
    project.write({"pivot.yaml": "stages: {a: {python: m.f, outs: {o: o}}}\n", "m.py": "def f(\n"})
    project.commit("broken")
    project.write({"other": "1"})
    project.commit("other")
    project.write({"m.py": "def f(o):\n    o.write_text('1')\n"})
    project.commit("mended")

    same = project.run("impact", "main~2", "main~1", "--json").ended(0).json
    mended = project.run("impact", "main~1", "main").ended(0).stdout
    broken = project.run("impact", "main", "main~1", "--direct", "--json").ended(0).json

    assert rows(same) == {}
    assert "a  not re-run code could not be read before" in mended
    assert rows(broken) == {"a": ("code", "unknown", False)}


def test_a_project_that_begins(project: Sandbox) -> None:
    project.write({"readme": "x"})
    project.commit("before")
    project.git("checkout", "--quiet", "-b", "feature")
    project.write({"pivot.yaml": "stages: {a: {cmd: echo 1 > o, outs: [o]}}\n"})
    project.commit("pipeline")

    data = project.run("impact", "main", "--json").ended(0)

    assert rows(data.json) == {"a": ("added", "stale", False)}
    assert "there is no project at" in data.stderr
    for words in ("diff main", "params diff main", "metrics diff main", "checkout --rev main",
                  "plots diff main", "metrics show --rev main", "gc --rev main"):  # fmt: skip
        assert "there is no project at main" in project.run(*words.split()).ended(0).stderr
    assert "no project" not in project.run("metrics", "show", "-A").ended(0).stderr


@pytest.mark.parametrize("kind", ["pivot", "dvc"])
def test_a_lock_that_a_revision_has_and_nobody_can_read(
    project: Sandbox, tmp_path: Path, kind: str
) -> None:
    """What it says is unknown: not gone, not changed, and no reason to be silent."""
    stages = "".join(f"  {n}: {{cmd: echo {n} > {n}, outs: [{n}]}}\n" for n in "ab")
    name = "dvc.yaml" if kind == "dvc" else "pivot.yaml"
    project.write({name: f"stages:\n{stages}"})
    if kind == "dvc":
        project.write({".dvc/config": ""})
    project.repro()
    project.run("remote", "add", "-d", "store", str(tmp_path / "store")).ended(0)
    project.commit()
    project.git("tag", "good")
    lock = "dvc.lock" if kind == "dvc" else ".pivot/stages/a.lock"
    text = project.read(lock)
    project.write({lock: f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> x\n"})
    project.git("commit", "-qam", "broken")
    project.git("tag", "bad")
    project.git("reset", "-q", "--hard", "good")
    shown = "it has conflict markers (at bad)"
    calls = (
        ("push", "--rev", "bad"),
        ("fetch", "--rev", "bad"),
        ("pull", "--rev", "bad"),
        ("checkout", "--rev", "bad"),
        ("checkout", "--rev", "bad", "a", "-o", "copy"),
        ("diff", "good", "bad"),
        ("diff", "bad", "good", "--json"),
        ("diff", "good", "bad", "--", "a"),
    )
    for words in calls:
        said = project.run(*words).ended(2)
        assert f"error: {lock}:1: {shown}" in said.stderr, words
        assert not {"Deleted", "Added", "Modified", '"path"'} & set(said.stdout.split()), words
    assert "not known" in project.run("get", ".", "a", "--rev", "bad", "-o", "x").ended(2).stderr
    assert shown in project.run("push", "--all-tags").ended(0).stderr
    whole = project.run("diff", "good", "bad", "--", "b")
    assert whole.code == (2 if kind == "dvc" else 0)


def test_what_a_clone_lacks(origin: Sandbox, tmp_path: Path) -> None:
    """Given a shallow clone, then what is missing is named with the command that brings it."""
    shallow = clone(origin, tmp_path / "shallow", "--depth", "1", "--branch", "feature")

    absent = shallow.run("impact", "origin/main", cwd="ml").ended(2).stderr
    shallow.git("fetch", "--quiet", "--depth", "1", "origin", "main:main")
    apart = shallow.run("impact", "main", cwd="ml").ended(2).stderr
    direct = shallow.run("impact", "--direct", "main", "--json", cwd="ml").ended(0).json
    usual = clone(origin, tmp_path / "usual", "--depth", "1", "--branch", "feature")
    unclear = usual.run("impact", cwd="ml").ended(2).stderr
    command = unclear.rpartition("by `git ")[2].partition("`")[0]
    usual.git(*(word.strip("'") for word in command.split()))

    assert "this clone is shallow" in unclear
    assert "`pivot impact origin/BRANCH`" in unclear
    main = usual.run("impact", "origin/main", "--json", cwd="ml").ended(0)
    assert rows(main.json) == EXPECTED
    assert "git fetch --unshallow origin main:refs/remotes/origin/main feature`" in absent
    assert "'main' and 'HEAD' have no common ancestor in this shallow clone" in apart
    assert "`git fetch --unshallow origin main feature`" in apart
    assert rows(direct)["prepare"][:2] == ("code", "stale")
    shallow.git("fetch", "--quiet", "--unshallow", "origin", "main", "feature")
    assert rows(shallow.run("impact", "main", "--json", cwd="ml").ended(0).json) == EXPECTED
    other = clone(origin, tmp_path / "other", "--depth", "1", "--branch", "feature")
    advice = other.run("impact", "main", cwd="ml").ended(2).stderr
    command = advice.rpartition("by `")[2].partition("`")[0]
    assert command == "git fetch --unshallow origin main:main feature"
    other.git("fetch", "--quiet", *command.split()[2:])
    assert rows(other.run("impact", "main", "--json", cwd="ml").ended(0).json) == EXPECTED
    for revision in ("HEAD@{99}", "main@{7}"):
        refused = other.run("status", "--rev", revision, cwd="ml").ended(2).stderr
        assert f"there is no revision '{revision}'" in refused


def test_where_several_projects_are(project: Sandbox, tmp_path: Path) -> None:
    stages = "stages: {a: {cmd: cat i > o, deps: [i], outs: [o]}}\n"
    project.write({"one/pivot.yaml": stages, "two/pivot.yaml": stages, "one/i": "1", "two/i": "1"})
    project.commit("both")
    project.write({"two/i": "2"})
    project.commit("edit")
    bare = clone(project, tmp_path / "bare.git", "--bare")

    refused = bare.run("impact", "main~1", "main").ended(2).stderr
    one = bare.run("impact", "main~1", "main", "--project", "one", "--json").ended(0).json
    two = bare.run("impact", "main~1", "main", "--project", "two", "--json").ended(0).json

    assert "there are 2 projects at main: 'one', 'two'" in refused
    for words in ("impact main~1 main", "status", "repro", "status --rev main", "diff main"):
        refused = project.run(*words.split()).ended(2).stderr
        assert "'one', 'two'; `pivot -C FOLDER" in refused
        assert "pivot init" not in refused
    for command in ("diff", "params diff", "metrics diff", "plots diff"):
        words = [*command.split(), "main~1", "main"]
        assert "there are 2 projects at main" in bare.run(*words).ended(2).stderr
        bare.run(*words, "--project", "two", "--json").ended(0)
        alone = "show" if "plots" in command else "diff"
        refused = bare.run(*command.split()[:-1], alone).ended(2).stderr
        assert "a bare repository has no working tree" in refused
    shown = ("metrics", "show", "--rev", "main~1", "--project")
    assert list(bare.run(*shown, "one", "--json").ended(0).json) == ["main~1"]
    assert "use `-C FOLDER`" in project.run(*shown, "one", cwd="one").ended(2).stderr
    for words in ("history", "gc", "status", "repro", "checkout --rev main"):
        refused = bare.run(*words.split()).ended(2).stderr
        assert "the others need a work tree: clone it" in refused
    for words in ("status", "list", "dag", "verify", "explain a", "fingerprint show a"):
        assert f"`{words.removesuffix(' a')}`" in refused
        told = bare.run(*words.split(), "--rev", "main", "--project", "two")
        told.ended(1 if words == "verify" else 0)  # nothing of it was run
    assert rows(one) == {}
    assert rows(two) == {"a": ("deps", "stale", False)}


def test_a_project_s_folder_that_was_renamed(project: Sandbox) -> None:
    """Given a project that lay elsewhere at a revision, then that it was not here is said."""
    stages = "stages: {a: {cmd: cat i > o, deps: [i], outs: [o]}}\n"
    project.write({"one/pivot.yaml": stages, "two/pivot.yaml": stages, "one/i": "1", "two/i": "1"})
    project.run("repro", cwd="one").ended(0)
    project.commit("both")
    project.git("mv", "one", "three")

    for words in ("diff main", "params diff", "checkout --rev main", "diff main -- o"):
        said = project.run(*words.split(), cwd="three").ended(0).stderr
        assert "there is no project in 'three' at " in said
        assert "there are 'one', 'two'" in said
    lacks = project.run("checkout", "o", "--rev", "main", "-o", "n", cwd="three").ended(2).stderr
    assert "there is no project in 'three' at main" in lacks


def test_what_git_does_not_hold_as_it_is(project: Sandbox, tmp_path: Path) -> None:
    """Links are followed within the repository; pointers and submodules are said."""
    other = Sandbox(tmp_path / "other").write({"x": "x"})
    other.commit("x")
    project.write(
        {
            "pivot.yaml": """
                stages:
                  linked: {cmd: cat link > a, deps: [link], outs: [a]}
                  large: {cmd: cat big > b, deps: [big], outs: [b]}
                  inner: {cmd: ls sub > c, deps: [sub], outs: [c]}
                  whole: {cmd: ls data > d, deps: [data], outs: [d]}
                """,
            "data/real": "1",
            "big": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        }
    )
    (project.root / "link").symlink_to("data/real")
    project.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
                f"file://{other.root}", "sub")  # fmt: skip
    project.run("repro").ended(0)
    project.commit("all")
    project.write({"data/real": "2"})
    project.commit("edit")

    found = project.run("status", "--rev", "HEAD", "--json").ended(0)

    states = {stage["name"]: stage["state"] for stage in found.json["stages"]}
    assert states == {"linked": "stale", "large": "unknown", "inner": "unknown", "whole": "stale"}
    assert "git holds a pointer to large file storage, not the file" in found.stderr
    assert "'sub' is a submodule, which is not looked into" in found.stderr


def test_outs_of_other_stages_in_a_folder_that_is_read(project: Sandbox, tmp_path: Path) -> None:
    """Given a folder of files in git, outs and tracked data, then it is what they make it."""
    project.write(
        {
            "pivot.yaml": """
                stages:
                  make: {cmd: mkdir -p d/made/in && cp i d/made/o && cp i d/made/in/o, deps: [i], outs: [d/made]}
                  read: {cmd: ls -R d > r, deps: [d], outs: [r]}
                  part: {cmd: cat d/made/o > p, deps: [d/made/o, d/made/in], outs: [p]}
                """,
            "i": "1",
            "d/plain": "p",
            "d/raw": "raw",
        }
    )
    project.run("track", "d/raw").ended(0)
    project.run("repro").ended(0)
    project.commit("all")
    bare = clone(project, tmp_path / "bare.git", "--bare")

    here = project.run("status", "--rev", "HEAD", "--json").ended(0).json["stages"]
    away = bare.run("status", "--rev", "HEAD", "--json").ended(0).json["stages"]
    accepted = bare.run("verify", "--rev", "HEAD", "--allow-missing").ended(0).stdout

    assert {stage["state"] for stage in here} == {"fresh"}
    assert {s["name"]: s["state"] for s in away} == {
        "make": "fresh", "read": "unknown", "part": "unknown",
    }  # fmt: skip
    assert accepted == "Verified 3 stages and 4 artifacts.\n"


DVC = {
    ".dvc/config": "",
    "dvc.yaml": """
        stages:
          first: {cmd: python run.py > a, deps: [run.py, i], params: [times], outs: [a]}
          second: {cmd: cat a > b, deps: [a], outs: [b]}
        """,
    "run.py": "import part\n\nprint(open('i').read(), part.VALUE)\n",
    "part.py": "VALUE = 1\n",
    "params.yaml": "times: 1\n",
    "i": "1",
    ".gitignore": "__pycache__\n",
}


def test_impact_in_a_dvc_repository(project: Sandbox, tmp_path: Path) -> None:
    """Code behind commands counts, also where only DVC has written the lock."""
    project.write(DVC)
    project.run("repro").ended(0)
    shutil.rmtree(project.root / ".pivot/stages")  # as `dvc repro` would have left it
    project.commit("base")
    project.edit("part.py", "1", "2")
    project.commit("code")
    project.edit("run.py", "import part", "import part  # the part")
    project.commit("comment")
    bare = clone(project, tmp_path / "bare.git", "--bare")

    code = bare.run("impact", "main~2", "main~1", "--json").ended(0).json
    comment = bare.run("impact", "main~1", "main", "--json").ended(0).json
    state = bare.run("status", "--rev", "main~1", "--json").ended(0).json["stages"]

    assert rows(code) == {
        "first": ("code", "stale", False), "second": ("upstream", "stale", False)
    }  # fmt: skip
    assert rows(comment) == {}
    assert [stage["state"] for stage in state] == ["stale", "stale"]


def test_a_migration_leaves_stages_of_subfolders_what_they_are(project: Sandbox) -> None:
    stages = "a: {cmd: cp i o, deps: [i], outs: [o]}, b: {cmd: cp o p, deps: [o], outs: [p]}"
    project.write({".dvc/config": "", ".dvc/.gitignore": "/tmp\n/cache\n", "sub/i": "1"})
    project.write({"sub/dvc.yaml": f"stages: {{{stages}}}"})
    project.run("repro").ended(0)
    project.commit("with DVC")
    project.run("migrate").ended(0)
    project.commit("with Pivot")
    project.edit("sub/pivot.yaml", "cp o p", "cp o  p")
    project.commit("edited")

    migrated = project.run("impact", "HEAD~2", "HEAD~1", "--json").ended(0).json
    edited = project.run("impact", "HEAD~2", "HEAD", "--json").ended(0).json
    back = project.run("impact", "--direct", "HEAD", "HEAD~2", "--json").ended(0).json

    assert rows(migrated) == {}
    assert rows(edited) == {"sub/pivot.yaml:b": ("command", "stale", False)}
    assert rows(back) == {"sub/dvc.yaml:b": ("command", "stale", True)}


def test_wrong_words(project: Sandbox) -> None:
    project.write({"pivot.yaml": "stages: {a: {cmd: echo, deps: [i], outs: [o]}}\n", "i": "1"})
    nothing = project.run("impact").ended(2).stderr
    early = project.run("impact", "main").ended(2).stderr
    project.commit("one")
    cases = {
        ("impact", "mian"): "did you mean 'main'?",
        ("status", "--rev", "main..HEAD"): "name one: main or HEAD",
        ("impact", "main..HEAD", "HEAD"): "one more is given",
        ("impact", "main...HEAD", "--direct"): "give main..HEAD",
        ("params", "diff", "main..HEAD", "HEAD"): "3 revisions are given",
        ("impact", "main", ""): "'' is no revision",
        ("impact", "HEAD:pivot.yaml"): "names a blob of git's, not a commit",
        ("impact", "--", "--output=x"): "there is no revision '--output=x'",
        (
            "impact",
            "main",
            "main",
            "--project",
            "nowhere",
        ): "there is no Pivot project in 'nowhere'",
        ("impact", "--md", "--json"): "cannot be combined",
        ("impact", "HEAD~5"): "goes back beyond the first commit",
        ("status", "--rev", "HEAD", "--diff"): "--diff and --rev cannot be combined",
        ("status", "--project", "x"): "add `--rev`",
        ("verify", "--rev", "nope"): "there is no revision 'nope'",
        ("verify", "b"): "'b'",
    }
    for words, said in cases.items():
        result = project.run(*words)
        assert result.code == 2, result
        assert said in result.stderr, result
    assert "'HEAD' names nothing: there is no commit yet" in nothing
    assert "there is no commit yet" in early
    project.git("branch", "--move", "trunk")
    assert "no branch to compare with" in project.run("impact").ended(2).stderr
    project.write({"pivot.yaml": "stages: [\n"})
    project.commit("broken")
    broken = project.run("impact", "HEAD~1", "HEAD").ended(2)
    assert "pivot.yaml:2:1: the file ends" in broken.stderr
    assert "config pivot.yaml" not in broken.stdout
    assert broken.stdout.startswith("HEAD leaves 1 unknown (")


def test_what_can_be_read_on_neither_side_is_no_all_clear(project: Sandbox) -> None:
    project.write({"pivot.yaml": "stages: [\n"})
    project.commit("broken")
    project.write({"pivot.yaml": "stages: [ {\n", "sub/pivot.yaml": "stages: {a: {cmd: x}}\n"})
    project.commit("broken otherwise")
    text = project.run("impact", "HEAD~1", "HEAD").ended(2).stdout
    assert text.startswith("HEAD affects 1 of 1 stage and leaves all stages of pivot.yaml unknown")
    project.git("revert", "--no-edit", "HEAD")
    text = project.run("impact", "HEAD~1", "HEAD", "--direct").ended(2).stdout
    assert "removes 1 and leaves all stages of pivot.yaml unknown (against HEAD~1)." in text
    shown = project.run("impact", "HEAD~2", "HEAD").ended(2).stdout
    assert shown.startswith("HEAD leaves all stages of pivot.yaml unknown")
    posted = project.run("impact", "HEAD~2", "HEAD", "--md").ended(2).stdout
    assert posted.startswith(
        "### This change leaves all stages of pivot.yaml unknown\n\n- pivot.yaml:2"
    )
    data = project.run("impact", "HEAD~2", "HEAD", "--json").ended(2).json
    assert [(one["file"], one["stage"]) for one in data["unread"]] == [("pivot.yaml", None)]


def test_an_out_that_dvc_lock_does_not_name_is_made(project: Sandbox) -> None:
    """Given a renamed output, then what the lock has of others does not stand for it."""
    project.write(
        {
            ".dvc/config": "",
            "dvc.yaml": "stages: {a: {cmd: cp i o && cp i p, deps: [i], outs: [o]}}",
            "i": "1",
        }
    )
    project.run("repro").ended(0)
    project.edit("dvc.yaml", "[o]", "[p]")
    project.remove("p")

    assert project.stale() == {"a"}
    assert project.ran() == {"a"}
    assert not project.stale()
