"""params, metrics, diff and checkout at revisions, in a project of Pivot's own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Sandbox

FILES: dict[str, str | bytes] = {
    "pivot.yaml": """
        vars: [{seed: 7}, extra.yaml]
        metrics: [table.csv]
        stages:
          prepare:
            python: steps.prepare
            params: {seed: "${seed}", k: "${k}", limit: 3}
            outs: {clean: data/clean.csv, parts: {path: parts, type: directory}}
          train:
            python: steps.train
            deps: {data: data/clean.csv}
            params: {C: "${train.C}"}
            metrics: {metrics: {path: metrics.json, cache: false}}
          fit:
            matrix: {m: [1, 2]}
            cmd: echo '{"v":${item.m}}' > fit-${item.m}.json
            metrics: ["fit-${item.m}.json"]
        """,
    "steps.py": """
        import json
        from pathlib import Path


        def prepare(seed, k, limit, clean, parts):
            clean.write_text(f"a,b\\n1,{seed}\\n2,{k}\\n")
            parts.mkdir(exist_ok=True)
            for number in range(k):
                (parts / f"p{number}.txt").write_text(str(number))


        def train(data, C, metrics):
            metrics.write_text(json.dumps({"acc": C * 2, "n": {"rows": 3}, "why": [1]}))
        """,
    "params.yaml": "train: {C: 0.5}\n",
    "extra.yaml": "k: 2\n",
    "table.csv": "epoch,loss\n1,0.5\n2,0.25\n",
    "tracked.bin": b"first",
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Two commits: v1, and main with other params, data and results."""
    project = Sandbox(tmp_path_factory.mktemp("reviews") / "project")
    project.write(FILES)
    project.run("track", "tracked.bin").ended(0)
    project.repro()
    project.commit("one")
    project.git("tag", "v1")
    project.write({"params.yaml": "train: {C: 0.75}\n", "extra.yaml": "k: 3\n"})
    project.write({"table.csv": "epoch,loss\n1,0.5\n2,0.125\n"})
    project.edit("pivot.yaml", "seed: 7", "seed: 8")
    project.edit("pivot.yaml", "limit: 3", "limit: 4")
    (project.root / "tracked.bin").write_bytes(b"second!")
    project.run("commit", "tracked.bin.pvt").ended(0)
    project.repro()
    project.commit("two")
    yield project
    shutil.rmtree(project.root.parent, ignore_errors=True)


@pytest.fixture
def project(history: Sandbox, tmp_path: Path) -> Sandbox:
    return history.copy(tmp_path / "project")


def test_params_of_files_of_vars_and_of_the_pipeline_itself(history: Sandbox) -> None:
    found = history.run("params", "diff", "v1", "HEAD", "--json").ended(0).json
    assert found == {
        "params.yaml": {"train.C": {"old": 0.5, "new": 0.75, "diff": 0.25}},
        "extra.yaml": {"k": {"old": 2, "new": 3, "diff": 1}},
        "pivot.yaml": {
            "prepare.seed": {"old": 7, "new": 8, "diff": 1},
            "prepare.limit": {"old": 3, "new": 4, "diff": 1},
        },
    }
    shown = history.run("params", "show", "--rev", "v1", "--json").ended(0).json
    assert list(shown) == ["workspace", "v1"]
    assert shown["v1"]["data"]["pivot.yaml"] == {"data": {"prepare": {"seed": 7, "limit": 3}}}
    only = history.run("params", "diff", "v1", "--targets", "extra.yaml", "--md").ended(0)
    assert only.stdout.splitlines() == [
        "| Path       | Param   | v1   | workspace   |",
        "|------------|---------|------|-------------|",
        "| extra.yaml | k       | 2    | 3           |",
    ]


