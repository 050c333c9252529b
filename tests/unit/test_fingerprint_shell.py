"""Command lines as a shell reads them, and scripts without what does not count."""

from __future__ import annotations

import pytest

from pivot.fingerprint import scripts
from pivot.fingerprint.commands import CommandReader
from pivot.fingerprint.shell import expand, parse
from pivot.model import Command, ParamsFile, Stage
from pivot.source.locate import Reader
from pivot.tree import DictTree


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b  c", [("a", "b", "c")]),
        ("a 'b c' \"d e\" f\\ g", [("a", "b c", "d e", "f g")]),
        ("a; b && c || d | e & f", [("a",), ("b",), ("c",), ("d",), ("e",), ("f",)]),
        ("a 'x;y' \"p|q\"", [("a", "x;y", "p|q")]),
        ("a # b c\nd", [("a",), ("d",)]),
        ("a b#c", [("a", "b#c")]),
        ("a \\\n b", [("a", "b")]),
        ("if a; then b; fi", [("a",), ("b",), ("fi",)]),
        ("(a; b) && c", [("(",), ("a",), ("b",), (")",), ("c",)]),
        ('a "x\\"y" \'z', [("a", 'x"y', "z")]),
        ("a $(b c) `d e`", [("a", "$(", "$("), ("b", "c"), ("d", "e")]),
        ("a <(b c)", [("a", "$("), ("b", "c")]),
        ("f() { a; }", [("(",), (")",), ("a",), ("}",)]),
        ("", []),
        ("a \"$(b 'c d')\"", [("a", "$("), ("b", "c d")]),
    ],
)
def test_words(text: str, words: list[tuple[str, ...]]) -> None:
    assert [item.words for item in parse(text)] == words


def test_redirections_and_assignments() -> None:
    (found,) = parse("X=1 Y='a b' prog arg < in.txt > out.txt 2>> err.txt 2>&1 &> all.txt <<< word")

    assert found.words == ("prog", "arg")
    assert found.assignments == (("X", "1"), ("Y", "a b"))
    assert found.reads == ("in.txt",)
    assert found.writes == ("out.txt", "err.txt", "all.txt")


def test_here_documents() -> None:
    found = parse("python - <<'END' | cat\nprint(1)\nEND\nls\ncat <<-X\n\ta\n\tX\n")

    assert [item.words for item in found] == [("python", "-"), ("cat",), ("ls",), ("cat",)]
    assert found[0].text == "print(1)\n"
    assert found[3].text == "\ta\n"


def test_variables_are_filled_in_where_the_text_sets_them() -> None:
    (found,) = parse("a $X/${Y}/${Z:-z} '$X' $")

    expanded = [expand(word, {"X": "x"}) for word in found.words]

    assert expanded == ["a", "x/$Y/z", "$X", "$"]


