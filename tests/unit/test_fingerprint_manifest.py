"""What a manifest tells: symbols, chains, modules, packages, environment, what is hidden."""

from __future__ import annotations

import json

import pytest
from cases import CASES, Case
from test_fingerprint_table import stage_of

from pivot.errors import SourceError
from pivot.fingerprint import Fingerprinter
from pivot.model import Command, Dep, OpaqueReference, Out, PythonEntry, Stage
from pivot.tree import DictTree

FILES = {
    "src/__init__.py": "",
    "src/train.py": """
import importlib
import os

import pandas as pd
from sklearn.linear_model import LinearRegression

from .features import build


def train(kind):
    name = os.environ["MODEL"]
    importlib.import_module("plugins." + kind)
    return build(pd.DataFrame()), LinearRegression, os.getenv("SEED"), os.environ.get("HOME")
""",
    "src/features.py": """
from src.util import normalize
from src import setup_


def build(x):
    import torch
    return normalize(x)
""",
    "src/util.py": "\n\ndef normalize(x):\n    return eval(x, {})\n\n\ndef other():\n    import tensorflow\n",
    "src/setup_.py": "import logging\nlogging.basicConfig()\n",
    "plugins/__init__.py": "",
    "plugins/one.py": "from src.util import other\n\ndef go():\n    return other()\n",
}


class Installed:
    def of(self, top_level: str) -> tuple[str, str] | None:
        known = {"sklearn": ("scikit-learn", "1.8.0"), "pandas": ("pandas", "3.0.1")}
        return known.get(top_level)


def python(text: str = "src.train.train", **more: object) -> Stage:
    module, _, name = text.rpartition(".")
    return Stage("train", "pivot.yaml", 2, PythonEntry(text, module, name), **more)  # type: ignore[arg-type]


def command(text: str, **more: object) -> Stage:
    return Stage("run", "pivot.yaml", 2, Command((text,)), **more)  # type: ignore[arg-type]


def test_a_manifest_names_every_definition_with_its_place() -> None:
    found = Fingerprinter(DictTree(FILES)).manifest(python())

    assert set(found.symbols) == {
        "src.train:train",
        "src.features:build",
        "src.util:normalize",
        "src.setup_:<effects>",
    }
    assert (found.symbols["src.util:normalize"].file, found.symbols["src.util:normalize"].line) == (
        "src/util.py",
        3,
    )
    assert all(len(symbol.hash) == 16 for symbol in found.symbols.values())
    assert found.modules == ("src", "src.features", "src.setup_", "src.train", "src.util")
    assert found.digest.startswith("xxh128:")


def test_a_chain_leads_from_the_entry_to_a_definition() -> None:
    fingerprinter = Fingerprinter(DictTree(FILES))
    found = fingerprinter.manifest(python())

    assert fingerprinter.chain(found, "src.util:normalize") == (
        "src.train:train",
        "src.features:build",
        "src.util:normalize",
    )
    assert fingerprinter.chain(found, "src.setup_:<effects>")[0] == "src.train:train"
    assert fingerprinter.chain(found, "src.util:other") == ()


def test_a_manifest_tells_packages_environment_and_what_is_hidden() -> None:
    found = Fingerprinter(DictTree(FILES), distributions=Installed()).manifest(python())

    assert found.third_party == ("pandas", "sklearn", "torch")
    assert found.packages == {"pandas": "3.0.1", "scikit-learn": "1.8.0"}
    assert found.environ == {
        "MODEL": "src/train.py:12",
        "SEED": "src/train.py:14",
        "HOME": "src/train.py:14",
    }
    assert found.opaque == (
        OpaqueReference("import_module of a computed name", "src/train.py", 13),
        OpaqueReference("eval", "src/util.py", 4),
    )


def test_lines_and_places_do_not_count() -> None:
    moved = {**FILES, "src/util.py": "\n# more\n" + FILES["src/util.py"]}

    before = Fingerprinter(DictTree(FILES)).manifest(python())
    after = Fingerprinter(DictTree(moved)).manifest(python())

    assert after.digest == before.digest
    assert after.symbols["src.util:normalize"].line == 5


