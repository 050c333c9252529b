"""What only looks: `status`, `explain`, `list`, `dag`, `logs`, `fingerprint`."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Result, Sandbox
from small import validate, words


@pytest.fixture
def done(project: Sandbox) -> Sandbox:
    """The words project, all of it run."""
    words(project).repro()
    return project


# --- status


def test_status_before_and_after_a_run(project: Sandbox) -> None:
    words(project)
    assert project.run("status").ended(0).stdout == (
        "count  WILL RUN  never run\n"
        "top    WILL RUN  never run; upstream count runs first\n"
        "size   WILL RUN  never run\n"
        "3 of 3 stages to do.\n"
    )
    project.run("status", "--exit-code").ended(1)
    project.repro()
    assert project.run("status").ended(0).stdout == "Everything is up to date (3 stages).\n"
    project.run("status", "--exit-code").ended(0)
    verbose = project.run("status", "-v").ended(0).stdout
    assert verbose.splitlines()[0].split() == ["count", "fresh"]


def test_status_names_each_kind_of_change(done: Sandbox) -> None:
    done.edit("words.py", ".lower()", ".upper()")
    done.edit("params.yaml", "limit: 2", "limit: 1")
    done.append("data/text.txt", "d\n")
    result = done.run("status").ended(0).stdout
    [count, top, size, _] = result.splitlines()
    assert count.startswith("count  WILL RUN  code words:split (words.py:1); dep data/text.txt: ")
    assert top.startswith("top    WILL RUN  params limit: 2 -> 1; upstream count runs first")
    assert "dep data/text.txt: " in size
    assert result.endswith("3 of 3 stages to do.\n")


def test_status_json_is_what_its_schema_says(done: Sandbox, checkout: Path) -> None:
    done.edit("words.py", ".lower()", ".upper()")
    done.edit("params.yaml", "limit: 2", "limit: 1")
    data = done.run("status", "--json").ended(0).json
    validate(checkout, data, "status")
    by_name = {stage["name"]: stage for stage in data["stages"]}
    [code] = by_name["count"]["reasons"]
    assert (code["kind"], code["subject"], code["file"]) == ("code", "words:split", "words.py")
    kinds = {reason["kind"]: reason for reason in by_name["top"]["reasons"]}
    assert (kinds["params"]["old"], kinds["params"]["new"]) == (2, 1)
    assert by_name["size"] == {"name": "size", "state": "fresh", "reasons": [], "action": "none"}
    planned = done.run("repro", "-n", "--json").ended(0).json
    validate(checkout, planned, "status")
    assert planned["stages"] == data["stages"]


def test_explain_leads_to_the_definition(done: Sandbox) -> None:
    done.commit()
    done.edit("words.py", ".lower()", ".upper()")
    shown = done.run("explain", "count").ended(0).stdout
    assert "Stage: count\n  Status: WILL RUN\n  Reason: code changed\n" in shown
    assert "words.py:1" in shown
    assert "reached by steps:count -> words:split" in shown
    assert done.run("status", "--explain", "count").ended(0).stdout == shown
    diff = done.run("explain", "count", "--diff").ended(0).stdout
    assert "-    return text.lower().split()" in diff
    assert "+    return text.upper().split()" in diff
    assert "nothing changed since its last run" in done.run("explain", "size").ended(0).stdout


def test_status_of_targets_is_about_them_alone(done: Sandbox) -> None:
    done.edit("words.py", ".lower()", ".upper()")
    assert done.states("size") == {"size": "fresh"}
    assert done.states("build/top.md") == {"top": "stale"}


def test_missing_and_changed_outs(done: Sandbox) -> None:
    done.remove("build/size.txt")
    (done.root / "build/top.md").write_text("mine\n")
    lines = done.run("status").ended(0).stdout.splitlines()
    assert lines[0].startswith("top   RESTORE   out build/top.md: ")
    assert lines[1] == "size  CHECKOUT  its outs are missing, and in the cache"


def test_what_stands_below_a_stored_result_is_judged_by_it(done: Sandbox) -> None:
    done.edit("words.py", ".lower()", ".upper()")
    done.edit("params.yaml", "limit: 2", "limit: 1")
    assert done.repro() == {"count": "ran", "top": "ran", "size": "fresh"}
    done.edit("words.py", ".upper()", ".lower()")
    done.edit("params.yaml", "limit: 1", "limit: 2")
    [count, top, _] = done.run("status").ended(0).stdout.splitlines()
    assert count.startswith("count  RESTORE   code words:split")
    assert top.startswith("top    RESTORE   params limit: 1 -> 2; dep build/counts.json: ")
    assert "stage time" not in done.run("plan").ended(0).stdout
    done.edit("params.yaml", "limit: 2", "limit: 3")  # with these params it never ran
    assert "top    WILL RUN  params limit: 1 -> 3; dep build" in done.run("plan").ended(0).stdout
    assert done.repro() == {"count": "restored", "top": "ran", "size": "fresh"}


def test_nothing_soothing_is_said_of_what_cannot_be_read(done: Sandbox) -> None:
    done.write({"sub/pivot.yaml": "stages: {a: {cmdd: x}}\n"})
    said = done.run("status").ended(2)
    assert said.stdout == "What could be read is up to date (3 stages).\n"
    assert "and not what could not be read.\n" in done.run("verify").ended(2).stdout
    done.write({"pivot.yaml": "<<<<<<< HEAD\nstages: {}\n=======\nvars: []\n>>>>>>> x\n"})
    for command in (["status"], ["status", "-e"], ["verify"]):
        said = done.run(*command).ended(2)
        assert said.stdout == ""
        assert "pivot.yaml:1:1: it has conflict markers" in said.stderr
    assert done.run("verify", "--json").ended(2).json["ok"] is False


def test_a_lost_input_is_told_though_the_code_changed_too(done: Sandbox) -> None:
    done.edit("words.py", ".lower()", ".upper()")
    done.remove("data/text.txt")
    first = done.run("status").ended(0).stdout.splitlines()[0]
    assert first == "count  UNKNOWN   dep data/text.txt is missing; code words:split (words.py:1)"
    shown = done.run("explain", "count").ended(0).stdout
    assert "Reason: a dep is missing, code changed\n" in shown
    assert "needs 'data/text.txt', which does not exist" in done.run("plan").ended(2).stderr
    done.remove(".pivot/stages/count.lock")
    first = done.run("status", "count").ended(0).stdout.splitlines()[0]
    assert first == "count  UNKNOWN   dep data/text.txt is missing; never run"


@pytest.fixture
def cloned(tmp_path: Path) -> Sandbox:
    """A clone without any data; what is tracked, and two stages below it, are on a remote."""
    theirs = Sandbox(tmp_path / "theirs").write(
        {
            "in.txt": "a\n",
            "pivot.yaml": """
                stages:
                  a: {cmd: cat in.txt in.txt > x, deps: [in.txt], outs: [x]}
                  b: {cmd: cat x x > y, deps: [x], outs: [y]}
                """,
        }
    )
    (tmp_path / "store").mkdir()
    theirs.run("init", "--force").ended(0)
    theirs.run("remote", "add", "--default", "store", str(tmp_path / "store")).ended(0)
    theirs.run("track", "in.txt").ended(0)
    theirs.repro()
    theirs.run("push", "in.txt").ended(0)
    theirs.commit()
    ours = Sandbox(tmp_path / "ours", git=False)
    ours.git("clone", "-q", str(theirs.root), ".")
    return ours


def test_what_a_run_would_refuse_for_want_of_data_is_foretold(cloned: Sandbox) -> None:
    for arguments in (["status"], ["repro", "-n"]):
        lines = cloned.run(*arguments).ended(0).stdout.splitlines()
        assert lines[0].startswith("a  UNKNOWN   dep in.txt is missing; out x is missing")
        assert "`pivot pull` fetches what is missing" in lines[0]
        assert lines[1].startswith("b  UNKNOWN   dep x is missing")
    assert lines[-1] == "Would bring 0 stages up to date, 0 fresh, 2 refused."
    assert cloned.run("status", "--exit-code").code == 1
    refused = cloned.run("repro").ended(1).stderr
    assert "a: failed: it needs 'in.txt', which is not there; `pivot pull in.txt`" in refused

    alone = cloned.run("repro", "-n", "-s", "b").ended(0).stdout
    assert alone.startswith("b  UNKNOWN   dep x is missing")
    pulled = cloned.run("repro", "-n", "--pull").ended(0).stdout
    assert pulled.startswith("a  WILL RUN  out x is missing\nb  WILL RUN")
    assert "up to date" in cloned.run("repro", "-n", "--allow-missing").ended(0).stdout

    cloned.run("pull", "in.txt").ended(0)
    assert cloned.run("status").stdout.startswith("a  WILL RUN  out x is missing\nb  WILL RUN")
    cloned.remove("in.txt")  # the cache has it now, and a run puts it back
    assert cloned.run("status").stdout.startswith("a  WILL RUN")
    cloned.repro()


def test_what_an_allowed_absence_cannot_run_is_foretold(cloned: Sandbox) -> None:
    cloned.edit("pivot.yaml", "cat in.txt in.txt > x", "cp in.txt x")
    planned = cloned.run("repro", "-n", "--allow-missing").ended(0).stdout
    assert planned.startswith("a  UNKNOWN   dep in.txt is missing; command: ")
    cloned.run("repro", "--allow-missing").ended(1)
    assert "a  WILL RUN" in cloned.run("repro", "-n", "--allow-missing", "--pull").stdout
    cloned.run("repro", "--allow-missing", "--pull").ended(0)


def test_what_a_run_would_refuse_of_a_definition_is_told(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
                stages:
                  out: {cmd: "true", outs: [../x]}
                  place: {cmd: "true", wdir: nowhere}
                """
        }
    )
    told = project.run("status").ended(0).stderr
    refused = project.run("repro").ended(2).stderr
    for what in ("out '../x' lies outside the project", "works in 'nowhere', which is not there"):
        assert what in refused
        assert sum(what in line and "will refuse" in line for line in told.splitlines()) == 1