def test_metrics_of_git_of_the_cache_and_of_tables(history: Sandbox) -> None:
    found = history.run("metrics", "diff", "v1", "--json").ended(0).json
    assert found == {
        "metrics.json": {"acc": {"old": 1.0, "new": 1.5, "diff": 0.5}},
        "table.csv": {"loss": {"old": 0.25, "new": 0.125, "diff": -0.125}},
    }
    none = history.run("metrics", "diff", "v1", "--json", "--targets", "table.csv", "nope.json")
    assert list(none.ended(2).json) == ["table.csv"]
    assert "there is no 'nope.json'\n  `pivot metrics show` shows all" in none.stderr
    every = history.run("metrics", "diff", "v1", "HEAD", "--all", "--no-path", "--precision", "1")
    assert every.ended(0).stdout.split("\n")[0].split() == ["Metric", "v1", "HEAD", "Change"]
    assert "loss" in every.stdout
    assert "-0.1" in every.stdout
    shown = history.run("metrics", "show", "-T", "-a", "--json").ended(0).json
    assert list(shown) == ["main", "v1"]  # the working tree is as main has it
    assert shown["v1"]["data"]["fit-2.json"] == {"data": {"v": 2}}
    assert shown["v1"]["data"]["metrics.json"] == {"data": {"acc": 1.0, "n": {"rows": 3}}}


def test_values_that_no_cache_has_come_from_the_remote(project: Sandbox, tmp_path: Path) -> None:
    project.run("remote", "add", "--default", "store", str(tmp_path / "store")).ended(0)
    project.run("push", "--rev", "v1").ended(0)
    (project.root / "fit-1.json").unlink()
    shutil.rmtree(project.root / ".pivot/cache/files")
    without = project.run("metrics", "show", "fit-1.json", "--rev", "v1", "--json").ended(0)
    error = without.json["v1"]["data"]["fit-1.json"]["error"]
    assert error["type"] == "FileNotFoundError"
    assert "'fit-1.json' is not in the cache; `--fetch` asks the remote" in without.stderr
    fetched = project.run("metrics", "show", "fit-1.json", "--rev", "v1", "--json", "--fetch")
    assert fetched.ended(0).json["v1"]["data"]["fit-1.json"] == {"data": {"v": 1}}
    target = tmp_path / "old.csv"
    inside = project.run("metrics", "show", "parts/p1.txt", "--rev", "v1", "--json", "--fetch")
    assert inside.ended(0).json["v1"]["data"]["parts/p1.txt"] == {"data": 1}
    shutil.rmtree(project.root / ".pivot/cache/files")
    call = ("checkout", "data/clean.csv", "--rev", "v1", "-o", str(target))
    assert "`--fetch` asks the remote" in project.run(*call).ended(1).stderr
    project.run(*call, "--fetch").ended(0)
    assert target.read_text() == "a,b\n1,7\n2,2\n"


def test_artifacts_that_differ(history: Sandbox) -> None:
    found = history.run("diff", "v1", "HEAD", "--json").ended(0).json
    assert found == {
        "added": [{"path": "parts/p2.txt", "size": 1}],
        "deleted": [],
        "modified": [
            {"path": "data/clean.csv", "size": {"old": 12, "new": 12}},
            {"path": "parts/", "size": {"old": 2, "new": 3}},
            {"path": "tracked.bin", "size": {"old": 5, "new": 7}},
        ],
        "renamed": [],
    }
    assert history.run("diff", "v1..HEAD", "--json").ended(0).json == found
    assert history.run("diff", "HEAD", "--exit-code").ended(0).stdout == ""
    text = history.run("diff", "v1", "--exit-code").ended(1).stdout
    assert text.splitlines()[:2] == ["Added:", "    parts/p2.txt  1 B"]
    assert "tracked.bin     5 B -> 7 B" in text
    assert text.endswith("files summary: 1 added, 2 modified\n")
    part = history.run("diff", "v1", "--md", "--", "parts").ended(0).stdout.splitlines()
    assert [line.split("|")[2].strip() for line in part[2:]] == ["parts/p2.txt", "parts/"]
    assert history.run("diff", "v1", "parts", "--json").ended(0).json["modified"] == [
        {"path": "parts/", "size": {"old": 2, "new": 3}}
    ]
    below = history.run("diff", "v1", cwd="data").ended(0).stdout.splitlines()
    assert [line.split()[0] for line in below[1:2] + below[4:7]] == [
        "../parts/p2.txt", "clean.csv", "../parts/", "../tracked.bin",
    ]  # fmt: skip
    again = history.run("diff", "v1", "../parts/", cwd="data").ended(0).stdout
    assert again.startswith("Added:\n    ../parts/p2.txt  1 B\n\nModified:\n    ../parts/  ")
    gone = history.run("diff", "HEAD", "v1", "../parts/p2.txt", cwd="data").ended(0).stdout
    assert gone.startswith("parts/p2.txt: removed")


