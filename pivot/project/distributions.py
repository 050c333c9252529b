"""Which installed distribution provides an importable name, from metadata files alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence

from ..disk import read_if_exists
from .interpreter import Memory

#: Installers write into a folder for a while after they made it.
_QUIET_NS = 10_000_000_000

Owners = dict[str, tuple[str, str]]


class InstalledDistributions:
    """The distributions in some `site-packages` folders, earlier folders first.

    Nothing is imported and no interpreter started. Each folder is read once per change of its
    entries; `memory` keeps what was found between runs.
    """

    def __init__(self, site_packages: Sequence[str], memory: Memory | None = None) -> None:
        self._folders = tuple(site_packages)
        self._memory = memory
        self._owners: Owners | None = None

    def of(self, top_level: str) -> tuple[str, str] | None:
        """(distribution, version) that provides the import name; None where none does.

        A name that several distributions share (a namespace package) gives all of them, joined
        by `+`, so that a change of any is a change.
        """
        if self._owners is None:
            self._owners = {}
            for folder in self._folders:
                for name, owner in self._read(folder).items():
                    self._owners.setdefault(name, owner)
        return self._owners.get(top_level)

    def _read(self, folder: str) -> Owners:
        try:
            changed = os.stat(folder).st_mtime_ns
        except OSError:
            return {}
        kept = self._memory.get(folder) if self._memory is not None else None
        if kept is not None:
            try:
                before, owners = json.loads(kept)
                if before == changed:
                    return {name: (owner[0], owner[1]) for name, owner in owners.items()}
            except (ValueError, TypeError, IndexError, AttributeError):
                pass  # another version's: read the folder
        found = read_owners(folder)
        if self._memory is not None and changed + _QUIET_NS < time.time_ns():
            self._memory.put(folder, json.dumps([changed, found]).encode())
        return found


def read_owners(folder: str) -> Owners:
    """Import name -> (distribution, version) of one folder."""
    claims: dict[str, dict[str, tuple[str, bool]]] = {}
    try:
        entries = sorted(os.listdir(folder))
    except OSError:
        return {}
    for entry in entries:
        if not entry.endswith((".dist-info", ".egg-info")):
            continue
        path = f"{folder}/{entry}"
        metadata = _text(f"{path}/METADATA") or _text(f"{path}/PKG-INFO") or _text(path)
        name, version = _field(metadata, "Name"), _field(metadata, "Version")
        if name is None or version is None:
            continue
        for top, regular in _top_level(path):
            claims.setdefault(top, {})[name] = (version, regular)
    owners: Owners = {}
    for top, claimants in claims.items():
        # the one with an `__init__` of its own owns the name, whatever others put below it
        own = {name: claim for name, claim in claimants.items() if claim[1]}
        chosen = sorted((own or claimants).items(), key=lambda item: item[0].lower())
        names = "+".join(name for name, _ in chosen)
        owners[top] = (names, "+".join(version for _, (version, _) in chosen))
    return owners


def _text(path: str) -> str:
    try:
        data = read_if_exists(path)
    except OSError:
        return ""
    return data.decode("utf-8", "replace") if data else ""


def _field(metadata: str, name: str) -> str | None:
    wanted = f"{name.lower()}:"
    for line in metadata.splitlines():
        if not line.strip():
            break  # the headers end here, the description follows
        if line.lower().startswith(wanted):
            return line[len(wanted) :].strip() or None
    return None


def _top_level(path: str) -> Iterator[tuple[str, bool]]:
    """(import name, whether it is a module or regular package) of one distribution."""
    record = _text(f"{path}/RECORD") or _text(f"{path}/installed-files.txt")
    found: dict[str, bool] = {}
    for line in record.splitlines():
        file = line.partition(",")[0].strip('"')
        first, slash, rest = file.partition("/")
        if slash:
            if first.isidentifier() and rest.endswith((".py", ".so", ".pyd")):
                regular = rest.startswith("__init__.")
                found[first] = found.get(first, False) or regular
        elif first.endswith((".py", ".so", ".pyd")):
            name = first.partition(".")[0]
            if name.isidentifier():
                found[name] = True
    for name in _text(f"{path}/top_level.txt").split():
        # older layouts, and editable installs, whose RECORD names no package
        if name.isidentifier():
            found.setdefault(name, True)
    return iter(found.items())
