"""Records of tracked data: `x.csv.dvc` as DVC writes it, and `x.csv.pvt` in a Pivot project.

Both are YAML with `outs`, a list of paths with what they must be, seen from the record's folder
(or `wdir`); imports have `deps` too. A .pvt names a digest whole (`digest: blake3:...`), a .dvc
by `hash` and `md5`, as dvc.lock does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..config import load_yaml_marked
from ..digest import Digest, parse_digest
from ..errors import ConfigError, Where, shown_value
from ..model import TrackedFile
from ..tree import join, parent, relative
from ..values import dataclass, field
from .dvc_entries import digest_of_item, item_of_digest
from .shapes import DEP, DIGEST, OUT, RECORD, Shape, misfit

if TYPE_CHECKING:
    from ..config import Marks

_DIGEST_KEYS = ("md5", "hash", "size", "nfiles", "isexec", "digest", "files", "etag", "checksum")


@dataclass(frozen=True, slots=True)
class DataRecord:
    """One record file. `data` is its content as read, for writing it again."""

    path: str
    outs: tuple[TrackedFile, ...]
    deps: tuple[Mapping[str, Any], ...] = ()
    frozen: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)


def parse_data_record(text: bytes, path: str) -> DataRecord:
    """The record in a .dvc or .pvt file. Raises ConfigError with file and line."""
    content, marks = load_yaml_marked(text, path)
    if content is None:
        content = {}
    if not isinstance(content, Mapping):
        raise ConfigError(
            f"a record of tracked data takes a mapping with 'outs', not {shown_value(content)}",
            where=Where(path),
        )
    if "cmd" in content:
        raise ConfigError(
            "it holds a stage in the form that DVC gave up in version 1",
            hint="move it to dvc.yaml: `dvc stage add` writes it",
            where=marks.inside(content, "cmd", key=True),
        )
    _check(content, RECORD, "a record of tracked data", marks)
    frozen = bool(content.get("frozen") or content.get("locked"))
    folder = join(parent(path), str(content.get("wdir") or "."))
    own: Shape = {} if path.endswith(".dvc") else DIGEST
    deps = _items(content, "deps", {**DEP, **own}, marks)
    origins = tuple(
        join(folder, str(dep["path"])) for dep in deps if dep.get("path") and not dep.get("repo")
    )
    tracked = []
    outs = _items(content, "outs", {**OUT, **own}, marks)
    for index, item in enumerate(outs):
        if not isinstance(item.get("path"), str) or not item["path"]:
            raise ConfigError("an entry of 'outs' names no path", where=marks.inside(outs, index))
        tracked.append(
            TrackedFile(
                name=path,
                path=join(folder, item["path"]),
                digest=_digest(item, marks.inside(outs, index)),
                cache=item.get("cache") is not False,
                push=item.get("push") is not False,
                remote=item.get("remote"),
                desc=item.get("desc") or content.get("desc"),
                frozen=frozen,
                line=marks.inside(outs, index).line,
                deps=origins,
            )
        )
    return DataRecord(path, tuple(tracked), tuple(deps), frozen, content)


def _items(
    content: Mapping[str, Any], section: str, shape: Shape, marks: Marks
) -> list[Mapping[str, Any]]:
    """The entries of `outs` or `deps`. Raises ConfigError for what DVC would not take."""
    items = [] if content.get(section) is None else content[section]
    if not isinstance(items, list):
        raise ConfigError(
            f"'{section}' takes a list of mappings with a path, not {shown_value(items)}",
            hint=f"as in {section}: [{{path: data.csv}}]",
            where=marks.inside(content, section),
        )
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise ConfigError(
                f"an entry of '{section}' takes a mapping with a path, not {shown_value(item)}",
                hint=f"as in {section}: [{{path: data.csv}}]",
                where=marks.inside(items, index),
            )
        _check(item, shape, f"'{section}' of a record of tracked data", marks)
    return items


def _check(item: Mapping[Any, Any], shape: Shape, place: str, marks: Marks) -> None:
    found = misfit(item, shape)
    if found is not None:
        key, what, hint = found
        raise ConfigError(f"{what} in {place}", hint=hint, where=marks.inside(item, key, key=True))


def _digest(item: Mapping[str, Any], where: Where) -> Digest | None:
    text = item.get("digest")
    if text is None:
        return digest_of_item(item)
    try:
        return parse_digest(
            str(text),
            size=item.get("size"),
            files=item.get("nfiles"),
            executable=bool(item.get("isexec")),
        )
    except ValueError:
        raise ConfigError(f"{text!r} is not a digest", where=where) from None


def new_record_data(path: str, record: str, digest: Digest, desc: str | None) -> dict[str, Any]:
    """The content of a new record beside the data at `path`."""
    name = relative(path, parent(record))
    if record.endswith(".dvc"):
        item = item_of_digest(digest)
        hashed = item.pop("hash", None)
        ordered = {**item, **({"hash": hashed} if hashed else {}), "path": name}
        return {**({"desc": desc} if desc else {}), "outs": [ordered]}
    entry: dict[str, Any] = {"path": name, **_digest_fields(digest)}
    return {**({"desc": desc} if desc else {}), "outs": [entry]}


def _digest_fields(digest: Digest) -> dict[str, Any]:
    found: dict[str, Any] = {"digest": str(digest)}
    if digest.size is not None:
        found["size"] = digest.size
    if digest.is_tree:
        found["nfiles"] = digest.files if digest.files is not None else -1
    if digest.executable and not digest.is_tree:
        found["isexec"] = True
    return found


def pivot_record_data(record: DataRecord) -> dict[str, Any]:
    """The content of a .dvc record as that of a .pvt: digests whole, everything else as it is."""
    outs = []
    for item in record.data.get("outs") or ():
        digest = digest_of_item(item)
        rest = {key: value for key, value in item.items() if key not in _DIGEST_KEYS}
        path = rest.pop("path")
        outs.append({"path": path, **(_digest_fields(digest) if digest else {}), **rest})
    rest = {key: value for key, value in record.data.items() if key not in ("outs", "md5")}
    return {**rest, "outs": outs}


def updated_item(item: Mapping[str, Any], digest: Digest, *, as_dvc: bool) -> dict[str, Any]:
    """An entry of `outs` with another digest; everything that is not the digest stays."""
    rest = {key: value for key, value in item.items() if key not in _DIGEST_KEYS}
    if not as_dvc:
        return {"path": rest.pop("path"), **_digest_fields(digest), **rest}
    fields = item_of_digest(digest)
    hashed = fields.pop("hash", None)
    path = rest.pop("path")
    return {**fields, **({"hash": hashed} if hashed else {}), "path": path, **rest}