FILES = {
    "a.py": "",
    "b.py": "",
    "sub/c.py": "",
    "tool": "#!/usr/bin/env python3\n",
    "go.sh": "#!/bin/sh\npython a.py $1\n. ./more.sh\n",
    "more.sh": "python b.py\n./go.sh\n",
    "plain": "data",
    "x.R": "",
    "y.R": "",
    "run.R": "#!/usr/bin/env Rscript\n",
    "q.sql": "",
    "r.sql": "",
    "n.ipynb": "",
    "c.yaml": "",
    "d.yaml": "",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python a.py", ["script a.py"]),
        ("python -OO -W error a.py", ["script a.py"]),
        ("python -um pkg.mod c.yaml", ["module pkg.mod", "file c.yaml"]),
        ("python -c 'print(1)' c.yaml", ["code print(1)", "file c.yaml"]),
        ("python -m", []),
        ("python", []),
        ("python - c.yaml", ["file c.yaml"]),
        ("$PYTHON a.py", ["script a.py"]),
        ("python $SCRIPT", []),
        ("./a.py", ["script a.py"]),
        ("a.py", ["script a.py"]),
        ("./tool c.yaml", ["script tool", "file c.yaml"]),
        ("./plain", ["file plain"]),
        ("./run.R", ["r run.R"]),
        ("bash go.sh x", ["shell go.sh", "script a.py", "shell more.sh", "script b.py"]),
        ("bash -c", []),
        ("bash -l -x", []),
        ("source more.sh", ["shell more.sh", "script b.py", "shell go.sh", "script a.py"]),
        ("cat c.yaml | python a.py --file=d.yaml", ["file c.yaml", "script a.py", "file d.yaml"]),
        ("tool2 @c.yaml *.yaml", ["file c.yaml", "file d.yaml"]),
        ("psql -f q.sql < r.sql", ["sql r.sql", "sql q.sql"]),
        ("psql -f *.sql", ["sql q.sql", "sql r.sql"]),
        ("psql -f */*.sql", []),
        ("Rscript x.R c.yaml", ["r x.R", "file c.yaml"]),
        ("R CMD BATCH x.R", ["r x.R"]),
        ('Rscript -e \'source("x.R"); source("no.R")\'', ["r x.R"]),
        ("Rscript --version", []),
        ("papermill n.ipynb out.ipynb -f c.yaml", ["notebook n.ipynb", "file c.yaml"]),
        ("python -m papermill n.ipynb out.ipynb", ["module papermill", "notebook n.ipynb"]),
        ("jupyter execute n.ipynb", ["notebook n.ipynb"]),
        ("uv run --python 3.12 -- a.py c.yaml", ["script a.py", "file c.yaml"]),
        ("uv run -m pkg", ["module pkg"]),
        ("uv run -m", []),
        ("uv sync", []),
        ("env -u X A=1 nice -n 5 timeout -k 1 60 python a.py", ["script a.py"]),
        ("env A=1", []),
        ("torchrun --nproc 2 -m pkg.train c.yaml", ["module pkg.train", "file c.yaml"]),
        ("accelerate launch --config_file c.yaml a.py", ["file c.yaml", "script a.py"]),
        ("accelerate test c.yaml", ["file c.yaml"]),
        ("python -m torch.distributed.run a.py", ["module torch.distributed.run", "script a.py"]),
        ("black a.py", ["whole a.py"]),
        ("cd sub; python c.py", ["script sub/c.py"]),
        ("cd $X; python a.py", ["script a.py"]),
        ("(cd sub && python c.py); python a.py", ["script sub/c.py", "script a.py"]),
        ("export A=sub B; python $A/c.py", ["script sub/c.py"]),
        ("A=sub; python $A/c.py", ["script sub/c.py"]),
        ("cd sub\npython a.py", ["script a.py"]),
        ("echo a.py c.yaml; rm c.yaml; mkdir -p x", []),
        ("python a.py -o c.yaml --output d.yaml --output=d.yaml", ["script a.py"]),
        ("python a.py > c.yaml && cat c.yaml", ["script a.py"]),
        ("make", []),
        ("  ", []),
    ],
)
def test_what_a_command_runs_and_names(text: str, expected: list[str]) -> None:
    reader = CommandReader(Reader(DictTree(FILES)), dict)
    stage = Stage("s", "pivot.yaml", 1, Command((text,)))

    assert [f"{action.kind} {action.what}" for action in reader.read(stage)] == expected


def test_a_list_keeps_its_items_whole() -> None:
    reader = CommandReader(Reader(DictTree(FILES)), dict)
    stage = Stage("s", "pivot.yaml", 1, Command(("cd sub\npython c.py", "python a.py"), True))

    assert [action.what for action in reader.read(stage)] == ["sub/c.py", "a.py"]


