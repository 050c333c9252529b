"""Asks pipelines in Python for their stages, and keeps the answer while their code is the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..digest import fingerprint, hash_bytes
from ..errors import PivotError
from ..lockfile import decode_value
from ..model import PythonEntry, Stage
from ..project import Project

if TYPE_CHECKING:
    from ..config.program_files import Executed


class ProgramRunner:
    """Runs each pipeline at most once for one state of its code, of the packages that it uses, of
    the files that it reads and of the variables that its code names."""

    def __init__(
        self, project: Project, environ: Mapping[str, str], on_wait: Callable[[str], None]
    ) -> None:
        self._project = project
        self._environ = environ
        self._on_wait = on_wait

    def __call__(self, file: str, roots: tuple[str, ...], module: str) -> Executed:
        """See `config.program_files.RunProgram`. Raises RunError."""
        # only where a pipeline has to be run
        from ..config.program_files import Executed
        from ..config.programs import Entry
        from ..fingerprint import Fingerprinter

        project = self._project
        code = Fingerprinter(
            project.tree,
            code_roots=project.settings["code.roots"],
            cache=project.state.blobs("modules"),
            distributions=project.distributions,
        )
        entry = PythonEntry(f"{module}:stages", module, "stages")
        manifest = code.observed_manifest(Stage(file, file, 1, entry, roots=roots), module)
        assert manifest is not None  # the module was read before
        texts = [path for path, seen in code.sources_read.items() if seen and path[-1:] != "/"]
        # what is said of stages does not count as code, so the texts do
        units = [unit for path in texts for unit in code.sources.index(path).units]
        names = sorted({name for unit in units for name, _ in unit.environ})
        variables = {name: self._environ.get(name) for name in names}
        key = fingerprint(
            "program",
            3,  # the form of what is kept
            file,
            roots,
            {path: self._content(path) for path in texts},
            dict(manifest.packages),
            {name: "" if value is None else f"={value}" for name, value in variables.items()},
            project.interpreter.path,
        )
        store = project.state.blobs("programs")
        found = self._kept(store.get(file), key)
        if found is None:
            from ..run.declaring import Program, declared_by

            program = Program(project.root, file, module, roots)
            found = declared_by(project.interpreter.path, program, self._on_wait)
            found["digests"] = {path: self._content(path) for path in found["read"]}
            store.put(file, json.dumps({"key": key, **found}).encode())
        # a change while it ran counts as a change
        seen = {path: value for path, value in code.sources_read.items() if path[-1:] != "/"}
        seen |= {path: project.tree.signature(path) for path in found["read"]}
        entries = [Entry(**{**entry, **_decoded(entry)}) for entry in found["entries"]]
        return Executed(entries, seen, keeps=not variables)

    def _kept(self, data: bytes | None, key: str) -> dict[str, Any] | None:
        if data is None:
            return None
        try:
            found: dict[str, Any] = json.loads(data)
            same = found["key"] == key
            same = same and all(self._content(p) == d for p, d in found["digests"].items())
        except (ValueError, KeyError, TypeError, AttributeError, PivotError):
            return None
        return found if same else None

    def _content(self, path: str) -> str | None:
        """A digest of the file or of the names in the folder at `path`; None where nothing is."""
        tree = self._project.tree
        kind = tree.kind(path)
        if kind is None:
            return None
        if kind == "dir":
            place = os.path.join(self._project.root, path)
            return fingerprint("names", sorted(os.listdir(place)))
        return str(hash_bytes("xxh128", tree.read(path) or b""))


def _decoded(entry: Mapping[str, Any]) -> dict[str, Any]:
    classes = decode_value(entry["classes"])
    return {
        "body": decode_value(entry["body"]),
        "classes": {tuple(path): name for path, name in classes},
    }
