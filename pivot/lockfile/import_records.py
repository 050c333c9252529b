"""Where imported data came from: the `deps` of its record, as DVC writes them.

`repo: {url, rev, rev_lock}` names another repository and the commit that was read; a dep without
`repo` is a URL or a path, with what was known of it then. A .pvt also keeps the `digest` under
which the other side knows the data, where that is not this project's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..digest import Digest, parse_digest
from ..errors import ConfigError, Where, shown_value
from ..tree import parent, relative
from ..values import dataclass, field
from .data_records import DataRecord, new_record_data, updated_item
from .record_text import record_editor, record_text

#: What does not count in the checksum that DVC keeps of its import records.
_UNCOUNTED = frozenset(
    (
        *("desc", "type", "labels", "meta", "locked", "frozen"),
        *("metric", "persist", "isexec", "size", "nfiles"),
    )
)
#: What a URL said of the data: any of these changed means that the data may have.
IDENTITIES = ("etag", "checksum", "version_id", "md5", "mtime")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where data was imported from.

    From a repository: `url` is the repository's, `path` the artifact's place in it, `commit` the
    one that was read. From elsewhere: `url` is the data's own, and `path` is empty.
    """

    url: str
    path: str = ""
    revision: str | None = None  # as the user named it; None: the default branch
    commit: str | None = None
    remote: str | None = None  # the remote of the repository to read data from
    digest: Digest | None = None  # what the repository calls the data
    identity: Mapping[str, Any] = field(default_factory=dict)
    size: int | None = None

    @property
    def is_repository(self) -> bool:
        return bool(self.path)


def origin_of(record: DataRecord) -> Origin | None:
    """Where the data of a record came from; None where it was not imported.

    Raises ConfigError where the record does not say it properly.
    """
    if not record.deps:
        return None
    where = Where(record.path)
    dep = record.deps[0]
    path = dep.get("path")
    if not isinstance(path, str) or not path:
        raise ConfigError("an import names the 'path' of what it imports", where=where)
    repo = dep.get("repo")
    size = dep.get("size")
    if repo is None:
        identity = {name: dep[name] for name in IDENTITIES if dep.get(name) is not None}
        return Origin(path, identity=identity, size=size if isinstance(size, int) else None)
    if not isinstance(repo, Mapping) or not isinstance(repo.get("url"), str):
        raise ConfigError(
            f"'repo' of an import takes a mapping with a 'url', not {shown_value(repo)}",
            where=where,
        )
    texts: dict[str, str | None] = {}
    for name in ("rev", "rev_lock"):
        value = repo.get(name)
        if value is not None and not isinstance(value, (str, int, float)):
            raise ConfigError(f"'{name}' of an import is a text, not {value!r}", where=where)
        texts[name] = None if value is None else str(value)
    remote = repo.get("remote")
    return Origin(
        repo["url"],
        path,
        texts["rev"],
        texts["rev_lock"],
        remote if isinstance(remote, str) else None,
        _digest(dep.get("digest"), dep.get("nfiles"), where),
    )


def _digest(text: Any, files: Any, where: Where) -> Digest | None:
    if text is None:
        return None
    try:
        return parse_digest(str(text), files=files if isinstance(files, int) else None)
    except ValueError:
        raise ConfigError(f"{text!r} is not a digest", where=where) from None


def new_import(
    path: str, record: str, origin: Origin, digest: Digest | None, *, desc: str | None = None
) -> bytes:
    """The text of a new record for data imported to `path`; `digest` None: not downloaded yet."""
    name = relative(path, parent(record))
    as_dvc = record.endswith(".dvc")
    if digest is not None:
        outs = new_record_data(path, record, digest, None)["outs"]
    else:
        outs = [{"hash": "md5", "path": name} if as_dvc else {"path": name}]
    content = {"frozen": True, "deps": [_dep(origin, as_dvc)], "outs": outs}
    if desc:
        content = {"desc": desc, **content}
    return record_text({"md5": dvc_checksum(content), **content} if as_dvc else content)


def renewed_import(data: bytes, record: DataRecord, origin: Origin, digest: Digest | None) -> bytes:
    """The text of a record whose data was imported anew; comments and other keys stay."""
    as_dvc = record.path.endswith(".dvc")
    document = record_editor().load(data.decode("utf-8"))
    kept = document["deps"][0]
    fresh = _dep(origin, as_dvc)
    repo = fresh.pop("repo", None)
    for key in [key for key in kept if key not in fresh and key not in ("repo", "path")]:
        del kept[key]
    kept.update(fresh)
    if repo is not None:
        for key in ("rev", "rev_lock", "remote"):
            kept["repo"].pop(key, None)
        kept["repo"].update(repo)
    item = document["outs"][0]
    if digest is not None:
        entry = updated_item(dict(item), digest, as_dvc=as_dvc)
        for key in [key for key in item if key not in entry]:
            del item[key]
        item.update(entry)
    if as_dvc:
        document["md5"] = dvc_checksum(document)
    return record_text(document)


def _dep(origin: Origin, as_dvc: bool) -> dict[str, Any]:
    if not origin.is_repository:
        found: dict[str, Any] = {**origin.identity}
        if origin.size is not None:
            found["size"] = origin.size
        if as_dvc:
            found["hash"] = "md5"
        return {**found, "path": origin.url}
    repo: dict[str, Any] = {"url": origin.url}
    if origin.revision is not None:
        repo["rev"] = origin.revision
    if origin.commit is not None:
        repo["rev_lock"] = origin.commit
    if origin.remote is not None:
        repo["remote"] = origin.remote
    dep: dict[str, Any] = {"path": origin.path, "repo": repo}
    if origin.digest is not None and not as_dvc:
        dep["digest"] = str(origin.digest)
        if origin.digest.is_tree:
            dep["nfiles"] = -1 if origin.digest.files is None else origin.digest.files
    return dep


def dvc_checksum(content: Mapping[str, Any]) -> str:
    """The `md5` by which DVC notices that somebody edited an import record.

    It is that of the record as sorted JSON without annotations (dvc.stage.utils.compute_md5).
    """
    counted = {key: value for key, value in content.items() if key != "md5"}
    if counted.get("wdir") == ".":
        del counted["wdir"]
    text = json.dumps(_counted(counted), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _counted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _counted(item) for k, item in value.items() if k not in _UNCOUNTED}
    if isinstance(value, (list, tuple)):
        return [_counted(item) for item in value]
    return value
