"""Entry points: what `a.b.c` in a pipeline file means, and what is said where it means nothing."""

from __future__ import annotations

import pytest

from pivot.errors import SourceError, Where
from pivot.source import Parameter, Sources, find_entry, import_roots, split_entry, unchanged
from pivot.tree import DictTree

FILES = {
    "pipelines/pivot.yaml": "",
    "pipelines/local.py": "def here(): ...\n",
    "src/app/__init__.py": "from .stages import train as fit\nimport numpy\nfrom numpy import sum\n",
    "src/app/stages.py": '''
from functools import lru_cache, partial

import tools


def train(raw, /, data: "Frame", *rest: int, C: float = 1.0, out: dict[str,
        int], **more) -> "Model":
    """Fit."""


@lru_cache
def cached(x): ...


@tools.wrap
def wrapped(x): ...


def again(x): ...


again = partial(again, 1)
PARTIAL = partial(train, 1)


class Trainer:
    @staticmethod
    def static(a, b=1): ...

    @classmethod
    def build(cls, a): ...

    def method(self, a): ...

    class Inner: ...
''',
    "tools.py": "def wrap(f):\n    return f\n",
    "lazy/__init__.py": "def __getattr__(name):\n    return 1\n",
}
ROOTS = ("pipelines", ".", "src")


def entry(text: str):
    return find_entry(DictTree(FILES), ROOTS, text)


def test_import_roots_are_the_pipelines_folder_the_root_src_and_the_configured() -> None:
    tree = DictTree(FILES)

    assert import_roots(tree, "pipelines/pivot.yaml", ["lib", "../shared", "."]) == (
        "pipelines",
        ".",
        "src",
        "lib",
        "../shared",
    )
    assert import_roots(DictTree({"src/__init__.py": ""}), "pivot.yaml", ()) == (".",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app.stages.train", ("app.stages", "train")),
        ("app.stages:train", ("app.stages", "train")),
        ("src.app.stages.train", ("src.app.stages", "train")),
        ("app.fit", ("app", "fit")),
        ("app.stages.Trainer.build", ("app.stages", "Trainer.build")),
        ("local.here", ("local", "here")),
        ("nowhere.f", None),
        ("app.stages", ("app", "stages")),
        ("app", None),
        ("app:", None),
        ("nowhere:f", None),
        ("", None),
    ],
)
def test_the_longest_module_prefix_is_the_module(text: str, expected: object) -> None:
    assert split_entry(DictTree(FILES), ROOTS, text) == expected


def test_a_signature_is_read_as_it_is_written() -> None:
    found = entry("app.stages.train")

    assert (found.module, found.qualname, found.file, found.line) == (
        "app.stages",
        "train",
        "src/app/stages.py",
        7,
    )
    assert found.signature.parameters == (
        Parameter("raw", "positional", True, None),
        Parameter("data", "positional", True, "Frame"),
        Parameter("rest", "var_positional", False, "int"),
        Parameter("C", "keyword", False, "float"),
        Parameter("out", "keyword", True, "dict[str, int]"),
        Parameter("more", "var_keyword", False, None),
    )
    assert found.signature.returns == "Model"
    assert found.signature.known


def test_a_re_export_leads_to_the_definition() -> None:
    found = entry("app.fit")

    assert (found.module, found.qualname, found.file) == (
        "app.stages",
        "train",
        "src/app/stages.py",
    )


