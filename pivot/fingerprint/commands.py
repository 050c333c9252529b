"""What a command line runs and names: scripts, modules, notebooks, other files."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from ..model import Command, Stage
from ..source.locate import Reader
from ..tree import is_within, join, parent
from . import shell
from .scripts import r_sources

ActionKind = Literal[
    "script", "module", "entry", "whole", "code", "notebook", "shell", "r", "sql", "file"
]


class Action(NamedTuple):
    """One thing a command runs or names. `what` is a project path, a module, or Python code."""

    kind: ActionKind
    what: str
    cwd: str
    path: tuple[str, ...] = ()  # PYTHONPATH, as project paths


_PYTHON = re.compile(
    r"^(?:python|pypy|ipython)[\d.]*w?$|^py$|^\$\{?\w*python\w*\}?$", re.IGNORECASE
)
_SHELLS = frozenset(("bash", "sh", "zsh", "dash", "ksh"))
#: Programs that run the command which follows them, with their options that take a value.
_PREFIXES: dict[str, frozenset[str]] = {
    "env": frozenset(("-u", "--unset", "-C", "--chdir", "-S")),
    "exec": frozenset(("-a",)),
    "nohup": frozenset(),
    "nice": frozenset(("-n", "--adjustment")),
    "ionice": frozenset(("-c", "-n")),
    "stdbuf": frozenset(("-i", "-o", "-e")),
    "sudo": frozenset(("-u", "-g")),
    "xvfb-run": frozenset(("-s", "-n")),
    "time": frozenset(("-f", "-o")),
    "command": frozenset(),
    "caffeinate": frozenset(),
    "srun": frozenset(("-n", "-N", "-p", "-c", "-t")),
    "mpirun": frozenset(("-n", "-np", "--hostfile", "-H")),
    "mpiexec": frozenset(("-n", "-np")),
    "xargs": frozenset(("-n", "-P", "-I", "-L", "-a")),
}
#: The same, for tools whose subcommand `run` does it.
_RUNNERS: dict[str, frozenset[str]] = {
    "uv": frozenset(
        (
            *("--with", "--python", "-p", "--extra", "--group", "--project", "--directory"),
            *("--env-file", "--package", "--with-requirements", "--with-editable", "--index"),
        )
    ),
    "poetry": frozenset(("-C", "--directory", "-P", "--project")),
    "pdm": frozenset(("-p", "--project")),
    "pipenv": frozenset(),
    "hatch": frozenset(("-e", "--env")),
    "rye": frozenset(),
    "conda": frozenset(("-n", "--name", "-p", "--prefix", "--cwd")),
    "mamba": frozenset(("-n", "--name", "-p", "--prefix")),
    "micromamba": frozenset(("-n", "--name", "-p", "--prefix")),
    "pixi": frozenset(("-e", "--environment")),
    "coverage": frozenset(("--source", "--rcfile", "--omit", "--include", "--data-file")),
}
#: Programs whose first Python file among the arguments runs as a script.
_LAUNCHERS = frozenset(
    (
        *("torchrun", "accelerate", "deepspeed", "streamlit", "kernprof", "spark-submit"),
        *("viztracer", "scalene", "py-spy", "memray", "mprof", "horovodrun", "marimo", "bokeh"),
    )
)
#: Programs whose arguments are what they make or remove.
_MAKERS = frozenset(
    ("rm", "rmdir", "mkdir", "touch", "tee", "truncate", "unlink", "echo", "printf")
)
_OUTPUT_OPTIONS = re.compile(r"^(?:-o|-O|--?out(?:put)?(?:[-_]\w+)*|--log(?:[-_]file)?)$")
_PYTHON_VALUES = frozenset(("-W", "-X", "--check-hash-based-pycs"))
SUFFIXES: dict[str, ActionKind] = {
    ".py": "whole",
    ".ipynb": "notebook",
    ".sql": "sql",
    ".sh": "shell",
    ".bash": "shell",
    ".r": "r",
}


class _State:
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


class CommandReader:
    """Reads the commands of stages into actions, following shell scripts.

    `console_scripts` maps the project's own console commands to 'module:function'.
    """

    def __init__(self, reader: Reader, console_scripts: Callable[[], dict[str, str]]) -> None:
        self.reader = reader
        self._console_scripts = console_scripts

    def read(self, stage: Stage) -> list[Action]:
        """The actions of a stage's command, each once, in order."""
        assert isinstance(stage.entry, Command)
        excluded = [dep.path for dep in stage.deps] + [out.path for out in stage.outs]
        found: dict[Action, None] = {}
        for text in stage.entry.lines:
            # as DVC runs them: each line of a string in a shell of its own
            for part in [text] if stage.entry.is_list else text.splitlines():
                state = _State(stage.wdir, dict(stage.env_set))
                self.run_text(part, state, found, set())
        kept = []
        for action in found:
            outs = (out.path for out in stage.outs)
            if action.kind == "file" and any(is_within(action.what, path) for path in excluded):
                continue
            if action.kind in SUFFIXES.values() and any(is_within(action.what, o) for o in outs):
                continue
            kept.append(action)
        return kept

    def run_text(
        self, text: str, state: _State, found: dict[Action, None], scripts: set[str]
    ) -> None:
        commands = shell.parse(text)
        written = {shell.expand(w, state.variables) for item in commands for w in item.writes}
        for simple in commands:
            self._simple(simple, state, found, written, scripts)

    def _simple(
        self,
        simple: shell.Simple,
        state: _State,
        found: dict[Action, None],
        written: set[str],
        scripts: set[str],
    ) -> None:
        if simple.words == ("(",):
            state.outer.append((state.cwd, dict(state.variables)))
            return
        if simple.words == (")",):
            if state.outer:
                state.cwd, state.variables = state.outer.pop()
            return
        local = {name: shell.expand(value, state.variables) for name, value in simple.assignments}
        words = [shell.expand(word, state.variables) for word in simple.words]
        if not words:
            state.variables.update(local)
        run = _Run(self, state, local, written, simple.text, scripts)
        for name in simple.reads:
            run.name_file(shell.expand(name, state.variables))
        if words:
            run.command(words)
        found.update(dict.fromkeys(run.actions))

    def follow(self, path: str, state: _State, found: list[Action], scripts: set[str]) -> None:
        """The commands inside a shell script, run where its caller stands."""
        if path in scripts:
            return
        data = self.reader.read(path)
        if data is None:
            return
        inner: dict[Action, None] = {}
        self.run_text(
            data.decode("utf-8", "replace"),
            _State(state.cwd, dict(state.variables)),
            inner,
            scripts | {path},
        )
        found.extend(inner)

    def console_script(self, name: str) -> str | None:
        return self._console_scripts().get(name)


