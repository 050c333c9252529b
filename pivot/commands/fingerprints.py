"""`fingerprint show` and `fingerprint reset`: everything that counts for a stage."""

from __future__ import annotations

from typing import Any

from ..config import call_binding
from ..graph import Selection
from ..lockfile import encode_value
from ..model import CodeManifest, Stage
from ..plan import entry_of
from ..run.survey import Survey
from .selecting import named
from .session import Session


def show(session: Session, targets: tuple[str, ...]) -> list[dict[str, Any]]:
    """Per stage all that goes into its key, in the form of `fingerprint show --json`.

    Raises SourceError where the code of a stage cannot be read.
    """
    space = session.space
    survey = Survey(space)
    selection = Selection(targets=targets, cwd=session.cwd)
    return [_data(survey, space.graph.stages[n]) for n in named(session, selection).stages]


def _data(survey: Survey, stage: Stage) -> dict[str, Any]:
    manifest = survey.manifest(stage)
    evidence = survey.gather(stage, {})
    entry = entry_of(stage)
    key = evidence.key
    return {
        "stage": stage.name,
        "key": None if evidence.absent else key.id,
        "entry" if stage.is_python else "cmd": list(entry) if isinstance(entry, tuple) else entry,
        "wdir": stage.wdir,
        "binding": dict(call_binding(stage)),
        "params": {name: encode_value(values) for name, values in key.params.items()},
        "deps": {path: str(digest) for path, digest in key.deps.items()},
        "absent": list(evidence.absent),
        "outs": list(key.outs),
        "env": dict(key.env),
        "history": dict(key.history),
        "code": manifest.digest if manifest else None,
        **(_code_data(manifest) if manifest else {}),
        "observed": dict(evidence.observed),
    }


def _code_data(manifest: CodeManifest) -> dict[str, Any]:
    return {
        "symbols": {
            name: {"hash": symbol.hash, "file": symbol.file, "line": symbol.line}
            for name, symbol in sorted(manifest.symbols.items())
        },
        "modules": list(manifest.modules),
        "packages": dict(manifest.packages),
        "environ": dict(manifest.environ),
        "opaque": [
            {"what": reference.what, "file": reference.file, "line": reference.line}
            for reference in manifest.opaque
        ],
    }


def reset(session: Session) -> None:
    """Forget every cached module index and pipeline; the next command reads all sources again."""
    for space in ("modules", "pipeline"):
        entries = session.project.state.blobs(space)
        for key in entries.keys():  # noqa: SIM118 - not a mapping
            entries.delete(key)