def test_a_revision_is_checked_out_and_nothing_of_the_code(project: Sandbox) -> None:
    before = {path: project.read(path) for path in ("steps.py", "pivot.yaml", "params.yaml")}
    done = project.run("checkout", "--rev", "v1").ended(0)
    assert done.stdout == "4 restored, 2 unchanged.\n"
    assert project.read("data/clean.csv") == "a,b\n1,7\n2,2\n"
    assert sorted(path.name for path in (project.root / "parts").iterdir()) == ["p0.txt", "p1.txt"]
    assert json.loads(project.read("metrics.json"))["acc"] == 1.0
    assert (project.root / "tracked.bin").read_bytes() == b"first"
    assert {path: project.read(path) for path in before} == before
    assert project.git("status", "--short").split() == ["M", "metrics.json"]
    (project.root / "data/clean.csv").write_text("mine, nowhere else\n")
    refused = project.run("checkout", "--rev", "HEAD", "data/clean.csv").ended(1)
    assert "data/clean.csv was changed and is stored nowhere" in refused.stderr
    assert project.read("data/clean.csv") == "mine, nowhere else\n"
    project.run("checkout", "--rev", "HEAD", "--force").ended(0)
    assert project.git("status", "--short") == ""
    assert project.stale() == set()


def test_places_that_are_gits_now_are_left_alone(project: Sandbox) -> None:
    project.edit("pivot.yaml", "clean: data/clean.csv", "clean: data/other.csv")
    project.edit("pivot.yaml", "data: data/clean.csv", "data: data/other.csv")
    project.write({"data/clean.csv": "source code now\n", "data/.gitignore": ""})
    project.commit("three")
    done = project.run("checkout", "--rev", "v1", "--force", "data/clean.csv").ended(1)
    assert "data/clean.csv is left alone: it is git's here" in done.stderr
    assert project.read("data/clean.csv") == "source code now\n"


def test_a_file_or_folder_of_a_revision_is_written_elsewhere(project: Sandbox) -> None:
    project.run("checkout", "parts", "--rev", "v1", "-o", "old/parts").ended(0)
    assert sorted(p.name for p in (project.root / "old/parts").iterdir()) == ["p0.txt", "p1.txt"]
    (project.root / "old/parts/p0.txt").write_text("a copy may be edited")
    project.run("checkout", "p1.txt", "--rev", "v1", "-o", "../old", cwd="parts").ended(0)
    assert project.read("old/p1.txt") == "1"
    project.run("checkout", "metrics.json", "--rev", "v1", "--out", "m.json").ended(0)
    assert project.json("m.json")["acc"] == 1.0
    again = ("checkout", "parts", "--rev", "v1", "-o", "old")
    assert "old/parts' exists already" in project.run(*again).ended(2).stderr
    project.run(*again, "--force").ended(0)
    assert project.read("old/parts/p0.txt") == "0"
    project.write({"src/a/run.sh": "echo\n", "src/b.txt": "b\n"})
    (project.root / "src/a/run.sh").chmod(0o755)
    shutil.copy(project.root / "tracked.bin", project.root / "src/own.bin")
    project.run("track", "src/own.bin").ended(0)
    project.commit("a folder")
    shutil.rmtree(project.root / "src")
    project.run("checkout", "src", "--rev", "HEAD", "-o", "old").ended(0)
    made = {path.name for path in (project.root / "old/src").rglob("*")}
    assert made == {"a", "run.sh", "b.txt", "own.bin", ".gitignore"}
    assert (project.root / "old/src/own.bin").read_bytes() == b"second!"
    assert (project.root / "old/src/a/run.sh").stat().st_mode & 0o111
    project.run("checkout", "data", "--rev", "v1", "-o", "older").ended(0)
    assert project.read("older/clean.csv") == "a,b\n1,7\n2,2\n"
    project.write({"old/src/mine.txt": "mine"})
    project.run("checkout", "src", "--rev", "HEAD", "-o", "old", "--force").ended(0)
    assert project.read("old/src/mine.txt") == "mine"
    project.remove(".pivot/cache")
    lacks = project.run("checkout", "data", "--rev", "v1", "-o", "oldest").ended(1)
    assert "'data/clean.csv' at v1 are not in the cache" in lacks.stderr
    assert not project.has("oldest")