def test_the_lock_of_a_stage_that_is_gone_is_reported(done: Sandbox) -> None:
    text = done.read("pivot.yaml")
    done.write({"pivot.yaml": text.partition("  size:")[0]})
    assert ".pivot/stages/size.lock belongs to no stage" in done.run("status").ended(0).stderr


def test_a_lock_with_conflict_markers_counts_as_absent(done: Sandbox) -> None:
    lock = done.read(".pivot/stages/size.lock")
    done.write({".pivot/stages/size.lock": f"<<<<<<< HEAD\n{lock}=======\n{lock}>>>>>>> x\n"})
    result = done.run("status").ended(0)
    assert "size" in result.stdout
    assert "size.lock:1 counts as absent" in result.stderr
    # the others are seen to, and the exit code tells that one was not
    said = done.run("checkout").ended(2)
    assert "error: .pivot/stages/size.lock:1: it has conflict markers" in said.stderr
    assert "2 unchanged" in said.stdout
    assert done.repro()["size"] == "restored"
    assert done.read(".pivot/stages/size.lock") == lock


def test_status_with_a_syntax_error_tells_of_the_rest(done: Sandbox) -> None:
    done.write({"words.py": "def split(:\n"})
    states = done.states()
    assert states["size"] == "fresh"
    assert states["count"] == "unknown"
    assert "words.py:1" in done.run("explain", "count").ended(0).stdout


