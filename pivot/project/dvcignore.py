"""`.dvcignore`: which files and folders DVC, and so a DVC project, does not look at.

The syntax is gitignore's, in any folder, for what lies below it; rules of deeper files win over
those above, and of one file the last that matches. What lies in an ignored folder is ignored,
whatever else is said of it. `.git`, `.hg` and `.dvc`, and the folders of other DVC projects
inside, are always ignored.
"""

from __future__ import annotations

import re

from ..tree import Tree
from ..values import dataclass

FILE = ".dvcignore"
_ALWAYS = frozenset((".git", ".hg", ".dvc"))


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    negated: bool
    folders_only: bool


class DvcIgnore:
    """The rules of the project whose root `tree` shows; `root` is its absolute path."""

    def __init__(self, tree: Tree, root: str) -> None:
        self._tree = tree
        self._prefix = root.rstrip("/") + "/"
        self._rules: dict[str, tuple[_Rule, ...]] = {}
        self._known: dict[tuple[str, bool], bool] = {}

    def ignores(self, path: str, is_dir: bool) -> bool:
        """Whether DVC does not see the file or folder at `path`, relative or absolute."""
        if path.startswith("/"):
            if not path.startswith(self._prefix):
                return False
            path = path[len(self._prefix) :]
        if path in (".", "") or path.startswith("../"):
            return False
        return self._ignored(path, is_dir)

    def skips_folder(self, path: str, is_dir: bool = True) -> bool:
        """As `ignores` for a folder, and for a file where `is_dir` is false."""
        return self.ignores(path, is_dir)

    def _ignored(self, path: str, is_dir: bool) -> bool:
        known = self._known.get((path, is_dir))
        if known is None:
            folder, _, name = path.rpartition("/")
            known = (
                (folder != "" and self._ignored(folder, True))
                or name in _ALWAYS
                or self._ruled_out(path, is_dir)
            )
            self._known[path, is_dir] = known
        return known

    def _ruled_out(self, path: str, is_dir: bool, above: int = 1) -> bool:
        """Whether rules hide `path`; of the folders so many parts above it, and higher."""
        parts = path.split("/")
        for depth in range(len(parts) - above, -1, -1):
            folder = "/".join(parts[:depth])
            inside = "/".join(parts[depth:]) + ("/" if is_dir else "")
            for rule in reversed(self._rules_of(folder)):
                if (is_dir or not rule.folders_only) and rule.pattern.fullmatch(inside):
                    return not rule.negated
        return is_dir and self._tree.kind(f"{path}/.dvc") == "dir"

    def _rules_of(self, folder: str) -> tuple[_Rule, ...]:
        rules = self._rules.get(folder)
        if rules is None:
            own = f"{folder}/{FILE}" if folder else FILE
            # one that rules from above hide says nothing
            is_hidden = folder != "" and self._ruled_out(own, False, above=2)
            data = None if is_hidden else self._tree.read(own)
            lines = data.decode("utf-8", "replace").splitlines() if data else []
            made = [_rule(line.strip()) for line in lines]
            rules = self._rules[folder] = tuple(rule for rule in made if rule is not None)
        return rules


def _rule(line: str) -> _Rule | None:
    """One line of gitignore; None for blank lines and comments."""
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    text = line[1:] if negated else line
    folders_only = text.endswith("/")
    text = text.rstrip("/") if folders_only else text
    if not text:
        return None
    anchored = "/" in text
    parts = [part for part in text.split("/") if part]
    if not anchored and parts != ["**"]:
        parts = ["**", *parts]
    return _Rule(re.compile(_pattern(parts), re.DOTALL), negated, folders_only)


def _pattern(parts: list[str]) -> str:
    made = ""
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            made += ".*" if last else "(?:.+/)?"
        else:
            # a rule for a folder says the same of all below it, where no later rule speaks
            name = "[^/]+" if part == "*" else _segment(part)  # alone, it is never nothing
            made += name + ("(?:/.*)?" if last else "/")
    return made


def _segment(text: str) -> str:
    """A name pattern as a regular expression."""
    made = ""
    position = 0
    while position < len(text):
        sign = text[position]
        position += 1
        if sign == "*":
            made += "[^/]*"
        elif sign == "?":
            made += "[^/]"
        elif sign == "\\" and position < len(text):
            made += re.escape(text[position])
            position += 1
        elif sign == "[":
            end = text.find("]", position + 1 + (text[position : position + 1] in ("!", "^")))
            if end < 0:
                made += re.escape(sign)
                continue
            inner = text[position:end].replace("\\", "\\\\")
            negated = inner[:1] in ("!", "^")
            made += f"[^/{inner[1:]}]" if negated else f"[{inner}]"
            position = end + 1
        else:
            made += re.escape(sign)
    return made
