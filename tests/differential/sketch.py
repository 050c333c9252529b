"""A project in the making: documents of pipeline files, params and data, drawn piece by piece."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml
from hypothesis import strategies as st

T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """A generated project: its files, which corners it has, and which one was broken if any."""

    files: dict[str, str]
    corners: frozenset[int]
    broken: int | None
    notes: tuple[str, ...]


class Raw(str):
    """A scalar to be written into YAML as it stands."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return not isinstance(data, Shared)


class Shared(dict[Any, Any]):
    """A mapping that is written once, and named by an alias elsewhere."""


_Dumper.add_representer(Shared, lambda dumper, data: dumper.represent_dict(data))


class Sketch:
    """What is written so far, and the draws that decide on more.

    `params` holds for each folder the values of its params.yaml, which expressions there may name.
    """

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self.files: dict[str, str] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self.params: dict[str, dict[str, Any]] = {}
        self.raw: dict[str, list[str]] = {}  # lines below `stages:` that are written as they are
        self.corners: set[int] = set()
        self.notes: list[str] = []
        self.folder = "."
        self._count = 0
        self._marks: dict[str, str] = {}

    # --- draws

    def pick(self, *options: T) -> T:
        return self._draw(st.sampled_from(options))  # type: ignore[no-any-return]

    def often(self, percent: int = 50) -> bool:
        return bool(self._draw(st.integers(0, 99)) < percent)

    def number(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))

    def some(self, options: Sequence[T], low: int = 1, high: int = 3) -> list[T]:
        """Distinct ones of the options, in the order drawn."""
        count = min(self.number(low, high), len(options))
        indexes = self._draw(
            st.lists(st.integers(0, len(options) - 1), min_size=count, max_size=count, unique=True)
        )
        return [options[index] for index in indexes]

    def text(self) -> str:
        """Any text that a YAML file can hold."""
        return str(self._draw(st.text(_LETTERS, min_size=1, max_size=6)))

    # --- pieces

    def name(self, prefix: str = "s") -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def document(self) -> dict[str, Any]:
        return self.documents.setdefault(self.folder, {})

    def stage(self, body: Any, name: str | None = None) -> str:
        name = name or self.name()
        self.document().setdefault("stages", {})[name] = body
        return name

    def at(self, path: str) -> str:
        """A path beside the pipeline file at hand, from the root."""
        return path if self.folder == "." else f"{self.folder}/{path}"

    def file(self, path: str, text: str) -> str:
        self.files[self.at(path)] = text
        return path

    def values(self) -> dict[str, Any]:
        """The params.yaml of the folder."""
        if self.folder not in self.params:
            self.params[self.folder] = dict(VALUES)
        return self.params[self.folder]

    def exactly(self, text: str) -> str:
        """A word that will be `text` in the file, whatever YAML makes of it."""
        mark = f"MARK{len(self._marks)}X"
        self._marks[mark] = text
        return mark

    def has(self, corner: int, note: str = "") -> None:
        self.corners.add(corner)
        if note:
            self.notes.append(note)

    # --- the files

    def done(self, broken: int | None) -> Case:
        files = dict(self.files)
        for folder, values in self.params.items():
            files.setdefault(_in(folder, "params.yaml"), yaml.safe_dump(values, sort_keys=False))
        for folder in {*self.documents, *self.raw}:
            path = _in(folder, "dvc.yaml")
            if path not in files:
                files[path] = self._written(folder)
        return Case(files, frozenset(self.corners), broken, tuple(self.notes))

    def _written(self, folder: str) -> str:
        document = self.documents.get(folder, {})
        raw = self.raw.get(folder, [])
        if not raw and self.often(8):
            text = json.dumps(document)
        else:
            flow = False if raw else self.pick(None, False, False)
            text = yaml.dump(
                document, Dumper=_Dumper, sort_keys=False, default_flow_style=flow, width=1000,
                allow_unicode=True,
            )  # fmt: skip
        if raw:
            text = (text if document else "") + ("" if "stages" in document else "stages:\n")
            text += "".join(f"  {line}\n" for block in raw for line in block.splitlines())
        for mark, exact in self._marks.items():
            text = text.replace(mark, exact)
        return text


def _in(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}/{name}"


_LETTERS = st.sampled_from("ab1.-_/ é${}'\"#:,[]&*!%@\\\t")

#: What every params.yaml holds, if there is one.
VALUES: dict[str, Any] = {
    "i": 1,
    "f": 1.5,
    "tiny": 1e-10,
    "big": 1e20,
    "b": True,
    "no": False,
    "n": None,
    "s": "text",
    "empty": "",
    "z": "010",
    "l": [1, 2, {"x": 3}],
    "names": ["x", "y"],
    "m": {
        "a": {"b": [10, 20]}, "t": True, "f": False, "n": None, "l": [1, "two"],
        "s": "a b", "e": "", "q": "it's", "k": {"v": [1.5, True]},
    },
    "flat": {"lr": 0.1, "on": True, "off": False, "tags": ["a", "b c"], "deep": {"x": {"y": 1}}},
    "k-y": "dash",
    "k y": "space",
    "dir": "d",
    "items": {"p": {"d": "dp", "v": 1}, "q": {"d": "dq", "v": 2}},
    "scalars": {"one": 1, "two": "deux", "3": True},
    "lists": [[1, 2], ["a"]],
    "rows": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
    5: "number key",
}  # fmt: skip
