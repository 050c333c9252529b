"""An entry of dvc.lock as a record, and a record as an entry.

An entry is plain data in the order that DVC writes: `cmd`, `deps`, `params`, `outs`; each dep and
out `path`, `hash`, `md5`, `size`, `nfiles`, `isexec`. Paths in it are as the user wrote them, seen
from the stage's working directory. Entries without `hash` are of DVC before version 3: their
`md5` was made with CRLF line ends folded (`md5-dos2unix`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..digest import Digest, fingerprint
from ..manifest import make_manifest, tree_digest
from ..model import Command, Dep, Out, ParamsFile, Stage, StageKey, StageRecord
from ..tree import join, relative

LEGACY = "md5-dos2unix"
_DEFAULT_PARAMS = "params.yaml"

Entry = Mapping[str, Any]


def entry_digest(entry: Entry) -> str:
    """The digest of an entry's content, however it is written."""
    return fingerprint("dvc-lock-entry", 1, entry)


def record_of_entry(stage: Stage, entry: Entry) -> StageRecord:
    """What an entry says of a stage's last run; its code is not known (None)."""
    cmd = entry.get("cmd")
    outs = _digests(stage, entry, "outs")
    key = StageKey(
        entry=tuple(map(str, cmd)) if isinstance(cmd, (list, tuple)) else str(cmd),
        kind="cmd",
        wdir=stage.wdir,
        binding={},
        code=None,
        params={"": {}, **_params(stage, entry)},
        deps=_digests(stage, entry, "deps"),
        outs=tuple(sorted(outs)),
        env={},
    )
    return StageRecord(stage.name, key, outs, basis=entry_digest(entry))


def _digests(stage: Stage, entry: Entry, section: str) -> dict[str, Digest]:
    found: dict[str, Digest] = {}
    for item in entry.get(section) or ():
        if isinstance(item, Mapping) and isinstance(item.get("path"), str):
            digest = digest_of_item(item)
            if digest is not None:
                found[join(stage.wdir, item["path"])] = digest
    return found


def digest_of_item(item: Mapping[str, Any]) -> Digest | None:
    """The digest that a dep or out of dvc.lock or of a .dvc file holds; None where it has none."""
    algorithm = item.get("hash") or LEGACY
    value = item.get("md5")
    if value is None and item.get("files"):
        return _digest_of_files(item["files"])
    if not value:
        for name in ("etag", "checksum", "version_id"):
            if item.get(name):  # of an external dep: equality is all that counts
                return Digest(name, str(item[name]), "file", item.get("size"))
        return None
    text, dot, _ = str(value).partition(".")
    return Digest(
        str(algorithm),
        text,
        "tree" if dot else "file",
        item.get("size"),
        item.get("nfiles"),
        bool(item.get("isexec")),
    )


def _digest_of_files(files: Any) -> Digest | None:
    """The digest of a directory that is listed file by file, as versioned remotes have it."""
    pairs = [(str(file.get("relpath")), digest_of_item({"hash": "md5", **file})) for file in files]
    if any(digest is None or digest.algorithm != "md5" for _, digest in pairs):
        return None
    return tree_digest("md5", make_manifest((path, d) for path, d in pairs if d is not None))


def _params(stage: Stage, entry: Entry) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    whole = {file.path for file in stage.params_files if file.keys is None}
    for path, values in (entry.get("params") or {}).items():
        place = join(stage.wdir, str(path))
        content = dict(values) if isinstance(values, Mapping) else {}
        found[place] = {"": content} if place in whole else content
    return found


# --- writing -------------------------------------------------------------------------------


def entry_of_record(
    stage: Stage, record: StageRecord, deps: Mapping[str, Digest]
) -> dict[str, Any]:
    """The entry that DVC would write. `deps` has the digests of all deps of the stage."""
    assert isinstance(stage.entry, Command)
    entry: dict[str, Any] = {
        "cmd": list(stage.entry.lines) if stage.entry.is_list else stage.entry.lines[0]
    }
    items = [_item(written(stage, dep), deps[dep.path]) for dep in stage.deps if dep.path in deps]
    if items:
        entry["deps"] = sorted(items, key=_path_of)
    params = _params_data(stage, record)
    if params:
        entry["params"] = params
    made = [
        _item(written(stage, out), record.outs[out.path])
        for out in stage.outs
        if out.path in record.outs
    ]
    if made:
        entry["outs"] = sorted(made, key=_path_of)
    return entry


def written(stage: Stage, artifact: Dep | Out | ParamsFile) -> str:
    """A path of the stage as DVC calls it."""
    return artifact.written or relative(artifact.path, stage.wdir)


def _path_of(item: Mapping[str, Any]) -> str:
    return str(item["path"])


def _item(path: str, digest: Digest) -> dict[str, Any]:
    return {"path": path, **item_of_digest(digest)}


def item_of_digest(digest: Digest) -> dict[str, Any]:
    """The fields of dvc.lock for a digest: hash, md5, size, nfiles, isexec."""
    if digest.algorithm in ("etag", "checksum", "version_id"):
        item: dict[str, Any] = {"hash": "md5"}
        if digest.size is not None:
            item["size"] = digest.size
        return {**item, digest.algorithm: digest.value}
    item = {} if digest.algorithm == LEGACY else {"hash": digest.algorithm}
    item["md5"] = f"{digest.value}.dir" if digest.is_tree else digest.value
    if digest.size is not None:
        item["size"] = digest.size
    if digest.is_tree and digest.files is not None:
        item["nfiles"] = digest.files
    if digest.executable and not digest.is_tree:
        item["isexec"] = True
    return item


def _params_data(stage: Stage, record: StageRecord) -> dict[str, dict[str, Any]]:
    """Values by file: params.yaml first, the others by name; keys sorted, not recursively."""
    found: dict[str, dict[str, Any]] = {}
    named = sorted((written(stage, file), file) for file in stage.params_files)
    for name, file in named:
        values = record.key.params.get(file.path, {})
        if file.keys is None:
            inner = values.get("", {})
            values = inner if isinstance(inner, Mapping) else {}
        found[name] = {key: _plain(values[key]) for key in sorted(values, key=str)}
    if _DEFAULT_PARAMS in found:
        found = {_DEFAULT_PARAMS: found.pop(_DEFAULT_PARAMS), **found}
    return found


def _plain(value: Any) -> Any:
    """A value as YAML gives it back: tuples are lists."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def renewed(stage: Stage, entry: Entry, deps: Mapping[str, Digest]) -> dict[str, Any]:
    """`entry` with the digests of those of its deps that `deps` names; all else as it was."""
    items = []
    for item in entry.get("deps") or ():
        digest = deps.get(join(stage.wdir, str(item.get("path"))))
        if digest is not None and digest_of_item(item) != digest:
            item = _item(str(item["path"]), digest)
        items.append(item)
    return {**entry, "deps": items} if items else dict(entry)