@pytest.mark.parametrize(
    ("file", "expected"), [("dvc.yaml", ["a.py"]), ("pivot.yaml", ["a.py", "c.yaml"])]
)
def test_a_params_file_of_dvc_counts_by_its_keys(file: str, expected: list[str]) -> None:
    reader = CommandReader(Reader(DictTree(FILES)), dict)
    tracked = (ParamsFile("c.yaml", ("a",)),)
    stage = Stage("s", file, 1, Command(("python a.py c.yaml",)), params_files=tracked)

    assert [action.what for action in reader.read(stage)] == expected


def test_a_here_document_of_an_item_is_code() -> None:
    reader = CommandReader(Reader(DictTree(FILES)), dict)
    stage = Stage("s", "pivot.yaml", 1, Command(("python - <<E\nprint(1)\nE",), True))

    assert [action.what for action in reader.read(stage)] == ["print(1)\n"]


@pytest.mark.parametrize("path", ["lib", "$PWD/lib", "$(pwd)/lib", "x:lib", "lib:$PYTHONPATH"])
def test_pythonpath_is_read(path: str) -> None:
    reader = CommandReader(Reader(DictTree(FILES)), dict)
    for text in (f"PYTHONPATH={path} python a.py", f"export PYTHONPATH={path} && python a.py"):
        (action,) = reader.read(Stage("s", "pivot.yaml", 1, Command((text,))))
        assert "lib" in action.path


def test_the_environment_of_the_stage_is_known() -> None:
    reader = CommandReader(Reader(DictTree(FILES)), dict)
    stage = Stage("s", "pivot.yaml", 1, Command(("python $S",)), env_set={"S": "a.py"})

    assert [action.what for action in reader.read(stage)] == ["a.py"]


@pytest.mark.parametrize(
    ("normal", "one", "other", "same"),
    [
        (scripts.shell_text, "a # x\n\nb", "a\nb # y", True),
        (scripts.shell_text, "a '# x'", "a '# y'", False),
        (scripts.shell_text, "a #x", "a#x", False),
        (scripts.shell_text, "#!/bin/sh\na", "#!/bin/bash\na", False),
        (scripts.shell_text, "cat <<E\n# x\nE\n", "cat <<E\n# y\nE\n", False),
        (scripts.shell_text, "echo $# x", "echo $# y", False),
        (scripts.r_text, "x <- 1 # a", "x <- 1", True),
        (scripts.r_text, "x <- '# a'", "x <- '# b'", False),
        (scripts.sql_text, "SELECT 1 -- a\nFROM t", "SELECT 1 /* b */ FROM t", True),
        (scripts.sql_text, "SELECT '-- a'", "SELECT '-- b'", False),
        (scripts.sql_text, "SELECT 'a  b'", "SELECT 'a b'", False),
        (scripts.sql_text, "SELECT $$ -- a $$", "SELECT $$ -- b $$", False),
    ],
)
def test_text_without_comments(normal: object, one: str, other: str, same: bool) -> None:
    assert callable(normal)
    assert (normal(one) == normal(other)) is same


def test_sources_of_an_r_script() -> None:
    text = """
source("a.R")
source(file = 'b.R')
source(file.path("c", "d.R"))
source(here::here("e", "f.R"))
# source("no.R")
source(computed)
"""
    assert scripts.r_sources(text) == ["a.R", "b.R", "c/d.R", "e/f.R"]


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"cells": [1]}', b'{"cells": [{"cell_type": "code"}]}']
)
def test_a_broken_notebook_is_none(data: bytes) -> None:
    assert scripts.notebook(data) is None


def test_console_scripts_come_from_pyproject() -> None:
    from pivot.fingerprint.execution import _console_scripts

    text = b'[project.scripts]\na = "m:f"\n[tool.poetry.scripts]\nb = {reference = "m:g", type = "console"}\nc = 1\n'

    assert _console_scripts(text) == {"a": "m:f", "b": "m:g"}
    assert _console_scripts(b"[") == {}
    assert _console_scripts(None) == {}
