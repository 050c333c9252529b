"""DVC's configuration as Pivot's files of the same scope, and the other way; values as written.

What is committed says nothing of this machine: relative folders are seen from another folder then,
absolute ones and `~` stay. Secrets never go from a file of one's own into one that is committed.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

from ..disk import explain, read_if_exists
from ..project import Project
from ..project.configuration import parse_layer
from ..project.dvc_config import PATH_OPTIONS, dvc_config_files, parse_dvc_config
from ..project.dvc_editing import config_text
from ..project.root import SCRATCH, SELF_IGNORED
from ..settings import is_secret

_FILES = ((".dvc/config", ".pivot/config.yaml"), (".dvc/config.local", ".pivot/config.local.yaml"))

#: Options of remotes that DVC does not know.
_OWN = frozenset(("retries", "request_payer", "addressing_style", "engine", "known_hosts"))


def as_pivot(root: str, *, moved: bool) -> dict[str, bytes]:
    """The files of Pivot's that say what .dvc/config and config.local say, what is in them kept.

    Where the cache has `moved` into `.pivot/`, nothing is said of its place.
    """
    written: dict[str, bytes] = {}
    for (path, shown), (_, target) in zip(dvc_config_files(root)[2:], _FILES, strict=True):
        local = shown.endswith(".local")
        data = _read(path, shown)
        content = _content(_read(f"{root}/{target}", target))
        had_mode = content.get("core", {}).pop("mode", None) is not None
        if data is None and local and not had_mode:
            continue
        # its place as seen from the root: so are then the folders in it
        values, remotes = parse_dvc_config(data or b"", shown, shown)
        for key, value in values.items():
            section, _, name = key.partition(".")
            if key == "cache.dir" and moved:
                continue
            if key == "cache.link":
                value = next(kind for kind in str(value).split(",") if kind != "reflink")
            if key == "core.hardlink_lock":
                continue  # of DVC's own locks
            content.setdefault(section, {}).setdefault(name, value)
        if not local:
            # objects keep their names, here and in remotes
            content.setdefault("core", {})["hash"] = "md5"
        for name, remote in remotes.items():
            options = {"url": remote.url, **remote.options} if remote.url else dict(remote.options)
            known = content.setdefault("remotes", {})
            known.setdefault(name, options if remote.options else remote.url)
        written[target] = yaml_text({key: value for key, value in content.items() if value != {}})
    return written


def ignoring(project: Project) -> dict[str, bytes]:
    """So that git passes over what clones have in `.dvc/`, and sees `.pivot/.gitignore`."""
    written: dict[str, bytes] = {}
    own = project.tree.read(f"{SCRATCH}/.gitignore")
    if own is not None and SELF_IGNORED in own.decode("utf-8", "replace").splitlines():
        lines = own.decode("utf-8", "surrogateescape").splitlines()
        kept = "".join(f"{line}\n" for line in lines if line != SELF_IGNORED)
        written[f"{SCRATCH}/.gitignore"] = kept.encode("utf-8", "surrogateescape")
    if project.git is None:
        return written
    rules = (project.tree.read(".dvc/.gitignore") or b"").decode("utf-8", "replace").splitlines()
    former = [f"/.dvc{rule.strip()}" for rule in rules if rule.startswith("/")]
    before = (project.tree.read(".gitignore") or b"").decode("utf-8", "surrogateescape")
    wanted = dict.fromkeys(("/.dvc/config.local", "/.dvc/tmp", "/.dvc/cache", *former))
    lacking = [rule for rule in wanted if rule not in before.splitlines()]
    if lacking:
        before += "" if before.endswith("\n") or not before else "\n"
        text = before + "".join(f"{rule}\n" for rule in lacking)
        written[".gitignore"] = text.encode("utf-8", "surrogateescape")
    return written


def as_dvc(root: str) -> tuple[dict[str, bytes], list[str]]:
    """.dvc/config and config.local with the remotes of Pivot's files; and what was left out."""
    shared: dict[str, dict[str, str]] = {}
    own: dict[str, dict[str, str]] = {}
    notes: list[str] = []
    for target, shown in _FILES:
        values, remotes = parse_layer(_read(f"{root}/{shown}", shown) or b"", shown)
        place = own if target.endswith(".local") else shared
        for key in ("core.remote", "core.autostage"):
            if key in values:
                place.setdefault("core", {})[key.partition(".")[2]] = _text(values[key])
        for name, remote in remotes.items():
            section = f"'remote \"{name}\"'"
            options = {"url": remote.url, **remote.options} if remote.url else remote.options
            for option, value in options.items():
                if option in _OWN:
                    notes.append(f"remote '{name}': DVC knows no {option}; it is left out")
                    continue
                text = _text(value)
                if option in ("url", *PATH_OPTIONS):
                    text = _from_below(text)
                (own if is_secret(option, text) else place).setdefault(section, {})[option] = text
    made = {".dvc/config": config_text(shared)}
    if own:
        made[".dvc/config.local"] = config_text(own)
    return made, notes


def _from_below(path: str) -> str:
    """A path as seen from the root, as seen from `.dvc/`."""
    if "://" in path or path.startswith(("/", "~")):
        return path
    return os.path.normpath(f"../{path}")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(path: str, shown: str) -> bytes | None:
    try:
        return read_if_exists(path)
    except OSError as error:
        raise explain(error, "read", shown) from None


def _content(data: bytes | None) -> dict[str, Any]:
    if not data:
        return {}
    from ruamel.yaml import YAML  # 60 ms to import; only these commands

    found = YAML(typ="safe").load(data)
    return {
        key: dict(value) if isinstance(value, Mapping) else value
        for key, value in (found or {}).items()
        if value is not None
    }


def yaml_text(content: Mapping[str, Any]) -> bytes:
    """A mapping as YAML in block style, in its own order and without folded lines."""
    from ruamel.yaml import YAML  # 60 ms to import; only commands that write YAML

    stream = io.BytesIO()
    editor = YAML()
    editor.default_flow_style = False
    editor.width = 4096
    editor.dump(dict(content), stream)
    return stream.getvalue()