def test_below_an_unknown_stage_nothing_is_known(done: Sandbox) -> None:
    below = "stages:\n  last: {cmd: cat build/top.md > last, deps: [build/top.md], outs: [last]}\n"
    done.edit("pivot.yaml", "stages:\n", below)
    done.run("repro").ended(0)
    done.commit()
    done.write({"words.py": "def split(:\n"})
    assert done.states()["last"] == "unknown"
    assert "last  UNKNOWN   upstream top is unknown" in done.run("status", "last").ended(0).stdout
    assert "top is unknown" in done.run("explain", "last").ended(0).stdout
    assert "last: unknown: upstream top is unknown" in done.run("verify").ended(1).stdout
    affected = {stage["name"] for stage in done.run("impact", "--json").ended(0).json["stages"]}
    assert affected >= {"count", "top", "last"}
    ended = done.run("repro", "--keep-going", "--json").ended(1)
    assert ended.statuses["last"] == "blocked"


def test_opaque_references_are_listed_on_request(project: Sandbox) -> None:
    words(project).write({"words.py": "def split(text):\n    return eval(text).split()\n"})
    assert "eval" in project.run("status", "-v").ended(0).stderr
    assert "words.py:2" in project.run("status", "-v").ended(0).stderr


# --- list and dag


def test_list_in_its_forms(project: Sandbox, checkout: Path) -> None:
    words(project)
    assert project.run("list").ended(0).stdout == (
        "count  steps.count\ntop    steps.top\nsize   wc -c < data/text.txt > build/size.txt\n"
    )
    assert "build/counts.json" in project.run("list", "--deps").ended(0).stdout
    assert project.run("list", "--md").ended(0).stdout.startswith("| stage")
    data = project.run("list", "--json").ended(0).json
    validate(checkout, data, "list")
    [count, top, size] = data["stages"]
    assert (count["python"], count["cmd"], count["file"]) == ("steps.count", None, "pivot.yaml")
    assert top["inline_params"] == {"limit": 2}
    assert size["cmd"] == "wc -c < data/text.txt > build/size.txt"
    assert [s["name"] for s in project.run("list", "--json", "top").json["stages"]] == ["top"]


