"""`diff -- PATH`: the content of one file in two versions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import Sandbox
from test_plots_page import png

OLD = "id,name,n\n1,ada,5\n2,b|b,6\n3,cy,7\n"
NEW = "id,name,n,new\n1,Ada,5,\n3,cy,7,\n4,dee,8,y\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    sandbox = Sandbox(tmp_path_factory.mktemp("diff") / "project")
    sandbox.write(
        {
            "pivot.yaml": """
                stages:
                  make:
                    cmd: cp in.csv table.csv && mkdir -p tree && cp in.csv tree/t.csv
                    deps: [in.csv]
                    outs: [table.csv, tree]
                """,
            "in.csv": OLD,
            "same.csv": "a\n1\n",
            "gone.csv": "a\n1\n",
            "object.json": '{"a": 1}\n',
            "text.txt": "one\ntwo\n",
            "odd.csv": "a,a\n1,2\n",
            "ragged.csv": "a,b\n1,2\n",
            "picture.png": png(3, 2, 1),
            "binary": b"\0\1",
            "deep/t.parquet": b"PAR1" + b"x" * 20 + b"PAR1",
        }
    )
    sandbox.run("repro").ended(0)
    sandbox.commit()
    sandbox.write(
        {
            "in.csv": NEW,
            "object.json": '{"a": 2}\n',
            "text.txt": "one\n```\n",
            "ragged.csv": "a,b\n1,2\n1\n",
            "picture.png": png(4, 2, 1),
            "binary": b"\0\2\3",
            "fresh.csv": "a\n1\n",
            "deep/new.parquet": b"PAR1" + b"x" * 20 + b"PAR1",
        }
    )
    sandbox.remove("gone.csv")
    sandbox.run("repro").ended(0)
    return sandbox


def test_a_table_in_each_form(project: Sandbox) -> None:
    text = project.run("diff", "table.csv", "--key", "id").ended(0)
    assert text.stdout == (
        "table.csv: changed\n"
        "  3 -> 3 rows, matched by id\n"
        "  1 added, 1 removed, 1 changed, 1 unchanged\n"
        "  column 'new' added (text)\n"
        "  changed in name (1)\n"
        "~ id=1  name: ada -> Ada\n"
        "- id=2  name=b|b  n=6\n"
        "+ id=4  name=dee  n=8  new=y\n"
    )
    short = project.run("diff", "table.csv", "--key", "id", "--limit", "1").ended(0)
    assert short.stdout.endswith("Ada\n  ... and 2 more; `--limit 0` shows all\n")

    data = project.run("diff", "--json", "--key=id", "HEAD", "--", "table.csv").ended(0).json
    assert data["rows"] == {
        "old": 3,
        "new": 3,
        "added": 1,
        "removed": 1,
        "changed": 1,
        "unchanged": 1,
    }
    assert data["columns"] == [{"name": "new", "old": None, "new": "text"}]
    assert [change["kind"] for change in data["changes"]] == ["changed", "removed", "added"]
    assert data["changes"][0]["columns"] == ["name"]
    assert data["omitted"] == 0
    numbers = project.run("diff", "--json", "--summary", "--key", "id", "table.csv").ended(0).json
    assert "changes" not in numbers

    markdown = project.run("diff", "--md", "--key", "id", "table.csv").ended(0).stdout
    assert "| ~ | 1 | ~~ada~~ **Ada** | 5 |  |" in markdown
    assert "| - | 2 | b\\|b | 6 |  |" in markdown


def test_by_position_inside_a_directory_out(project: Sandbox) -> None:
    done = project.run("diff", "tree/t.csv", "--exit-code").ended(1)
    assert "matched by position" in done.stdout
    assert "~ row 2  id: 2 -> 3  name: b|b -> cy  n: 6 -> 7" in done.stdout
    project.run("diff", "same.csv", "--exit-code").ended(0)


def test_other_files(project: Sandbox) -> None:
    done = project.run("diff", "text.txt").ended(0)
    assert done.stdout == "text.txt: changed\n@@ -1,2 +1,2 @@\n one\n-two\n+```\n"
    assert "\n````diff\n" in project.run("diff", "--md", "text.txt").ended(0).stdout
    assert "3 x 2, " in project.run("diff", "picture.png").ended(0).stdout
    picture = project.run("diff", "--json", "picture.png").ended(0).json
    assert (picture["kind"], picture["new"]["width"], picture["new"]["height"]) == ("image", 4, 2)
    assert "2 bytes, blake3:" in project.run("diff", "binary").ended(0).stdout
    value = project.run("diff", "object.json").ended(0)
    assert '-{"a": 1}' in value.stdout
    assert "no table" in value.stderr
    for words in (["--", "gone.csv"], ["gone.csv"], ["fresh.csv", "gone.csv", "--summary"]):
        done = project.run("diff", *words).ended(0)
        assert "gone.csv: removed\n" in done.stdout
    several = project.run("diff", "--", "fresh.csv", "same.csv").ended(0).stdout
    assert "fresh.csv: added\n" in several
    assert "\nsame.csv: unchanged\n" in several


def test_the_interactive_view_without_a_terminal(project: Sandbox) -> None:
    done = project.run("diff", "-i", "table.csv").ended(0)
    assert "table.csv: changed" in done.stdout
    assert "there is no terminal" in done.stderr


def test_without_the_extras(project: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nfor name in ('duckdb', 'textual', 'vl_convert'): sys.modules[name] = None\n"
        "from importlib import util\nreal = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name in ('duckdb', 'vl_convert') else real(name, *more)\n"
    )
    bare = {"PYTHONPATH": str(tmp_path)}

    project.run("diff", "table.csv", env=bare).ended(0)
    assert (
        project.run("diff", "deep/t.parquet").stderr.count("\n") == 1
    )  # of the database nothing else
    done = project.run("diff", "deep/t.parquet", env=bare).ended(2)
    assert "pip install 'pivot-repro[tables]'" in done.stderr
    plots = project.run("plots", "show", "same.csv", env=bare).ended(0)
    assert "pip install 'pivot-repro[plots]'" in plots.stderr
    assert "same.csv: a over step" in plots.stdout
    done = project.run("plots", "show", "same.csv", "-o", "x.html", env=bare).ended(2)
    assert "charts in HTML need the extra 'plots'" in done.stderr


def test_what_only_the_remote_has(project: Sandbox, tmp_path: Path) -> None:
    copy = project.copy(tmp_path / "copy")
    copy.run("config", "set", "remotes.origin", str(tmp_path / "remote")).ended(0)
    copy.run("config", "set", "core.remote", "origin").ended(0)
    copy.write({"in.csv": OLD})
    copy.run("repro").ended(0)
    copy.run("push").ended(0)
    copy.write({"in.csv": NEW})
    copy.run("repro").ended(0)
    copy.remove(".pivot/cache")

    missing = copy.run("diff", "--summary", "table.csv", "--exit-code").ended(2)
    assert "`--fetch` asks the remote" in missing.stderr
    shutil.move(tmp_path / "remote", tmp_path / "elsewhere")
    (tmp_path / "remote").mkdir()
    asked = copy.run("diff", "--summary", "table.csv", "--fetch").ended(2)
    assert "is not in the cache, nor on remote 'origin'" in asked.stderr
    (tmp_path / "remote").rmdir()
    shutil.move(tmp_path / "elsewhere", tmp_path / "remote")
    plot = ["plots", "diff", "HEAD", "--text", "--targets", "table.csv"]
    assert "`--fetch` asks the remote" in copy.run(*plot).ended(0).stderr
    assert "HEAD" in copy.run(*plot, "--fetch").ended(0).stdout
    assert "1 added" in copy.run("diff", "--summary", "table.csv", "--key", "id").ended(0).stdout


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("table.csv --key nosuch", "has no column 'nosuch' to match rows by"),
        ("table.csv --key ID", "did you mean 'id'?"),
        pytest.param("table.csv --key id,", "has no column ''", marks=pytest.mark.thorough),
        pytest.param("table.csv --limit -1", "-1", marks=pytest.mark.thorough),
        pytest.param(
            "table.csv --json --md",
            "--json and --md cannot be combined",
            marks=pytest.mark.thorough,
        ),
        ("table.csv -i --json", "--json and --tui cannot be combined"),
        ("text.txt --key a", "--key is for tables, and 'text.txt' is none"),
        pytest.param(
            "object.json --key a", "object.json: no list of objects", marks=pytest.mark.thorough
        ),
        ("odd.csv", "odd.csv:1: two columns are called 'a' (at HEAD)"),
        (
            "ragged.csv",
            "ragged.csv:3: a row of 1 cells below a header of 2 (at workspace)",
        ),
        ("-- no/such.csv", "'no/such.csv' is neither in HEAD nor in workspace"),
        ("-- nosuch.csv", "'nosuch.csv' is neither in HEAD nor in workspace"),
        pytest.param("-- tabel.csv", "did you mean 'table.csv'?", marks=pytest.mark.thorough),
        ("--key id", "`pivot diff [A] [B] --key COLUMN -- PATH`"),
        ("-- table.csv --key id", "options go before: `pivot diff [A] [B] [OPTIONS] -- PATH`"),
        ("-- tree --summary", "'--summary' comes after `--`, where only paths do"),
        ("-- table.csv nosuch.csv", "'nosuch.csv' is neither in HEAD nor in workspace"),
        ("tree text.txt", "'tree' is a folder, and other paths are files"),
        pytest.param(
            "--json -- text.txt same.csv",
            "--tui and --json take one file",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            "HEAD~9 -- table.csv", "goes back beyond the first commit", marks=pytest.mark.thorough
        ),
    ],
)
def test_wrong_inputs(project: Sandbox, command: str, says: str) -> None:
    done = project.run("diff", *command.split())

    assert done.code == 2, done
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("cwd", "folder"), [(".", "deep/"), ("deep", "")])
@pytest.mark.parametrize(("name", "version"), [("t", "HEAD"), ("new", "workspace")])
def test_an_unreadable_table_is_named_as_it_was_typed_with_its_version(
    project: Sandbox, cwd: str, folder: str, name: str, version: str
) -> None:
    path = f"{folder}{name}.parquet"

    done = project.run("diff", "HEAD", "--", path, cwd=cwd).ended(2)

    assert done.stderr.startswith(f"error: {path}: ")
    assert done.stderr.endswith(f"in file '{path}' (at {version})\n")
    assert str(project.root) not in done.stderr


@pytest.mark.thorough
def test_large_tables_through_the_command_line(tmp_path: Path) -> None:
    project = Sandbox(tmp_path).write({"pivot.yaml": "stages: {}\n"})
    project.write({"big.csv": "id,v\n" + "".join(f"{n},{n}\n" for n in range(1_000_000))})
    project.commit()
    project.write(
        {"big.csv": "id,v\n" + "".join(f"{n},{n + (n % 1000 == 0)}\n" for n in range(1_000_000))}
    )

    data = project.run("diff", "big.csv", "--key", "id", "--json", "--limit", "0").ended(0).json

    assert data["changed_in"] == {"v": 1000}
    assert len(data["changes"]) == 1000
    assert not list((tmp_path / ".pivot/tmp").glob("tables-*"))
