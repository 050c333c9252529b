"""The text of a lock: JSON with sorted keys, sealed against merges of two runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..digest import Digest, fingerprint, parse_digest
from ..model import StageKey, StageRecord
from .values import decode_value, encode_value

_FORMAT = 1


class BadLock(ValueError):
    """A lock that counts as absent; its text says why (conflict markers, a broken seal).

    `line` is where that shows, as far as it shows in a line.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def dumps(record: StageRecord) -> str:
    """The lock text of a record. The same record always gives the same bytes."""
    key = record.key
    data: dict[str, Any] = {
        "pivot_lock": _FORMAT,
        "stage": record.stage,
        "params": encode_value(key.params.get("", {})),
        "deps": {path: _digest_data(digest) for path, digest in key.deps.items()},
        "outs": {path: _digest_data(digest) for path, digest in record.outs.items()},
    }
    data["entry" if key.kind == "python" else "cmd"] = (
        list(key.entry) if isinstance(key.entry, tuple) else key.entry
    )
    files = {path: encode_value(values) for path, values in key.params.items() if path}
    optional: dict[str, Any] = {
        "basis": record.basis,
        "binding": dict(key.binding),
        "code": key.code,
        "env": dict(key.env),
        # version 1 goes without saying, whatever the current version is
        "key_version": key.version if key.version != 1 else None,
        "history": dict(key.history),
        "fingerprint_version": record.fingerprint_version
        if record.fingerprint_version != 1
        else None,
        "observed": dict(record.observed),
        "packages": dict(record.packages),
        "packages_rerun": dict(key.packages),
        "params_files": files,
        "wdir": key.wdir if key.wdir != "." else None,
    }
    data.update({name: value for name, value in optional.items() if value})
    # the outs a key promised are those a record holds, except where one was optional
    if sorted(key.outs) != sorted(record.outs):
        data["promised"] = sorted(key.outs)
    data["seal"] = _seal(data)
    return json.dumps(data, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def loads(text: str | bytes) -> StageRecord:
    """The record of a lock text. Raises BadLock where the text is not one whole sealed record."""
    return record_of(checked(text))


def checked(text: str | bytes) -> dict[str, Any]:
    """The data of a lock text whose seal matches. Raises BadLock."""
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            raise BadLock("it is not UTF-8 text") from error
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        if "<<<<<<<" in text:
            line = text.count("\n", 0, text.index("<<<<<<<")) + 1
            raise BadLock("it has conflict markers", line) from error
        raise BadLock("it is not JSON") from error
    if not isinstance(data, dict) or "pivot_lock" not in data:
        raise BadLock("it is not a lock of Pivot's")
    if data["pivot_lock"] != _FORMAT:
        raise BadLock(f"its format {data['pivot_lock']!r} is newer than this Pivot reads")
    seal = data.pop("seal", None)
    if seal != _seal(data):
        raise BadLock("its seal does not match its content, as after a merge of two runs")
    return data


def record_of(data: dict[str, Any]) -> StageRecord:
    """The record of checked data. Raises BadLock where a field is missing."""
    try:
        return _record(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadLock(f"it lacks a field: {error}") from error


def _seal(data: Mapping[str, Any]) -> str:
    return fingerprint("lock-seal", 1, data)


def _record(data: dict[str, Any]) -> StageRecord:
    kind = "python" if "entry" in data else "cmd"
    entry = data["entry"] if kind == "python" else data["cmd"]
    outs = {path: _digest(entry_data) for path, entry_data in data["outs"].items()}
    params = {"": decode_value(data.get("params", {}))}
    for path, values in data.get("params_files", {}).items():
        params[path] = decode_value(values)
    key = StageKey(
        entry=tuple(entry) if isinstance(entry, list) else entry,
        kind="python" if kind == "python" else "cmd",
        wdir=data.get("wdir", "."),
        binding=data.get("binding", {}),
        code=data.get("code"),
        params=params,
        deps={path: _digest(entry_data) for path, entry_data in data["deps"].items()},
        outs=tuple(data.get("promised", sorted(outs))),
        env=data.get("env", {}),
        packages=data.get("packages_rerun", {}),
        version=data.get("key_version", 1),
        history=data.get("history", {}),
    )
    return StageRecord(
        stage=data["stage"],
        key=key,
        outs=outs,
        observed=data.get("observed", {}),
        packages=data.get("packages", {}),
        fingerprint_version=data.get("fingerprint_version", 1),
        basis=data.get("basis"),
    )


def _digest_data(digest: Digest) -> dict[str, Any]:
    data: dict[str, Any] = {"digest": str(digest)}
    if digest.size is not None:
        data["size"] = digest.size
    if digest.is_tree:
        data["files"] = digest.files if digest.files is not None else -1
    if digest.executable:
        data["isexec"] = True
    return data


def _digest(data: Mapping[str, Any]) -> Digest:
    return parse_digest(
        data["digest"],
        size=data.get("size"),
        files=data.get("files"),
        executable=bool(data.get("isexec", False)),
    )