class _Run:
    """One simple command being read."""

    def __init__(
        self,
        reader: CommandReader,
        state: _State,
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
        if _PYTHON.match(name) or (program.startswith("$") and _PYTHON.match(program)):
            self.python(rest)
        elif name in _PREFIXES:
            self.command(_after_options(rest, _PREFIXES[name]))
        elif name == "timeout":
            self.command(_after_options(rest, frozenset(("-s", "-k")))[1:])
        elif name in _RUNNERS and "run" in rest:
            self._runner(rest[rest.index("run") + 1 :], _RUNNERS[name])
        elif name in _SHELLS or program in ("source", "."):
            self._shell(rest)
        elif name in ("Rscript", "r", "R", "littler"):
            self._r(rest)
        elif name == "papermill":
            self._notebook(rest, first_only=True)
        elif name in ("jupyter", "jupyter-nbconvert", "nbconvert", "jupyter-execute"):
            self._notebook(rest, first_only=False)
        elif name in _LAUNCHERS:
            self._launcher(rest)
        elif name not in _MAKERS:
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
            if word in _PYTHON_VALUES:
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
            if self.text is not None:
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
        rest = _after_options(words, valued)
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
                    _State(self.state.cwd, {**self.state.variables, **self.local}),
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
        state = _State(self.state.cwd, {**self.state.variables, **self.local})
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
            if not made and not _OUTPUT_OPTIONS.match(word.partition("=")[0]):
                self.name_file(word)
            made = bool(_OUTPUT_OPTIONS.match(word))

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
                    kind = SUFFIXES.get(suffix, "file")
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


def _after_options(words: list[str], valued: frozenset[str]) -> list[str]:
    """The words after a program's own options; `valued` are those that take the next word."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        if words[place] == "--":
            place += 1
            break
        place += 2 if words[place] in valued else 1
    return words[place:]
