"""Projects with results that were recorded, and what has happened to them since, from a seed.

Nothing runs: dvc.lock, .dvc files and cache objects are written as runs would have left them. Each
project is a folder of its own, so that one command judges hundreds.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

TEXTS = (
    b"one\n",
    b"one\r\ntwo\r\n",
    b"a\nb\n",
    b"bin\x00\r\n\xff\xfe",
    b"",
    b"\xc3\xa9\r\n",
    b"x" * 600 + b"\r\n",
)
VALUES: tuple[Any, ...] = (
    1,
    1.0,
    True,
    2,
    "1",
    "a",
    None,
    [1, 2],
    [1.0, 2],
    {"a": 1},
    {"a": True},
    0.5,
    1e-3,
    "",
    False,
    0,
)

Tree = dict[str, bytes]
Content = bytes | Tree


def digest(content: Content, *, legacy: bool) -> dict[str, Any]:
    """The fields of dvc.lock for a file or folder."""
    if isinstance(content, bytes):
        return {"md5": file_md5(content, legacy=legacy), "size": len(content)}
    return {
        "md5": hashlib.md5(listing(content, legacy=legacy)).hexdigest() + ".dir",
        "size": sum(map(len, content.values())),
        "nfiles": len(content),
    }


def file_md5(data: bytes, *, legacy: bool) -> str:
    if legacy and is_text(data[:512]):
        data = data.replace(b"\r\n", b"\n")
    return hashlib.md5(data).hexdigest()


def is_text(block: bytes) -> bool:
    """As DVC guesses it from the beginning of a file."""
    if not block:
        return True
    if b"\x00" in block:
        return False
    plain = bytes(range(32, 127)) + b"\n\r\t\f\b"
    others = block.translate(None, plain)
    return len(others) / len(block) <= 0.30


def listing(files: Tree, *, legacy: bool) -> bytes:
    items = [
        {"md5": file_md5(data, legacy=legacy), "relpath": name}
        for name, data in sorted(files.items(), key=lambda item: item[0].split("/"))
    ]
    return json.dumps(items, sort_keys=True).encode()


@dataclass
class Project:
    """One project: what is defined, what lies there, and what was recorded."""

    files: dict[str, Content] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: dict[str, Any] = field(default_factory=dict)
    tracked: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    executable: set[str] = field(default_factory=set)
    objects: dict[str, bytes] = field(default_factory=dict)
    corners: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


class Generator:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def often(self, percent: int) -> bool:
        return self.random.random() * 100 < percent

    def content(self, name: str) -> Content:
        if name.startswith("d"):
            names = self.random.sample(
                ["x", "y", "sub/z", "sub.a", "w.csv"], self.random.randint(1, 3)
            )
            return {name: self.random.choice(TEXTS) for name in names}
        return self.random.choice(TEXTS)

    def project(self) -> Project:
        """A project whose results are all as recorded."""
        p = Project()
        pick = self.random
        p.params = {f"k{n}": pick.choice(VALUES) for n in range(4)} | {
            "nest": {"a": pick.choice(VALUES), "b": [1, {"c": 2}]}
        }
        for name in pick.sample(["f1", "f2", "f3", "d1", "d2"], pick.randint(1, 4)):
            p.files[name] = self.content(name)
        for name in list(p.files):
            if self.often(30):
                self.track(p, name)
        for number in range(pick.randint(1, 3)):
            self.stage(p, f"s{number}")
        return p

    def stage(self, p: Project, name: str) -> None:
        pick = self.random
        legacy = self.often(40)
        body: dict[str, Any] = {
            "cmd": pick.choice(["echo 1", "a\nb", "  x  ", ["a", "b"], "echo ' '"])
        }
        entry: dict[str, Any] = {"cmd": copy.deepcopy(body["cmd"])}
        deps = pick.sample(sorted(p.files), pick.randint(0, min(3, len(p.files))))
        if deps:
            body["deps"] = [pick.choice([dep, f"./{dep}", dep]) for dep in deps]
            entry["deps"] = [
                self.entry(p, path, p.files[path.removeprefix("./")], legacy)
                for path in body["deps"]
            ]
        keys = pick.sample([*p.params, "nest.a", "nest.b.1.c", "nest.b"], pick.randint(0, 3))
        if keys:
            body["params"] = keys
            entry["params"] = {"params.yaml": {key: look(p.params, key) for key in keys}}
        outs = [pick.choice(["o", "d"]) + f"{name}{n}" for n in range(pick.randint(0, 2))]
        if outs:
            body["outs"], entry["outs"] = [], []
            for out in outs:
                content = self.content(out)
                p.files[out] = content
                options = pick.choice(
                    [{}, {}, {"cache": False}, {"persist": True}, {"push": False}]
                )
                body["outs"].append({out: options} if options else out)
                entry["outs"].append(self.entry(p, out, content, legacy))
                if options.get("cache", True):
                    self.store(p, content, legacy)
        if self.often(8):
            body[pick.choice(["frozen", "always_changed"])] = True
        p.stages[name] = body
        p.lock[name] = entry
        if legacy and (deps or outs):
            p.corners.add(10)

    def entry(self, p: Project, path: str, content: Content, legacy: bool) -> dict[str, Any]:
        made: dict[str, Any] = {"path": path, **({} if legacy else {"hash": "md5"})}
        made.update(digest(content, legacy=legacy))
        return made

    def store(self, p: Project, content: Content, legacy: bool) -> None:
        place = "" if legacy else "files/md5/"
        files = content if isinstance(content, dict) else {"": content}
        for data in files.values():
            value = file_md5(data, legacy=legacy)
            p.objects[f"{place}{value[:2]}/{value[2:]}"] = data
        if isinstance(content, dict):
            text = listing(content, legacy=legacy)
            value = hashlib.md5(text).hexdigest()
            p.objects[f"{place}{value[:2]}/{value[2:]}.dir"] = text

    def track(self, p: Project, name: str) -> None:
        legacy = self.often(50)
        content = p.files[name]
        item = {
            **digest(content, legacy=legacy),
            **({} if legacy else {"hash": "md5"}),
            "path": name,
        }
        p.tracked[name] = {"outs": [item]}
        p.corners.add(10)
        if self.often(20):
            p.corners.add(12)
            p.tracked[name] = {
                "frozen": True,
                "deps": [{"etag": "abc", "size": 3, "path": "https://example.org/x"}],
                **p.tracked[name],
            }
        self.store(p, content, legacy)

    # --- what happened since

    def change(self, p: Project) -> None:
        for _ in range(self.random.choice([0, 1, 1, 1, 2, 3])):
            change = self.random.choice(
                [
                    self.edit_file,
                    self.fold,
                    self.remove_file,
                    self.edit_param,
                    self.edit_stage,
                    self.edit_stage,
                    self.edit_stage,
                    self.edit_lock,
                    self.drop_object,
                    self.ignore,
                    self.make_executable,
                ]
            )
            p.notes.append(change.__name__)
            change(p)

    def edit_file(self, p: Project) -> None:
        name = self.random.choice(sorted(p.files))
        content = p.files[name]
        if isinstance(content, bytes):
            p.files[name] = self.random.choice(TEXTS)
            return
        files = dict(content)
        inner = self.random.choice(sorted(files))
        kind = self.random.choice(["edit", "add", "remove", "rename"])
        if kind in ("remove", "rename"):
            data = files.pop(inner)
            if kind == "rename":
                files[inner + "2"] = data
        else:
            files["new" if kind == "add" else inner] = self.random.choice(TEXTS)
        p.files[name] = files or {"kept": b"1"}

    def fold(self, p: Project) -> None:
        """Other line ends, which legacy digests do not see."""
        name = self.random.choice(sorted(p.files))
        content = p.files[name]

        def folded(data: bytes) -> bytes:
            return data.replace(b"\r\n", b"\n") if b"\r\n" in data else data.replace(b"\n", b"\r\n")

        p.files[name] = (
            folded(content)
            if isinstance(content, bytes)
            else {n: folded(d) for n, d in content.items()}
        )
        p.corners.add(10)

    def remove_file(self, p: Project) -> None:
        if len(p.files) > 1:
            p.files.pop(self.random.choice(sorted(p.files)))

    def edit_param(self, p: Project) -> None:
        p.corners.add(11)
        key = self.random.choice(sorted(p.params))
        if self.often(25):
            p.params.pop(key)
        elif key == "nest":
            p.params["nest"] = {
                "a": self.random.choice(VALUES),
                "b": [self.random.choice(VALUES), {"c": 2.0}],
            }
        else:
            p.params[key] = self.random.choice(VALUES)

    def edit_stage(self, p: Project) -> None:
        p.corners.add(11)
        body = p.stages[self.random.choice(sorted(p.stages))]
        kind = self.random.choice(
            [
                "cmd",
                "space",
                "desc",
                "meta",
                "add dep",
                "drop dep",
                "add param",
                "drop param",
                "drop out",
                "flag",
                "as list",
                "bare",
            ]
        )
        p.notes.append(kind)
        if kind == "cmd":
            body["cmd"] = self.random.choice(["echo 1", "echo 2", "a\nb", ["a", "b"]])
        elif kind == "space" and isinstance(body["cmd"], str):
            body["cmd"] += " "
        elif kind == "as list":
            body["cmd"] = [body["cmd"]] if isinstance(body["cmd"], str) else body["cmd"][0]
        elif kind in ("desc", "meta"):
            body[kind] = self.random.choice(["words", "other"])
        elif kind == "add dep":
            name = f"g{len(p.files)}"
            p.files[name] = b"new"
            body.setdefault("deps", []).append(name)
        elif kind == "drop dep" and body.get("deps"):
            body["deps"].pop(0)
        elif kind == "add param":
            body["params"] = [
                *body.get("params", []),
                self.random.choice(["k0", "k1", "nest.a", "gone"]),
            ]
        elif kind == "drop param" and body.get("params"):
            body["params"].pop(0)
        elif kind == "drop out" and len(body.get("outs", [])) > 1:
            body["outs"].pop(0)
        elif kind == "flag":
            body[self.random.choice(["frozen", "always_changed"])] = self.often(70)
        elif kind == "bare":
            for key in ("deps", "outs", "params"):
                body.pop(key, None)

    def edit_lock(self, p: Project) -> None:
        p.corners.add(11)
        name = self.random.choice(sorted(p.stages))
        if self.often(30):
            p.lock.pop(name, None)
            return
        entry = p.lock.get(name, {})
        kind = self.random.choice(["deps", "outs", "params"])
        if isinstance(entry.get(kind), list) and entry[kind]:
            entry[kind].pop()
        elif kind == "params" and entry.get(kind):
            entry[kind]["params.yaml"].popitem()

    def drop_object(self, p: Project) -> None:
        if p.objects:
            p.objects.pop(self.random.choice(sorted(p.objects)))

    def ignore(self, p: Project) -> None:
        """Files inside folders that rules hide."""
        p.corners.add(13)
        p.texts[".dvcignore"] = self.random.choice(
            ["*.tmp\n", "junk/\n", "*.tmp\njunk/\n!keep.tmp\n"]
        )
        for name, content in list(p.files.items()):
            if isinstance(content, dict) and self.often(70):
                p.files[name] = {
                    **content,
                    self.random.choice(["a.tmp", "junk/q", "keep.tmp"]): b"junk",
                }

    def make_executable(self, p: Project) -> None:
        p.executable.add(self.random.choice(sorted(p.files)))


def look(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values[int(part)] if isinstance(values, list) else values[part]
    return copy.deepcopy(values)


def lay_out(root: Path, name: str, p: Project) -> None:
    """Write a project below `root`, its objects into the cache there."""
    folder = root / name
    for path, content in p.files.items():
        for inner, data in (content if isinstance(content, dict) else {"": content}).items():
            target = folder / path / inner if inner else folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            if path in p.executable:
                target.chmod(0o755)
    (folder / "params.yaml").write_text(yaml.safe_dump(p.params))
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": p.stages}, sort_keys=False))
    if p.lock:
        lock = {"schema": "2.0", "stages": p.lock}
        (folder / "dvc.lock").write_text(yaml.dump(lock, Dumper=_Plain, sort_keys=False))
    for path, record in p.tracked.items():
        (folder / f"{path}.dvc").write_text(yaml.safe_dump(record, sort_keys=False))
    for path, text in p.texts.items():
        (folder / path).write_text(text)
    for path, data in p.objects.items():
        target = root / ".dvc/cache" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.write_bytes(data)
            target.chmod(0o444)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True