def test_an_observed_module_hashes_whole_with_what_it_leads_to() -> None:
    def observed(**changes: str) -> str | None:
        tree = DictTree({**FILES, **changes})
        return Fingerprinter(tree).observed_hash(python(), "plugins.one")

    assert observed() == observed()
    assert observed(**{"src/util.py": "def other(): return 2\n"}) != observed()
    assert observed(**{"src/train.py": "x = 1\n"}) == observed()
    assert Fingerprinter(DictTree(FILES)).observed_hash(python(), "plugins.gone") is None
    assert Fingerprinter(DictTree(FILES)).observed_hash(command("ls"), "plugins.one") == observed()


def test_an_observed_module_that_is_broken_is_an_error() -> None:
    tree = DictTree({**FILES, "plugins/one.py": "def\n"})

    with pytest.raises(SourceError, match=r"plugins/one\.py:1"):
        Fingerprinter(tree).observed_hash(python(), "plugins.one")


def test_deps_that_the_closure_reaches_are_judged_by_it() -> None:
    files = {**FILES, "run.sh": "python -m src.features\n", "run.py": "import src.util\n"}
    deps = tuple(map(Dep, ("src/util.py", "plugins/one.py", "run.sh", "run.py", "data", "x.csv")))
    fingerprinter = Fingerprinter(DictTree(files))

    assert fingerprinter.scripts_covered(python(deps=deps)) == {"src/util.py"}
    assert fingerprinter.scripts_covered(command("bash run.sh", deps=deps)) == {
        "src/util.py",
        "run.sh",
    }
    assert fingerprinter.scripts_covered(command("python run.py", deps=deps)) == {
        "src/util.py",
        "run.py",
    }
    assert fingerprinter.scripts_covered(python(deps=(Dep("data"),))) == frozenset()


def test_configured_roots_are_searched() -> None:
    files = {
        "a.py": "from lib1 import f\ndef run():\n    return f()\n",
        "vendor/lib1.py": "def f(): ...\n",
    }

    found = Fingerprinter(DictTree(files), code_roots=["vendor"]).manifest(python("a.run"))

    assert "lib1:f" in found.symbols


def test_everything_read_is_told() -> None:
    fingerprinter = Fingerprinter(DictTree(FILES))
    fingerprinter.manifest(python())

    seen = fingerprinter.sources_read
    assert seen["src/util.py"] is not None
    assert seen["pandas.py"] is None
    assert seen["pandas/"] is False
    assert "plugins/one.py" not in seen


def test_stages_share_what_is_read() -> None:
    fingerprinter = Fingerprinter(DictTree(FILES))
    one = fingerprinter.manifest(python())

    assert fingerprinter.manifest(python()) is one
    assert fingerprinter.sources.parsed == 5


def test_a_compiled_module_counts_by_its_bytes() -> None:
    def digest(binary: bytes, **more: str) -> str:
        files = {
            "pkg/__init__.py": "",
            "pkg/stages.py": "from ._fast import f\nfrom pkg import _fast\ndef run():\n    return f(), _fast.g()\n",
            "pkg/_fast.cpython-311-x86_64-linux-gnu.so": binary,
        }
        return Fingerprinter(DictTree({**files, **more})).manifest(python("pkg.stages.run")).digest

    assert digest(b"one") == digest(b"one")
    assert digest(b"one") != digest(b"two")


class Kept(dict[str, bytes]):
    def put(self, key: str, value: bytes) -> None:
        self[key] = value


@pytest.mark.parametrize("case", [case for case in CASES if case.needs == (3, 11)][::7], ids=str)
def test_a_kept_index_gives_the_same_manifest(case: Case) -> None:
    kept = Kept()
    tree = DictTree(case.files)
    stage = stage_of(case, tree)

    cold = Fingerprinter(tree, cache=kept).manifest(stage)
    second = Fingerprinter(tree, cache=kept)
    warm = second.manifest(stage)

    assert warm == cold
    assert all(key.startswith("python-index:") for key in kept)
    assert second.sources.parsed == 0