def test_what_a_known_folder_does_not_hold_is_called_so(project: Sandbox) -> None:
    """Given a directory output whose files are known, then one that it lacks is not its stage's."""
    part = ("checkout", "parts/p11.txt", "--rev", "v1", "-o", "out")
    for call in (part, ("get", ".", "parts/p11.txt", "--rev", "v1", "-o", "out")):
        said = project.run(*call).ended(2).stderr
        assert "'parts' has no 'p11.txt' in it\n  did you mean 'p1.txt'?" in said
    for call in (("checkout", "data/clean.csv/x", "--rev", "v1", "-o", "out"),
                 ("get", ".", "data/clean.csv/x", "--rev", "v1", "-o", "out")):  # fmt: skip
        assert "'data/clean.csv' is a file, and has no 'x'" in project.run(*call).ended(2).stderr
    project.run("remote", "add", "--default", "origin", "../remote").ended(0)
    project.run("push", "-A").ended(0)
    project.remove(".pivot/cache")
    lacks = project.run(*part).ended(1).stderr
    assert "the list of files of 'parts' at v1 is not in the cache" in lacks
    assert "'parts' has no 'p11.txt' in it" in project.run(*part, "--fetch").ended(2).stderr


def test_in_a_bare_clone_and_from_a_subfolder(history: Sandbox, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--bare", history.root, tmp_path / "bare"], check=True)
    bare = Sandbox(tmp_path / "bare", git=False)
    wanted = history.run("params", "diff", "v1", "main", "--json").ended(0).json
    assert bare.run("params", "diff", "v1", "main", "--json").ended(0).json == wanted
    assert "has no working tree" in bare.run("metrics", "show").ended(2).stderr
    assert bare.run("diff", "v1", "main", "--json").ended(0).json["modified"]
    below = history.run("params", "diff", "v1", "main", "--json", cwd="data").ended(0).json
    assert below == {f"../{path}": changes for path, changes in wanted.items()}


#: Arguments, and what stderr must hold.
WRONG = {
    ("params", "diff", "nope"): "there is no revision 'nope'",
    ("metrics", "diff", "v2"): "there are main, v1",
    ("params", "diff", "--json", "--md"): "--json and --md cannot be combined",
    ("metrics", "diff", "--precision", "x"): "--precision",
    ("diff", "a", "b", "c"): "'a' is neither a revision nor a path",
    ("diff", "v1", "HEAD", "HEAD~1"): "3 revisions are given",
    ("diff", "parts", "v1"): "'v1' comes after a path",
    ("diff", "v1", "--", "nothing"): "'nothing' is ",
    ("diff", "--", "part"): "did you mean 'parts'?",
    ("checkout", "-o", "x", "parts"): "--out needs `--rev REV`",
    ("checkout", "--fetch"): "`pivot pull` fetches",
    ("checkout", "--rev", "v1", "-o", "x", "parts", "data"): "not 2 paths",
    ("checkout", "--rev", "v1", "-o", "x", "partz"): "did you mean 'parts'?",
    ("checkout", "--rev", "man"): "did you mean 'main'?",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_what_people_get_wrong(history: Sandbox, arguments: tuple[str, ...]) -> None:
    result = history.run(*arguments).ended(2)
    assert WRONG[arguments] in result.stderr, result
    assert "Traceback" not in result.stderr
    assert not history.has("x")


def test_a_word_that_could_be_either_is_settled_by_dashes(project: Sandbox) -> None:
    project.git("branch", "parts", "v1")
    doubtful = project.run("diff", "parts").ended(2).stderr
    assert "'parts' is both a revision and a path" in doubtful
    assert project.run("diff", "parts", "--", "--json").ended(2)  # `--json` is a path then
    assert project.run("diff", "--json", "--", "parts").ended(0).json == {}
    assert project.run("diff", "--json", "parts", "--").ended(0).json["modified"]


def test_without_a_repository_only_what_needs_one_fails(tmp_path: Path) -> None:
    project = Sandbox(tmp_path / "project", git=False).write(FILES)
    project.repro()
    shown = project.run("metrics", "show", "--json").ended(0).json
    assert shown[""]["data"]["metrics.json"] == {"data": {"acc": 1.0, "n": {"rows": 3}}}
    for call in (
        ("params", "diff"),
        ("metrics", "show", "-a"),
        ("diff",),
        ("checkout", "--rev", "x"),
    ):
        assert (
            "is in no git repository, and this needs revisions"
            in project.run(*call).ended(2).stderr
        )
    empty = Sandbox(tmp_path / "empty").write(FILES)
    for call in (("params", "diff", "--json"), ("metrics", "diff", "--json"), ("diff", "--json")):
        result = empty.run(*call).ended(0)
        assert result.json == {}
        assert "no commit yet" in result.stderr


def test_files_without_values_say_why(project: Sandbox) -> None:
    broken: dict[str, str | bytes] = {
        "bad/a.json": "{",
        "bad/b.yaml": "a: [",
        "bad/c.toml": "a=",
        "bad/d.py": "a=(",
        "bad/e.json": b"\xff",
        "bad/f.json": "version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
        "bad/g.tsv": "x\ty\n1\ttext\n",
        "bad/sub/pivot.yaml": "",
        "bad/h.json": "[1, 2]",
        "bad/i.png": b"\x89PNG",
        "bad/.hidden.json": "{}",
        "bad/.dvc/x.json": "{}",
        "bad/j.py": "a = 1\n",
    }
    project.write(broken)
    wanted = ("bad", "bad/d.py", "nowhere", "parms.yaml")
    shown = project.run("params", "show", "--json", *wanted).ended(2)
    assert "did you mean 'params.yaml'?" in shown.stderr
    assert "bad/j.py" not in shown.json[""]["data"]
    shown = project.run("metrics", "show", "--json", "-R", *wanted[:3]).ended(2)
    data = shown.json[""]["data"]
    kinds = {path: entry["error"]["type"] for path, entry in data.items() if "error" in entry}
    assert kinds == {
        "bad/a.json": "JSONFileCorruptedError",
        "bad/b.yaml": "YAMLFileCorruptedError",
        "bad/c.toml": "TOMLFileCorruptedError",
        "bad/d.py": "PythonFileCorruptedError",
        "bad/e.json": "EncodingError",
        "bad/f.json": "OSError",
        "nowhere": "FileNotFoundError",
    }
    assert data["bad/g.tsv"] == {"data": {"x": 1, "y": "text"}}
    assert data["bad/h.json"] == {"data": {}}
    for says in ("bad/a.json:1:2: not valid JSON", "only a pointer to the large file 'bad/f.json'",
                 "'bad/e.json' is not UTF-8 text", "there is no 'nowhere'"):  # fmt: skip
        assert says in shown.stderr
    project.write({"pivot.yaml": "stages: {a: {cmd: x, outs: [y]}, b: {cmdd: z}}\n"})
    left = project.run("params", "diff", "v1", "--json").ended(2)
    assert "pivot.yaml:1:38: stage 'b' of 'pivot.yaml' cannot be read at workspace" in left.stderr
    assert left.json["params.yaml"] == {"train.C": {"old": 0.5, "new": 0.75, "diff": 0.25}}
    keyed = {"stages": {"a": {"cmd": "x", "params": ["one.t*", {"p.json": ["a.b", "gone"]}]}}}
    project.write({"pivot.yaml": json.dumps(keyed), "p.json": '{"a": {"b": 1, "c": 2}}'})
    shown = project.run("params", "show", "--deps", "--json").ended(0)
    assert shown.json[""]["data"] == {
        "params.yaml": {"data": {}},
        "p.json": {"data": {"a": {"b": 1}}},
    }


def test_what_is_shown_of_broken_input_ends_with_2(project: Sandbox) -> None:
    project.write({"metrics.json": "{"})
    shown = project.run("metrics", "show", "--json", cwd="parts").ended(2)
    told = shown.json[""]["data"]["../metrics.json"]["error"]
    assert told["msg"] == "unable to read: '../metrics.json', JSON file structure is corrupted"
    assert shown.json[""]["data"]["../table.csv"] == {"data": {"epoch": 2, "loss": 0.125}}
    assert "metrics.json:1:2: not valid JSON" in shown.stderr
    project.run("metrics", "show", "table.csv").ended(0)
    project.run("metrics", "show", "metrics.json").ended(2)
    project.run("metrics", "show", "--rev", "v1").ended(0)
    project.commit("broken metrics")
    assert "metrics.json:1:2: not valid" in project.run("metrics", "show", "-A").ended(0).stderr
    project.run("metrics", "show", "--rev", "HEAD").ended(2)
    project.append("pivot.yaml", "<<<<<<< ours\n=======\n>>>>>>> theirs\n")
    params = project.run("params", "show").ended(2)
    assert params.stdout.splitlines()[1].split() == ["params.yaml", "0.75"]
    project.run("params", "show", "params.yaml").ended(0)
    for command in ("metrics show", "plots show", "plots diff", "plots diff --json"):
        assert "it has conflict markers" in project.run(*command.split()).ended(2).stderr
    project.run("plots", "show", "table.csv", "--text").ended(0)
    project.write({"params.yaml": "<<<<<<< a\nx: 1\n=======\nx: 2\n>>>>>>> b\n"})
    assert "params.yaml:1:1" in project.run("params", "show", "params.yaml").ended(2).stderr


def test_what_cannot_be_read_of_a_version_is_not_gone(project: Sandbox) -> None:
    """Given a version whose pipeline is broken, or would have to be run: what it has is unknown."""
    project.write({"params.yaml": "train: {C: 0.75}\nnew: 1\n"})
    project.append("pivot.yaml", "  bla: [\n")
    project.commit("broken")
    done = project.run("diff", "v1", "HEAD", "--json").ended(2)
    changed = [{"path": "tracked.bin", "size": {"old": 5, "new": 7}}]  # its record is sound
    assert done.json == {"added": [], "deleted": [], "modified": changed, "renamed": []}
    assert "'pivot.yaml' cannot be read at HEAD: the file ends" in done.stderr
    assert project.run("metrics", "diff", "HEAD", "v1", "--json").ended(2).json == {}
    known = project.run("params", "diff", "v1", "HEAD", "--json").ended(2).json
    assert known == {
        "params.yaml": {
            "train.C": {"old": 0.5, "new": 0.75, "diff": 0.25},
            "new": {"old": None, "new": 1},
        }
    }
    one = project.run("diff", "HEAD", "v1", "--", "data/clean.csv").ended(2)
    assert one.stdout == ""
    before = project.read("pivot.yaml")
    project.git("checkout", "-q", "v1", "--", "pivot.yaml")
    project.append("params.yaml", "<<<<<<< a\nx: 1\n=======\nx: 2\n>>>>>>> b\n")
    merging = project.run("metrics", "diff", "v1").ended(2)
    assert "params.yaml:3:1: 'params.yaml' cannot be read at workspace: it has" in merging.stderr
    assert "what 'pivot.yaml' declares is unknown, and left out" in merging.stderr
    project.write({"pivot.yaml": before})
    project.git("rm", "-q", "-f", "pivot.yaml")
    project.write({"pipeline.py": "import pivot\nfor n in open('x'): pivot.stage(n)\n"})
    project.write({"params.yaml": "<<<<<<< a\nx: 1\n=======\nx: 2\n>>>>>>> b\n"})
    project.commit("computed")
    assert project.run("metrics", "diff", "v1", "HEAD", "--json").ended(2).json == {}
    found = project.run("params", "diff", "v1", "HEAD", "--json").ended(2)
    assert found.json == {}
    assert "params.yaml:" in found.stderr
    assert "'pipeline.py' cannot be read at HEAD" in found.stderr
    judged = project.run("impact", "v1", "HEAD", "--json").ended(0).json["stages"]
    assert {stage["state"] for stage in judged} == {"unknown"}


def test_parts_and_results_that_only_git_has(project: Sandbox, tmp_path: Path) -> None:
    project.run("checkout", "parts/p1.txt", "data", "--rev", "v1").ended(0)
    assert project.has("parts/p2.txt")  # the rest of the folder stays
    assert project.read("data/clean.csv") == "a,b\n1,7\n2,2\n"
    other = Sandbox(tmp_path / "clone", git=False)
    subprocess.run(["git", "clone", "-q", project.root, other.root], check=True)
    done = other.run("checkout", "--rev", "v1").ended(1)
    assert json.loads(other.read("metrics.json"))["acc"] == 1.0
    assert "data/clean.csv is not in the cache; `--fetch` asks the remote" in done.stderr
    assert done.stdout.startswith("1 restored, 0 unchanged, 5 missing")
    listed = other.run("diff", "--json", "--show-hash").ended(0).json["not in cache"]
    assert {entry["path"] for entry in listed} >= {"data/clean.csv", "parts/", "tracked.bin"}
    assert "not in cache" in other.run("diff", "v1", "--md").ended(0).stdout