def test_dag_in_its_forms(project: Sandbox, checkout: Path) -> None:
    words(project)
    assert project.run("dag").ended(0).stdout == "count\n└── top\nsize\n"
    data = project.run("dag", "--json").ended(0).json
    validate(checkout, data, "dag")
    assert data == {"nodes": ["count", "top", "size"], "edges": [["top", "count"]]}
    dot = project.run("dag", "--dot").ended(0).stdout
    assert '"count" -> "top";' in dot
    mermaid = project.run("dag", "--mermaid").ended(0).stdout
    assert mermaid.startswith("flowchart TD\n")
    assert project.run("dag", "--md").ended(0).stdout == f"```mermaid\n{mermaid}```\n"
    outs = project.run("dag", "--outs", "--json").ended(0).json
    assert ["build/counts.json", "data/text.txt"] in outs["edges"]
    assert project.run("dag", "top").ended(0).stdout == "count\n└── top\n"


# --- logs and fingerprint


def test_logs_whole_and_their_end(project: Sandbox) -> None:
    project.write({"pivot.yaml": "stages:\n  talk:\n    cmd: printf 'a\\nb\\nc\\n'\n"})
    project.repro()
    assert project.run("logs", "talk").ended(0).stdout == "a\nb\nc\n"
    assert project.run("logs", "talk", "-n", "1").ended(0).stdout == "c\n"


def test_logs_are_followed_while_the_stage_runs(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": "stages:\n  talk:\n"
            "    cmd: echo begin; while [ ! -e go ]; do sleep 0.05; done; echo end\n"
        }
    )
    run = project.start("repro", "--no-run-cache")
    follower = project.start("logs", "talk", "-f")
    assert follower.stdout is not None
    assert follower.stdout.readline() == "begin\n"
    project.write({"go": ""})
    assert follower.stdout.readline() == "end\n"
    follower.kill()
    follower.communicate()
    run.communicate()
    assert run.returncode == 0


def test_fingerprint_shows_everything_that_counts(done: Sandbox) -> None:
    shown = done.run("fingerprint", "show", "top").ended(0).stdout
    for part in ("entry: steps.top", "limit", "build/counts.json: blake3:", "code: xxh128:"):
        assert part in shown
    [data] = done.run("fingerprint", "show", "count", "--json").ended(0).json["stages"]
    assert set(data["symbols"]) >= {"steps:count", "words:split"}
    assert data["code"] == done.lock("count")["code"]
    done.run("fingerprint", "reset").ended(0)
    assert done.stale() == set()


