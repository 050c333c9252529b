"""`init`: the files that make a folder a Pivot project."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..disk import write_atomic
from ..errors import PivotError
from ..project import git_folder, holds_pipeline, init_files

COMMENTED = """\
# Each stage names the function (or command) that makes its outs from its deps and params.
# Pivot follows the code behind it: `pivot repro` runs what an edit made stale, and only that.
#
# stages:
#   prepare:
#     python: stages.prepare              # function `prepare` in stages.py
#     deps: {raw: data/raw.csv}           # arrives as the parameter `raw`, a pathlib.Path
#     params: {seed: 7}                   # arrives as the parameter `seed`
#     outs: {clean: data/clean.csv}       # the function writes it
#   report:
#     cmd: python report.py data/clean.csv
#     deps: [data/clean.csv]
#     outs: [report.html]
#
# `pivot init --example` in an empty folder writes a pipeline that runs.
stages: {}
"""

EXAMPLE = {
    "pivot.yaml": """\
# Two stages: word counts of a text, then the most frequent words.
stages:
  count:
    python: stages.count
    deps: {text: data/text.txt}
    outs: {counts: build/counts.json}
  top:
    python: stages.top
    deps: {counts: build/counts.json}
    params: {limit: "${limit}"}            # from params.yaml
    outs: {report: build/top.md}
    metrics: {summary: {path: summary.json, cache: false}}
""",
    "params.yaml": """\
limit: 5
""",
    "stages.py": '''\
"""The stages of the example: plain functions, called with paths and values."""

import json

from words import normalize, tally


def count(text, counts):
    """Count the words of a text file."""
    counts.write_text(json.dumps(tally(normalize(text.read_text()))))


def top(counts, limit, report, summary):
    """Write the most frequent words as Markdown, and how many there were."""
    table = json.loads(counts.read_text())
    frequent = sorted(table.items(), key=lambda item: (-item[1], item[0]))[:limit]
    report.write_text("".join(f"- {word}: {number}\\n" for word, number in frequent))
    summary.write_text(json.dumps({"words": sum(table.values()), "distinct": len(table)}))
''',
    "words.py": '''\
"""Helpers of the stages; edit `normalize` and see what `pivot status` says."""

from collections import Counter


def normalize(text):
    """The words of a text in lower case, without punctuation."""
    return [word.strip(".,;:!?\\"'()").lower() for word in text.split()]


def tally(words):
    """How often each word occurs."""
    return Counter(word for word in words if word)
''',
    "data/text.txt": """\
The quick brown fox jumps over the lazy dog. The dog sleeps; the fox runs.
A fox is quick, a dog is lazy, and the river runs past them both.
""",
}


@dataclass(frozen=True, slots=True)
class Initialized:
    """What `init` wrote, relative to the folder, and the folder itself."""

    folder: str
    written: tuple[str, ...]


def init(folder: str, *, example: bool = False, force: bool = False) -> Initialized:
    """Make `folder` a Pivot project. Works without git; existing files are never overwritten.

    Raises PivotError in a folder of git's own, and where it is a project already (unless `force`,
    which adds what is missing).
    """
    pipeline = os.path.join(folder, "pivot.yaml")
    if not os.path.isdir(folder):
        raise PivotError(f"'{folder}' is not a folder", hint="create it first")
    inner = git_folder(folder)
    if inner is not None:
        raise PivotError(
            f"'{inner}' is git's own folder (a bare repository, or a .git), no place for a project",
            hint="clone it, and run `pivot init` in the clone",
        )
    existing = [name for name in ("pivot.yaml", ".pivot") if _exists(folder, name)]
    if existing and not force:
        raise PivotError(
            f"'{existing[0]}' exists already; this is a Pivot project",
            hint="`pivot init --force` adds what is missing and keeps what is there",
        )
    files = EXAMPLE if example else {"pivot.yaml": COMMENTED}
    if not example and holds_pipeline(folder):
        files = {}
    taken = [name for name in files if _exists(folder, name)] if example else []
    if taken:
        raise PivotError(
            f"'{taken[0]}' exists already, and the example would replace it",
            hint="run `pivot init --example` in an empty folder",
        )
    written = list(init_files(folder))
    if os.path.exists(pipeline):
        files = {name: text for name, text in files.items() if name != "pivot.yaml"}
    for name, text in files.items():
        write_atomic(os.path.join(folder, name), text.encode())
        written.append(name)
    return Initialized(folder, tuple(written))


def _exists(folder: str, name: str) -> bool:
    return os.path.lexists(os.path.join(folder, name))
