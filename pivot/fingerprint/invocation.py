"""One simple command: which project code its program runs, and which files its words name."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Protocol

from ..source.locate import Reader
from ..tree import join, parent
from . import programs
from .programs import Action, ActionKind
from .scripts import r_sources


class ShellState:
    """Where a command line stands: working folder, variables, subshells entered."""

    def __init__(self, cwd: str, variables: dict[str, str]) -> None:
        self.cwd = cwd
        self.variables = variables
        self.outer: list[tuple[str, dict[str, str]]] = []

    def python_path(self, local: dict[str, str]) -> tuple[str, ...]:
        value = local.get("PYTHONPATH", self.variables.get("PYTHONPATH", ""))
        found = []
        for part in value.split(":"):
            for here in ("$PWD", "$("):  # $(pwd)
                part = (
                    f".{part.removeprefix(here)}" if part.startswith((here, here + "/")) else part
                )
            if part and not part.startswith(("$", "/")):
                found.append(join(self.cwd, part))
        return tuple(found)


class Follower(Protocol):
    """What an invocation asks of the reader that found it."""

    reader: Reader

    def run_text(
        self, text: str, state: ShellState, found: dict[Action, None], scripts: set[str]
    ) -> None: ...

    def follow(
        self, path: str, state: ShellState, found: list[Action], scripts: set[str]
    ) -> None: ...

    def console_script(self, name: str) -> str | None: ...


class Invocation:
    """One simple command being read."""

    def __init__(
        self,
        reader: Follower,
        state: ShellState,
        local: dict[str, str],
        written: set[str],
        text: str | None,
        scripts: set[str],
    ) -> None:
        self.reader = reader
        self.state = state
        self.local = local
        self.written = written
        self.text = text
        self.scripts = scripts
        self.actions: list[Action] = []

    def add(self, kind: ActionKind, what: str) -> None:
        path = self.state.python_path(self.local)
        self.actions.append(Action(kind, what, self.state.cwd, path))

    def is_file(self, path: str) -> bool:
        return "$" not in path and self.reader.reader.is_file(path)

    # --- programs ----------------------------------------------------------------------

    def command(self, words: list[str]) -> None:
        while words:
            name, equals, value = words[0].partition("=")
            if not (equals and name.isidentifier()):
                break
            self.local[name] = value  # env X=1 python ...
            words = words[1:]
        if not words:
            return
        program, rest = words[0], words[1:]
        name = program.rpartition("/")[2]
        if self._builtin(name, rest):
            return
        if programs.PYTHON.match(name) or (
            program.startswith("$") and programs.PYTHON.match(program)
        ):
            self.python(rest)
        elif name in programs.PREFIXES:
            self.command(programs.after_options(rest, programs.PREFIXES[name]))
        elif name == "timeout":
            self.command(programs.after_options(rest, frozenset(("-s", "-k")))[1:])
        elif name in programs.RUNNERS and "run" in rest:
            self._runner(rest[rest.index("run") + 1 :], programs.RUNNERS[name])
        elif name in programs.SHELLS or program in ("source", "."):
            self._shell(rest)
        elif name in ("Rscript", "r", "R", "littler"):
            self._r(rest)
        elif name == "papermill":
            self._notebook(rest, first_only=True)
        elif name in ("jupyter", "jupyter-nbconvert", "nbconvert", "jupyter-execute"):
            self._notebook(rest, first_only=False)
        elif name in programs.LAUNCHERS:
            self._launcher(rest)
        elif name not in programs.MAKERS:
            self._other(program, name, rest)

    def _builtin(self, name: str, rest: list[str]) -> bool:
        """What changes the shell itself: variables and the working folder."""
        if name in ("export", "declare", "readonly", "typeset"):
            for word in rest:
                variable, equals, value = word.partition("=")
                if equals:
                    self.state.variables[variable] = value
            return True
        if name in ("cd", "pushd"):
            if rest and "$" not in rest[-1]:
                self.state.cwd = join(self.state.cwd, rest[-1])
            return True
        return False

    def _other(self, program: str, name: str, rest: list[str]) -> None:
        path = join(self.state.cwd, program)
        target = self.reader.console_script(name) if "/" not in program else None
        if target is not None:
            self.add("entry", target)
        elif "/" in program and self.is_file(path):
            self._executable(path)
        elif program.endswith(".py") and self.is_file(path):
            self.add("script", path)
        self.arguments(rest)

    def _executable(self, path: str) -> None:
        """A file of the project that is run itself: by its `#!` line or its suffix."""
        data = self.reader.reader.read(path) or b""
        head = data.partition(b"\n")[0].decode("utf-8", "replace")
        if path.endswith(".py") or (head.startswith("#!") and "python" in head):
            self.add("script", path)
        elif path.endswith((".sh", ".bash")) or (head.startswith("#!") and head.endswith("sh")):
            self._shell_script(path)
        elif path.lower().endswith(".r") or (head.startswith("#!") and "Rscript" in head):
            self.add("r", path)
        else:
            self.add("file", path)

    def python(self, words: list[str]) -> None:
        """The arguments of a Python interpreter."""
        place = 0
        while place < len(words):
            word = words[place]
            following = words[place + 1 :]
            if word in programs.PYTHON_VALUES:
                place += 2
                continue
            if word == "-" or not word.startswith("-"):
                break
            if not word.startswith("--") and word[-1] in "mc":
                if following:
                    if word[-1] == "m":
                        self._module(following[0], following[1:])
                    else:
                        self.add("code", following[0])
                        self.arguments(following[1:])
                return
            place += 1
        rest = words[place:]
        if not rest or rest[0] == "-":
            if self.text and self.text.strip():
                self.add("code", self.text)
            self.arguments(rest[1:])
            return
        path = join(self.state.cwd, rest[0])
        if "$" not in path:
            self.add("script", path)
        self.arguments(rest[1:])

    def _module(self, module: str, rest: list[str]) -> None:
        self.add("module", module)
        top = module.partition(".")[0]
        if top in ("torch", "accelerate", "coverage", "kernprof", "cProfile", "pdb", "trace"):
            self._launcher(rest)
        elif module in ("papermill", "nbconvert", "jupyter"):
            self._notebook(rest, first_only=module == "papermill")
        else:
            self.arguments(rest)

    def _launcher(self, words: list[str]) -> None:
        for place, word in enumerate(words):
            path = join(self.state.cwd, word)
            if word == "-m" and place + 1 < len(words):
                self._module(words[place + 1], words[place + 2 :])
                return
            if word.endswith(".py") and self.is_file(path):
                self.arguments(words[:place])
                self.add("script", path)
                self.arguments(words[place + 1 :])
                return
        self.arguments(words)

    def _runner(self, words: list[str], valued: frozenset[str]) -> None:
        for place, word in enumerate(words):
            if word in ("-m", "--module") and all(w.startswith("-") for w in words[:place]):
                self._module(words[place + 1], words[place + 2 :]) if words[place + 1 :] else None
                return
        rest = programs.after_options(words, valued)
        if rest and rest[0].endswith(".py"):
            self.python(rest)
        else:
            self.command(rest)

    def _shell(self, words: list[str]) -> None:
        for place, word in enumerate(words):
            if word.startswith("-") and word.endswith("c") and place + 1 < len(words):
                inner: dict[Action, None] = {}
                self.reader.run_text(
                    words[place + 1],
                    ShellState(self.state.cwd, {**self.state.variables, **self.local}),
                    inner,
                    self.scripts,
                )
                self.actions.extend(inner)
                return
            if not word.startswith("-"):
                path = join(self.state.cwd, word)
                if self.is_file(path):
                    self._shell_script(path)
                self.arguments(words[place + 1 :])
                return

    def _shell_script(self, path: str) -> None:
        self.add("shell", path)
        state = ShellState(self.state.cwd, {**self.state.variables, **self.local})
        self.reader.follow(path, state, self.actions, self.scripts)

    def _r(self, words: list[str]) -> None:
        for place, word in enumerate(words):
            path = join(self.state.cwd, word)
            if word == "-e" and place + 1 < len(words):
                for name in r_sources(words[place + 1]):
                    if self.is_file(join(self.state.cwd, name)):
                        self.add("r", join(self.state.cwd, name))
            if not word.startswith("-") and word not in ("CMD", "BATCH") and self.is_file(path):
                self.add("r", path)
                self.arguments(words[place + 1 :])
                return

    def _notebook(self, words: list[str], *, first_only: bool) -> None:
        seen = False
        for word in words:
            if word.endswith(".ipynb") and not word.startswith("-"):
                if (not seen or not first_only) and self.is_file(join(self.state.cwd, word)):
                    self.add("notebook", join(self.state.cwd, word))
                seen = True  # the second one is what papermill writes
            else:
                self.name_file(word)

    # --- files -------------------------------------------------------------------------

    def arguments(self, words: Sequence[str]) -> None:
        made = False
        for word in words:
            if not made and not programs.OUTPUT_OPTIONS.match(word.partition("=")[0]):
                self.name_file(word)
            made = bool(programs.OUTPUT_OPTIONS.match(word))

    def name_file(self, word: str) -> None:
        """A word that may name a file: itself, the value of `--option=value`, or a pattern."""
        for candidate in dict.fromkeys((word, word.partition("=")[2], word.removeprefix("@"))):
            if not candidate or candidate in self.written or candidate.startswith(("/", "-", "$")):
                continue
            if "://" in candidate or "\n" in candidate:
                continue
            for path in self._matches(join(self.state.cwd, candidate)):
                if "/" not in path or not path.startswith("../"):
                    suffix = "." + path.rpartition(".")[2].lower()
                    kind = programs.SUFFIXES.get(suffix, "file")
                    if kind == "shell":
                        self._shell_script(path)
                    else:
                        self.add(kind, path)

    def _matches(self, path: str) -> list[str]:
        if not any(char in path for char in "*?["):
            return [path] if self.is_file(path) else []
        folders = [parent("/" + path)[1:] or "."] if "/" in path else ["."]
        name = path.rpartition("/")[2]
        if any(char in folders[0] for char in "*?["):
            return []
        entries = self.reader.reader.entries(folders[0])
        return [
            join(folders[0], entry)
            for entry, is_dir in entries.items()
            if not is_dir and fnmatch.fnmatchcase(entry, name) and not entry.startswith(".")
        ]
