"""Histories of DVC projects: files, dvc.lock and cache of each commit, made from a model of them."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers import Both

FORMATS = ("yaml", "json", "toml", "py")


def text_of(value: dict[str, Any], suffix: str) -> str:
    """A mapping as a file of that kind. What TOML lacks (None) is left out of it."""
    if suffix == "json":
        return json.dumps(value)
    if suffix == "yaml":
        return "".join(f"{key}: {json.dumps(item)}\n" for key, item in value.items())
    if suffix == "py":
        return "".join(f"{key} = {item!r}\n" for key, item in value.items())
    lines = [f"{key} = {_toml(item)}" for key, item in value.items() if item is not None]
    return "\n".join(lines) + "\n"


def _toml(item: Any) -> str:
    if isinstance(item, dict):
        inner = ", ".join(f"{k} = {_toml(v)}" for k, v in item.items() if v is not None)
        return f"{{ {inner} }}"
    if isinstance(item, list):
        return "[" + ", ".join(map(_toml, item)) + "]"
    return json.dumps(item)


@dataclass
class Metric:
    """One metrics file of a stage: its name without suffix, format, values, and how it is kept."""

    name: str
    suffix: str
    values: dict[str, Any]
    cache: bool
    text: str | None = None  # instead of the values: something broken

    @property
    def path(self) -> str:
        return f"{self.name}.{self.suffix}"

    @property
    def content(self) -> str:
        return self.text if self.text is not None else text_of(self.values, self.suffix)


@dataclass
class Step:
    """One stage: the folder of its dvc.yaml, tracked keys, metrics."""

    name: str
    folder: str
    keys: list[str]
    metrics: list[Metric]
    params_file: str = "params"


@dataclass
class Model:
    """All of a project at one commit."""

    params: dict[str, Any] = field(default_factory=dict)
    suffix: str = "yaml"  # of the params file
    other: dict[str, Any] = field(default_factory=dict)  # other.<suffix>
    steps: list[Step] = field(default_factory=list)
    items: list[str] = field(default_factory=list)  # of a foreach stage
    item_values: dict[str, float] = field(default_factory=dict)
    top_metrics: dict[str, Any] = field(default_factory=dict)  # name -> value
    top_params: dict[str, Any] = field(default_factory=dict)
    used: dict[str, Any] = field(default_factory=dict)  # vars file that a command uses
    inner: dict[str, Any] = field(default_factory=dict)  # sub/params.yaml, used there
    data: dict[str, str | dict[str, str]] = field(default_factory=dict)  # outs, files or folders


class History:
    """Commits of a random walk over models, in one project."""

    def __init__(self, project: Both, seed: int) -> None:
        self.project = project
        self.rng = random.Random(seed)
        project.git("symbolic-ref", "HEAD", "refs/heads/main")
        self.commits: list[str] = []
        self.labels: list[str] = []
        self.model = Model(params={"lr": 0.1, "train": {"depth": 3, "on": True}})
        self.model.other = {"a": {"b": 1, "c": 2}}
        self.model.steps = [
            Step("train", ".", ["lr", "train.depth"], [Metric("m", "json", {"acc": 0.5}, False)]),
            Step("score", ".", ["train"], [Metric("s", "json", {"auc": 0.7, "n": {"x": 1}}, True)]),
        ]

    def walk(self, commits: int) -> None:
        """Make that many commits, each a few steps from the one before."""
        for number in range(commits):
            for _ in range(self.rng.randint(1, 3)):
                self.step()
            self.write()
            self.project.git("add", "-A")
            self.project.git("commit", "-q", "--allow-empty", "-m", f"commit {number}")
            self.commits.append(self.project.git("rev-parse", "HEAD").strip())
            if self.rng.random() < 0.2:
                name = f"v{number}"
                self.project.git("tag", *self.rng.choice([(), ("-a", "-m", "a tag")]), name)
                self.labels.append(name)
            if self.rng.random() < 0.15:
                name = f"side/{number}"
                self.project.git("branch", name)
                self.labels.append(name)
        for _ in range(2):
            self.step()
        self.write()  # the working tree differs from HEAD

    # --- steps ------------------------------------------------------------------------------

    def step(self) -> None:
        """One random change."""
        model, rng = self.model, self.rng
        kind = rng.choice(
            [
                "param", "param", "add", "remove", "metric", "metric", "rename", "cache",
                "format", "metric format", "move", "top metric", "top param", "foreach", "break",
                "other", "vars", "inner", "stage", "data", "data", "params name",
            ]
        )  # fmt: skip
        step = rng.choice(model.steps)
        metric = rng.choice(step.metrics)
        match kind:
            case "param":
                model.params[rng.choice([*model.params, "lr"])] = self.value()
            case "add":
                model.params[f"p{rng.randint(0, 9)}"] = self.value()
            case "remove" if len(model.params) > 1:
                model.params.pop(rng.choice(list(model.params)))
            case "metric":
                metric.text = None
                metric.values = {**metric.values, rng.choice("uvw"): self.value()}
            case "rename":
                metric.name = rng.choice(["out/", "", "deep/er/"]) + f"r{rng.randint(0, 99)}"
            case "cache":
                metric.cache = not metric.cache
            case "format":
                model.suffix = rng.choice(FORMATS)
            case "params name":
                step.params_file = rng.choice(["params", "other"])
            case "metric format":
                metric.text = None
                metric.suffix = rng.choice(["json", "yaml", "toml"])
            case "move":
                step.folder = rng.choice([".", "sub", "sub/deep"])
            case "top metric":
                name = f"top{rng.randint(0, 2)}.json"
                if model.top_metrics.pop(name, None) is None:
                    model.top_metrics[name] = rng.choice([0.5, {"t": self.value()}, [1], "x", 0])
            case "top param":
                name = f"tp{rng.randint(0, 1)}.yaml"
                if model.top_params.pop(name, None) is None:
                    model.top_params[name] = {"q": self.value()}
            case "foreach":
                model.items = rng.sample(["x", "y", "z"], rng.randint(0, 3))
                model.item_values = {item: rng.random() for item in model.items}
            case "break":
                metric.text = rng.choice(["{", "", "[1, 2]", "a: [", "0.25", "null"])
            case "other":
                model.other = {"a": {"b": self.value(), "c": rng.randint(0, 3)}}
            case "vars":
                model.used = rng.choice([{}, {"u": {"v": self.value()}, "w": rng.randint(0, 9)}])
            case "inner":
                model.inner = rng.choice([{}, {"size": rng.randint(0, 9), "unused": 1}])
            case "stage":
                if len(model.steps) > 2:
                    model.steps.pop()
                else:
                    name = f"extra{rng.randint(0, 99)}"
                    made = Metric(name, "json", {"e": rng.random()}, rng.random() < 0.5)
                    model.steps.append(Step(name, rng.choice([".", "sub"]), ["lr"], [made]))
            case "data":
                self.change_data()

    def change_data(self) -> None:
        rng, data = self.rng, self.model.data
        texts = ["one", "two", "three", f"unique {rng.random()}"]
        match rng.choice(["file", "folder", "inside", "rename", "remove"]):
            case "file":
                data[f"d{rng.randint(0, 3)}.txt"] = rng.choice(texts)
            case "folder":
                name = f"dir{rng.randint(0, 1)}"
                data[name] = {f"f{i}": rng.choice(texts) for i in range(rng.randint(1, 4))}
            case "inside":
                folders = [value for value in data.values() if isinstance(value, dict)]
                if folders:
                    folder = rng.choice(folders)
                    folder[rng.choice(["f0", "new", "in/side"])] = rng.choice(texts)
            case "rename" if data:
                data[f"n{rng.randint(0, 99)}"] = data.pop(rng.choice(list(data)))
            case "remove" if data:
                data.pop(rng.choice(list(data)))

    def value(self) -> Any:
        return self.rng.choice(
            [
                self.rng.randint(0, 5), self.rng.random(), True, False, "text", "0.5",
                {"x": self.rng.randint(0, 3), "y": {"z": 1.5}}, [1, self.rng.randint(0, 2)], [3], {},
            ]
        )  # fmt: skip

    # --- files ------------------------------------------------------------------------------

    def write(self) -> None:
        """Make the project's files those of the model."""
        root = self.project.root
        for entry in root.iterdir():
            if entry.name not in (".git", ".dvc", ".pivot"):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for path, text in self.files().items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def files(self) -> dict[str, str]:
        model = self.model
        found = {f"params.{model.suffix}": text_of(model.params, model.suffix)}
        found["other.yaml"] = text_of(model.other, "yaml")
        ignored: list[str] = []
        pipelines: dict[str, dict[str, Any]] = {}
        locks: dict[str, dict[str, Any]] = {}
        for step in model.steps:
            up = "../" * (step.folder.count("/") + 1) if step.folder != "." else ""
            name = f"params.{model.suffix}" if step.params_file == "params" else "other.yaml"
            keys = step.keys if step.params_file == "params" else ["a.b"]
            body: dict[str, Any] = {"cmd": f"echo {step.name}", "params": [{up + name: keys}]}
            if step.folder == "." and model.used:
                body["cmd"] += (
                    " ${u.v}" if not isinstance(model.used["u"]["v"], (dict, list)) else " ${w}"
                )
            if step.folder == "sub" and model.inner:
                body["cmd"] += " ${size}"
            body["metrics"] = []
            lock: dict[str, Any] = {"cmd": "echo", "outs": []}
            for metric in step.metrics:
                path = metric.path if step.folder == "." else f"{step.folder}/{metric.path}"
                found[path] = metric.content
                body["metrics"].append({metric.path: {"cache": metric.cache}})
                lock["outs"].append(
                    {"path": metric.path, **self.keep(metric.content, metric.cache)}
                )
                if metric.cache:
                    ignored.append(path)
            pipelines.setdefault(step.folder, {}).setdefault("stages", {})[step.name] = body
            locks.setdefault(step.folder, {})[step.name] = lock
        root = pipelines.setdefault(".", {})
        self.loop(root, locks.setdefault(".", {}), found)
        if model.used:
            root["vars"] = ["used.yaml"]
            found["used.yaml"] = text_of(model.used, "yaml")
        if model.inner and "sub" in pipelines:
            found["sub/params.yaml"] = text_of(model.inner, "yaml")
        if model.top_metrics:
            root["metrics"] = list(model.top_metrics)
            found.update({name: json.dumps(v) for name, v in model.top_metrics.items()})
        if model.top_params:
            root["params"] = list(model.top_params)
            found.update({name: text_of(v, "yaml") for name, v in model.top_params.items()})
        if model.data:
            self.data(root, locks["."], found, ignored)
        for folder, content in pipelines.items():
            prefix = "" if folder == "." else f"{folder}/"
            found[f"{prefix}dvc.yaml"] = json.dumps(content, indent=1)
            found[f"{prefix}dvc.lock"] = json.dumps({"schema": "2.0", "stages": locks[folder]})
        found[".gitignore"] = "".join(f"/{path}\n" for path in ignored)
        return found

    def loop(self, pipeline: dict[str, Any], locks: dict[str, Any], found: dict[str, str]) -> None:
        if not self.model.items:
            return
        pipeline.setdefault("stages", {})["loop"] = {
            "foreach": self.model.items,
            "do": {"cmd": "echo ${item}", "metrics": [{"loop-${item}.json": {"cache": False}}]},
        }
        for item, value in self.model.item_values.items():
            found[f"loop-{item}.json"] = text_of({"v": value}, "json")
            locks[f"loop@{item}"] = {"cmd": f"echo {item}"}

    def data(
        self,
        pipeline: dict[str, Any],
        locks: dict[str, Any],
        found: dict[str, str],
        ignored: list[str],
    ) -> None:
        """A stage that makes files and folders, all of them kept in the cache."""
        outs = []
        for path, content in self.model.data.items():
            ignored.append(path)
            if isinstance(content, str):
                found[path] = content
                outs.append({"path": path, **self.keep(content, True)})
            else:
                found.update({f"{path}/{name}": text for name, text in content.items()})
                outs.append({"path": path, **self.keep_folder(content)})
        pipeline.setdefault("stages", {})["data"] = {"cmd": "echo", "outs": list(self.model.data)}
        locks["data"] = {"cmd": "echo", "outs": outs}

    def keep(self, text: str, cached: bool) -> dict[str, Any]:
        """The lock's fields of a file, whose bytes go into the cache."""
        value = hashlib.md5(text.encode()).hexdigest()
        if cached:
            self.store(value, text)
        return {"hash": "md5", "md5": value, "size": len(text.encode())}

    def keep_folder(self, files: dict[str, str]) -> dict[str, Any]:
        entries = [
            {"md5": self.keep(text, True)["md5"], "relpath": name} for name, text in files.items()
        ]
        text = json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True)
        value = hashlib.md5(text.encode()).hexdigest() + ".dir"
        self.store(value, text)
        size = sum(len(content.encode()) for content in files.values())
        return {"hash": "md5", "md5": value, "size": size, "nfiles": len(files)}

    def store(self, value: str, text: str) -> None:
        target = Path(self.project.root, ".dvc/cache/files/md5", value[:2], value[2:])
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