@pytest.mark.parametrize(
    ("text", "known", "names"),
    [
        ("app.stages.cached", True, ["x"]),
        ("app.stages.wrapped", False, ["x"]),
        ("app.stages.again", False, ["x"]),
        ("app.stages.PARTIAL", False, []),
        ("app.stages.Trainer", False, []),
        ("app.stages.Trainer.static", True, ["a", "b"]),
        ("app.stages.Trainer.build", True, ["a"]),
        ("app.stages.Trainer.method", False, ["self", "a"]),
        ("app.stages.Trainer.Inner", False, []),
        ("lazy.anything", False, []),
    ],
)
def test_a_signature_is_known_only_where_the_text_shows_it(
    text: str, known: bool, names: list[str]
) -> None:
    found = entry(text).signature

    assert found.known is known
    assert [parameter.name for parameter in found.parameters] == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("app.stages.trian", "did you mean 'train'"),
        ("app.stagse.train", "no module 'stagse' in package 'app'"),
        ("ap.stages.train", "did you mean 'app'"),
        ("zzz.qqq", "searched in pipelines, ., src"),
        ("app.stages", "names a module"),
        ("app", "names a module, not a function"),
        ("app.sum", "not code of this project"),
        ("app.stages.Trainer.statik", "did you mean 'static'"),
        ("tools.qqq", "it defines wrap"),
        ("a b.c", "not of the form"),
    ],
)
def test_a_name_that_means_nothing_is_an_error_with_a_hint(text: str, message: str) -> None:
    where = Where("pivot.yaml", 4, 13)

    with pytest.raises(SourceError) as raised:
        find_entry(DictTree(FILES), ROOTS, text, where=where)

    assert message in str(raised.value)
    assert raised.value.where == where


def test_pivot_itself_is_never_project_code() -> None:
    parts = ("fingerprint", "declare", "lockfile")
    files = {f"pivot/{part}/__init__.py": "" for part in parts} | {"pivot/__init__.py": "x = 1\n"}

    assert split_entry(DictTree(files), (".",), "pivot.x") is None
    assert split_entry(DictTree({"pivot.py": "x = 1\n"}), (".",), "pivot.x") == ("pivot", "x")


def test_a_virtual_environment_is_no_package() -> None:
    files = {"env/pyvenv.cfg": "", "env/lib/tool.py": "", "other/lib/tool.py": ""}

    assert split_entry(DictTree(files), (".",), "env.lib.tool.f") is None
    assert split_entry(DictTree(files), (".",), "other.lib.tool.f") == ("other.lib.tool", "f")


class Kept(dict[str, bytes]):
    def put(self, key: str, value: bytes) -> None:
        self[key] = value


def test_a_file_is_parsed_once_and_not_at_all_with_a_cache() -> None:
    kept = Kept()
    first = Sources(DictTree(FILES), kept)
    made = [first.index("src/app/stages.py") for _ in range(2)]
    second = Sources(DictTree(FILES), kept)

    assert second.index("src/app/stages.py") == made[0] == made[1]
    assert (first.parsed, second.parsed) == (1, 0)


@pytest.mark.parametrize(
    "damaged", [b"", b"x", b"\xe3\x00\x00", b"i\x01\x00\x00\x00", b"(\x00\x00\x00\x00"]
)
def test_a_damaged_cache_is_a_miss(damaged: bytes) -> None:
    kept = Kept()
    whole = Sources(DictTree(FILES), kept).index("tools.py")
    for key in kept:
        kept[key] = damaged
    again = Sources(DictTree(FILES), kept)

    assert again.index("tools.py") == whole
    assert again.parsed == 1


def test_sources_tell_whether_what_they_read_still_holds() -> None:
    sources = Sources(DictTree(FILES))
    find_entry(sources.tree, ROOTS, "app.fit", reader=sources)

    def holds(**changes: str) -> bool:
        return unchanged(
            DictTree({**FILES, **{k.replace("__", "/"): v for k, v in changes.items()}}),
            sources.seen,
        )

    assert holds()
    assert holds(**{"notes.txt": "1"})
    assert not holds(**{"src/app/stages.py": "x = 1"})
    assert not holds(**{"app.py": ""})
    assert not holds(**{"app/x.py": ""})


def test_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SourceError, match="no such file"):
        Sources(DictTree({})).index("gone.py")
    with pytest.raises(SourceError, match="syntax error"):
        Sources(DictTree({"x.py": "def"})).parse("x.py")