def test_a_large_or_untracked_file_named_by_a_command_does_not_count() -> None:
    files = {"small.yaml": "a: 1", "large.bin": "x" * 2_000_000, "mine.txt": "1"}
    stage = command(
        "tool small.yaml large.bin mine.txt ../outside.txt /etc/passwd https://x/y folder"
    )

    found = Fingerprinter(DictTree(files), tracked=lambda path: path != "mine.txt").manifest(stage)

    assert set(found.symbols) == {"file:small.yaml"}


def test_a_script_that_is_not_there_yet_is_told_and_counts_once_it_is() -> None:
    stage = command("python made.py && python notebooks && papermill broken.ipynb out.ipynb")
    before = Fingerprinter(DictTree({"broken.ipynb": "{"})).manifest(stage)
    after = Fingerprinter(DictTree({"made.py": "print(1)\n", "broken.ipynb": "{"})).manifest(stage)

    assert any("made.py" in item.what for item in before.opaque)
    assert before.digest != after.digest
    assert "file:broken.ipynb" in after.symbols
    generated = command("python made.py", deps=(Dep("made.py"),))
    assert Fingerprinter(DictTree({})).manifest(generated).symbols == {}


def test_code_only_the_shell_can_complete_is_told() -> None:
    found = Fingerprinter(DictTree({})).manifest(command('python -c "print($X"'))

    assert [item.what for item in found.opaque] == ["code that only the shell can complete"]


def test_a_python_file_handed_to_a_program_counts_whole_in_its_package() -> None:
    files = {
        "tests/__init__.py": "",
        "tests/test_a.py": "from .helpers import f\n\ndef test_it():\n    assert f()\n",
        "tests/helpers.py": "def f():\n    return 1\n\ndef g():\n    return 2\n",
    }
    found = Fingerprinter(DictTree(files)).manifest(command("pytest tests/test_a.py"))

    assert set(found.symbols) == {"tests.test_a:test_it", "tests.helpers:f"}


def test_a_file_that_some_program_reads_and_that_is_not_python_counts_by_content() -> None:
    found = Fingerprinter(DictTree({"old.py": "print 1\n"})).manifest(command("tool old.py"))

    assert set(found.symbols) == {"file:old.py"}
    assert "cannot be read" in found.opaque[0].what


def test_a_folder_runs_by_its_main() -> None:
    files = {
        "app/__main__.py": "import part\nprint(part.f())\n",
        "app/part.py": "def f(): return 1\n",
    }

    found = Fingerprinter(DictTree(files)).manifest(command("python app"))

    assert "part:f" in found.symbols


def test_an_out_that_a_command_names_is_no_input() -> None:
    stage = command("python made.py notes.sql", outs=(Out("notes.sql"), Out("made.py")))

    found = Fingerprinter(DictTree({"notes.sql": "SELECT 1", "made.py": ""})).manifest(stage)

    assert found.symbols == {}


def test_cells_in_another_language_count_as_text() -> None:
    def digest(cell: str) -> str:
        cells = [{"cell_type": "code", "source": cell}]
        text = json.dumps({"cells": cells, "metadata": {"kernelspec": {"language": "R"}}})
        stage = command("papermill a.ipynb b.ipynb")
        return Fingerprinter(DictTree({"a.ipynb": text})).manifest(stage).digest

    assert digest("x <- 1") != digest("x <- 2")


def test_cells_that_are_not_plain_python_count_as_text() -> None:
    text = '{"cells": [{"cell_type": "code", "source": ["x = !ls\\n", "%%d\\n"]}, {"cell_type": "code", "source": "%%bash\\nls"}]}'
    stage = command("jupyter nbconvert --execute a.ipynb")

    found = Fingerprinter(DictTree({"a.ipynb": text})).manifest(stage)

    assert set(found.symbols) == {"file:a.ipynb"}
    assert found.opaque
