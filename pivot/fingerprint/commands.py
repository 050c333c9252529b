"""What a command line runs and names: scripts, modules, notebooks, other files."""

from __future__ import annotations

from collections.abc import Callable

from ..config.discovery import is_dvc_file
from ..model import Command, Stage
from ..source.locate import Reader
from ..tree import is_within
from . import shell
from .invocation import Invocation, ShellState
from .programs import SUFFIXES, Action


def params_by_key(stage: Stage) -> list[str]:
    """Files that commands may name and that count by the keys tracked in them, as with DVC."""
    return [file.path for file in stage.params_files] if is_dvc_file(stage.file) else []


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
        excluded += params_by_key(stage)
        found: dict[Action, None] = {}
        for text in stage.entry.lines:
            # as DVC runs them: each line of a string in a shell of its own
            for part in [text] if stage.entry.is_list else text.splitlines():
                state = ShellState(stage.wdir, dict(stage.env_set))
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
        self, text: str, state: ShellState, found: dict[Action, None], scripts: set[str]
    ) -> None:
        commands = shell.parse(text)
        written = {shell.expand(w, state.variables) for item in commands for w in item.writes}
        for simple in commands:
            self._simple(simple, state, found, written, scripts)

    def _simple(
        self,
        simple: shell.Simple,
        state: ShellState,
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
        run = Invocation(self, state, local, written, simple.text, scripts)
        for name in simple.reads:
            run.name_file(shell.expand(name, state.variables))
        if words:
            run.command(words)
        found.update(dict.fromkeys(run.actions))

    def follow(self, path: str, state: ShellState, found: list[Action], scripts: set[str]) -> None:
        """The commands inside a shell script, run where its caller stands."""
        if path in scripts:
            return
        data = self.reader.read(path)
        if data is None:
            return
        inner: dict[Action, None] = {}
        self.run_text(
            data.decode("utf-8", "replace"),
            ShellState(state.cwd, dict(state.variables)),
            inner,
            scripts | {path},
        )
        found.extend(inner)

    def console_script(self, name: str) -> str | None:
        return self._console_scripts().get(name)