@pytest.fixture
def parted(tmp_path: Path) -> Sandbox:
    """A stage that reads a folder in which others keep their outs, tracked data and a file."""
    origin = Sandbox(tmp_path / "origin").write(
        {
            "pivot.yaml": """
                stages:
                  fit:
                    cmd: mkdir -p d/many && cp p d/one && cp p d/many/two
                    deps: [p]
                    outs: [d/one, d/many]
                  all:
                    cmd: cat d/one d/many/two d/raw d/note > all.txt
                    deps: [d]
                    outs: [all.txt: {cache: false}]
                  below: {cmd: cp all.txt below.txt, deps: [all.txt], outs: [below.txt]}
                """,
            "p": "1\n",
            "d/note": "note\n",
            "d/raw": "raw\n",
        }
    )
    origin.run("remote", "add", "-d", "store", str(tmp_path / "store")).ended(0)
    origin.run("track", "d/raw").ended(0)
    origin.repro()
    origin.run("push").ended(0)
    origin.commit()
    return origin


def told(result: Result) -> dict[str, str]:
    """The stages that a table for people names, each with the word about it."""
    rows = [line.split() for line in result.ended(0).stdout.splitlines() if line[:1].isalpha()]
    return {row[0]: row[1] for row in rows if row[0] in ("fit", "all", "below")}


def test_a_folder_is_judged_with_what_comes_into_it(parted: Sandbox, tmp_path: Path) -> None:
    parted.git("clone", "-q", str(parted.root), str(tmp_path / "clone"))
    clone = Sandbox(tmp_path / "clone", git=False)
    clone.run("fetch").ended(0)
    assert told(clone.run("status")) == {"fit": "CHECKOUT", "below": "CHECKOUT"}
    assert clone.repro("-s", "fit", "d/raw.pvt")["fit"] == "restored"
    clone.remove("d/one", "d/many")
    # what a run of it alone would find is another folder
    assert told(clone.run("repro", "-n", "-s", "all")) == {"all": "WILL"}
    assert told(clone.run("repro", "-n")) == {"fit": "CHECKOUT", "below": "CHECKOUT"}
    assert clone.repro() == {"fit": "restored", "all": "fresh", "below": "restored"}

    clone.remove("d/one")
    clone.write({"d/note": "other\n"})
    assert told(clone.run("status")) == {"fit": "CHECKOUT", "all": "WILL", "below": "MAY"}
    assert clone.ran() == {"all", "below"}


def test_a_folder_is_judged_with_stored_results(parted: Sandbox) -> None:
    parted.write({"p": "2\n"})
    assert parted.ran() == {"fit", "all", "below"}
    parted.git("checkout", "-q", ".")
    assert told(parted.run("status")) == dict.fromkeys(("fit", "below"), "RESTORE")
    assert parted.ran() == set()

    parted.write({"p": "2\n", "d/note": "other\n"})
    assert told(parted.run("status")) == {"fit": "RESTORE", "all": "WILL", "below": "MAY"}
    assert parted.ran() == {"all", "below"}


def test_what_a_folder_lacks_counts_as_unchanged_where_asked(
    parted: Sandbox, tmp_path: Path
) -> None:
    parted.git("clone", "-q", str(parted.root), str(tmp_path / "clone"))
    clone = Sandbox(tmp_path / "clone", git=False)
    clone.run("verify", "--allow-missing").ended(0)
    assert told(clone.run("repro", "-n", "--allow-missing")) == {}
    assert set(clone.repro("--allow-missing").values()) == {"fresh"}

    clone.edit("pivot.yaml", "cat d/one", "cat d/one d/one")
    assert told(clone.run("repro", "-n", "--allow-missing"))["all"] == "UNKNOWN"
    refused = clone.run("repro", "--allow-missing").ended(1)
    assert "it needs 'd/one', 'd/many', 'd/raw', which is not there" in refused.stderr
    assert clone.ran("--allow-missing", "--pull") == {"all", "below"}
    assert clone.read("all.txt") == "1\n1\n1\nraw\nnote\n"
