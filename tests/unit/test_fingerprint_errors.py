"""Code that cannot be read: an error with file and line, for the stages that reach it alone."""

from __future__ import annotations

import sys

import pytest

from pivot.errors import SourceError
from pivot.fingerprint import Fingerprinter
from pivot.model import PythonEntry, Stage
from pivot.tree import DictTree

RUNNING = "{}.{}".format(*sys.version_info[:2])


def stage(entry: str) -> Stage:
    module, _, name = entry.rpartition(".")
    return Stage(entry, "pivot.yaml", 3, PythonEntry(entry, module, name))


def project(broken: str | bytes, **more: str | bytes) -> Fingerprinter:
    files: dict[str, str | bytes] = {
        "pkg/__init__.py": "",
        "pkg/broken.py": broken,
        "pkg/fine.py": "def helper():\n    return 1\n",
        "pkg/stages.py": """
def reaches():
    from .broken import f
    return f()

def apart():
    from .fine import helper
    return helper()
""",
    }
    return Fingerprinter(DictTree({**files, **more}))


BROKEN: dict[str, tuple[str | bytes, int, str]] = {
    "syntax error": ("x = 1\ndef f(:\n    pass\n", 2, "syntax error"),
    "wrong encoding": (b"# a\nx = '\xff\xfe'\n", 2, "utf-8"),
    "unknown encoding": (b"# -*- coding: nope -*-\nx = 1\n", 1, "unknown encoding"),
    "null byte": (b"x = 1\ny = '\0'\n", 2, "null bytes"),
    "too many parentheses": ("x = 1\ny = " + "(" * 3000 + ")" * 3000 + "\n", 2, "nested"),
    "too deep an expression": ("x = 1\n\ny = 1" + " + 1" * 30_000 + "\n", 3, "nested too deeply"),
    "too deep a chain": ("x = [\n1]\ny = x" + ".a" * 30_000 + "\n", 3, "nested too deeply"),
    "tabs and spaces": ("def f():\n\tx = 1\n        y = 2\n", 3, "syntax error"),
    "missing relative module": ("import os\nfrom .nowhere import f\n", 2, "'pkg.nowhere'"),
    "missing submodule": ("import pkg.nowhere\n", 1, "'pkg.nowhere'"),
    "missing name of a package": ("from pkg import fien\n", 1, "'pkg.fien'"),
    "beyond the top": ("from ... import f\n", 1, "beyond the top"),
    "newer Python": ("x = 1\ndef f():\n    return t'{x}'\n", 3, "3.14"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_stage_that_reaches_broken_code_says_where(name: str) -> None:
    if name == "newer Python" and sys.version_info >= (3, 14):
        pytest.skip("this Python knows template strings")
    source, line, words = BROKEN[name]
    fingerprinter = project(source)

    with pytest.raises(SourceError, match="pkg") as raised:
        fingerprinter.manifest(stage("pkg.stages.reaches"))

    assert raised.value.where is not None
    assert raised.value.where.file == "pkg/broken.py"
    assert raised.value.where.line == line
    assert words in str(raised.value)


@pytest.mark.parametrize("name", BROKEN)
def test_other_stages_of_the_same_module_are_not_affected(name: str) -> None:
    fingerprinter = project(BROKEN[name][0])

    assert "pkg.fine:helper" in fingerprinter.manifest(stage("pkg.stages.apart")).symbols


def test_the_error_is_the_same_each_time() -> None:
    fingerprinter = project("def f(:\n")
    for _ in range(2):
        with pytest.raises(SourceError, match=r"pkg/broken\.py:1"):
            fingerprinter.manifest(stage("pkg.stages.reaches"))


def test_a_module_missing_inside_a_namespace_package_is_missed_from_within() -> None:
    files = {"src/stages.py": "from src.gone import f\ndef run():\n    return f()\n"}

    with pytest.raises(SourceError, match=r"src/stages\.py:1: there is no module 'src\.gone'"):
        Fingerprinter(DictTree(files)).manifest(stage("src.stages.run"))


def test_a_folder_named_like_a_library_is_not_asked_for_what_the_library_has() -> None:
    files = {
        "pandas/explore.py": "x = 1\n",
        "stages.py": "import pandas.io\nfrom pandas import DataFrame\ndef run():\n    return DataFrame()\n",
    }

    assert Fingerprinter(DictTree(files)).manifest(stage("stages.run")).symbols


def test_a_missing_module_suggests_the_nearest() -> None:
    fingerprinter = project("from .fien import helper\n")

    with pytest.raises(SourceError, match="did you mean 'fine'"):
        fingerprinter.manifest(stage("pkg.stages.reaches"))


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python knows that syntax")
@pytest.mark.parametrize(
    "text", ["type X = int\n", "def f[T](x: T): ...\n", "class C[T]: ...\n", "x = f'{d['a']}'\n"]
)
def test_syntax_of_a_newer_python_names_the_version(text: str) -> None:
    with pytest.raises(SourceError, match=r"of Python 3[.]12") as raised:
        project(text).manifest(stage("pkg.stages.reaches"))
    assert RUNNING in str(raised.value)


FINE = {
    "absence provided for": "try:\n    from .nowhere import f\nexcept ImportError:\n    f = None\n",
    "only for type checkers": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .nowhere import f\n",
    "only as a script": "if __name__ == '__main__':\n    from .nowhere import f\n",
    "a library": "import numpy\nfrom numpy.nowhere import f\n",
    "in a function nobody calls": "def g():\n    from .nowhere import f\n",
    "a name made while running": "globals().update(f=1)\nfrom pkg import broken\n",
    "many branches": "def f(x):\n    if x == 0: return 1\n"
    + "".join(f"    elif x == {n}: return {n}\n" for n in range(1, 1500)),
    "byte order mark": b"\xef\xbb\xbfdef f():\n    return 1\n",
    "latin-1": b"# -*- coding: latin-1 -*-\ndef f():\n    return '\xe9'\n",
    "invalid escape": "def f():\n    return '\\d'\n",
    "carriage returns": "def f():\r\n    return 1\r\n",
    "form feed": "\x0cdef f():\n    return 1\n",
    "empty": "",
}


@pytest.mark.parametrize("name", FINE)
@pytest.mark.filterwarnings("error")
def test_what_the_interpreter_would_accept_is_no_error(name: str) -> None:
    assert project(FINE[name]).manifest(stage("pkg.stages.reaches")).digest


def test_a_generated_file_of_many_lines_is_read() -> None:
    table = "T = {\n" + "".join(f"    'k{n}': [{n}, {n}.5],\n" for n in range(20_000)) + "}\n"
    functions = "".join(f"def f{n}(x):\n    return x + {n}\n" for n in range(5_000))
    fingerprinter = project(table + functions)

    found = fingerprinter.manifest(stage("pkg.stages.reaches"))

    assert [label for label in found.symbols if label.startswith("pkg.broken")] == []


def test_an_entry_that_does_not_exist_suggests_the_nearest() -> None:
    with pytest.raises(SourceError, match="did you mean 'reaches'"):
        project("").manifest(stage("pkg.stages.reachs"))


def test_a_library_object_as_entry_is_refused() -> None:
    fingerprinter = project("", **{"pkg/other.py": "from numpy import sum\n"})

    with pytest.raises(SourceError, match="not code of this project"):
        fingerprinter.manifest(stage("pkg.other.sum"))
