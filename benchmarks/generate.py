"""Projects to measure on: N trivial stages over a web of modules, for Pivot and for its peers."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Literal

MODULES = 50
HELPERS = 300  # definitions in each stage's closure
SHARED = 6  # modules of shared helpers

Shape = Literal["wide", "deep", "diamond", "foreach"]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def shared_module(number: int) -> str:
    """Helpers that call each other and the next shared module."""
    each = HELPERS // SHARED
    lines = ["import json", "import math", ""]
    if number + 1 < SHARED:
        lines.append(f"from lib.shared{number + 1} import helper_0 as beyond")
    else:
        lines.append("beyond = math.floor")
    for index in range(each):
        callee = f"helper_{index + 1}(value)" if index + 1 < each else "beyond(value)"
        lines += [
            "",
            "",
            f"def helper_{index}(value):",
            f'    """Helper {index} of module {number}."""',
            f"    limit = LIMIT_{index} if value else {index}",
            f"    return {callee} if value > limit else value",
            "",
            "",
            f"LIMIT_{index} = {index} + {number}",
        ]
    return "\n".join(lines) + "\n"


def stage_module(functions: int, number: int) -> str:
    """`functions` stages that reach all shared helpers, and one helper of each stage alone."""
    lines = ["from lib.shared0 import helper_0", "from lib import shared1", ""]
    for index in range(functions):
        lines += [
            "",
            f"def own_{index}(text):",
            "    return text.upper()",
            "",
            "",
            f"def stage_{index}(source, out, factor):",
            f"    total = helper_0(len(source.read_text())) + shared1.helper_0({number})",
            f"    out.write_text(own_{index}(source.read_text()) + f'{{total * factor}}\\n')",
            "",
        ]
    return "\n".join(lines) + "\n"


def content(index: int) -> str:
    """What the input of a stage holds."""
    return f"input {index}\n" * 20


def pivot(root: Path, stages: int, *, shape: Shape = "wide") -> None:
    """Write a project of `stages` python stages; each has one dep, one out and a param.

    `wide`: each reads a file of its own; `deep`: chains of ten; `diamond`: one head, all the
    others below it; `foreach`: as `wide`, all from one definition.
    """
    for number in range(SHARED):
        write(root / f"lib/shared{number}.py", shared_module(number))
    write(root / "lib/__init__.py", "")
    modules = min(MODULES, stages)
    per_module = -(-stages // modules)
    for number in range(modules):
        write(root / f"steps/module_{number}.py", stage_module(per_module, number))
    write(root / "steps/__init__.py", "")
    lines = ["stages:"]
    for index in range(stages):
        source = f"data/in_{index}.txt"
        if shape == "deep" and index % 10:
            source = f"out/o_{index - 1}.txt"
        elif shape == "diamond" and index:
            source = "out/o_0.txt"
        else:
            write(root / source, content(index))
        lines += [
            f"  stage_{index}:",
            f"    python: steps.module_{index % modules}.stage_{index // modules}",
            f"    deps: {{source: {source}}}",
            '    params: {factor: "${factor}"}',
            f"    outs: {{out: out/o_{index}.txt}}",
        ]
    if shape == "foreach":
        lines = [
            "vars: [items.yaml]",
            "stages:",
            "  stage:",
            "    foreach: ${items}",
            "    do:",
            "      python: steps.module_0.stage_0",
            "      deps: {source: 'data/in_${item}.txt'}",
            '      params: {factor: "${factor}"}',
            "      outs: {out: 'out/o_${item}.txt'}",
        ]
        write(root / "items.yaml", "items: " + str(list(range(stages))) + "\n")
    write(root / "pivot.yaml", "\n".join(lines) + "\n")
    write(root / "params.yaml", "factor: 3\n")


# --- the same work for the others -----------------------------------------------------------

COMMAND = "tr a-z A-Z < data/in_{0}.txt > out/o_{0}.txt"


def results(root: Path, stages: int) -> None:
    """What the commands make."""
    for index in range(stages):
        write(root / f"out/o_{index}.txt", content(index).upper())


def dvc(root: Path, stages: int, *, done: bool) -> None:
    """A DVC project of as many commands; where `done`, with its results, lock and cache.

    DVC would take the square of N to write them itself.
    """
    lines, lock = ["stages:"], ["schema: '2.0'", "stages:"]
    (root / "out").mkdir(parents=True)
    for index in range(stages):
        command = COMMAND.format(index)
        source, out = f"data/in_{index}.txt", f"out/o_{index}.txt"
        write(root / source, content(index))
        lines += [
            f"  stage_{index}:",
            f"    cmd: {command}",
            f"    deps: [{source}]",
            f"    outs: [{out}]",
        ]
        lock += [f"  stage_{index}:", f"    cmd: {command}"]
        for kind, path, text in (
            ("deps", source, content(index)),
            ("outs", out, content(index).upper()),
        ):
            value = hashlib.md5(text.encode()).hexdigest()
            lock += [f"    {kind}:", f"    - path: {path}", "      hash: md5"]
            lock += [f"      md5: {value}", f"      size: {len(text)}"]
            if kind == "outs" and done:
                write(root / ".dvc/cache/files/md5" / value[:2] / value[2:], text)
    write(root / "dvc.yaml", "\n".join(lines) + "\n")
    write(root / "out/.gitignore", "/*.txt\n")
    if done:
        write(root / "dvc.lock", "\n".join(lock) + "\n")
        results(root, stages)


def snakemake(root: Path, stages: int) -> None:
    """A Snakefile of one rule for all, which is how it is meant to be used."""
    for index in range(stages):
        write(root / f"data/in_{index}.txt", content(index))
    write(
        root / "Snakefile",
        f"rule all:\n    input: expand('out/o_{{i}}.txt', i=range({stages}))\n\n"
        "rule each:\n    input: 'data/in_{i}.txt'\n    output: 'out/o_{i}.txt'\n"
        "    shell: 'tr a-z A-Z < {input} > {output}'\n",
    )


def doit(root: Path, stages: int) -> None:
    """A dodo.py with a task for each."""
    (root / "out").mkdir(parents=True)
    for index in range(stages):
        write(root / f"data/in_{index}.txt", content(index))
    write(
        root / "dodo.py",
        f"COMMAND = {COMMAND!r}\n\n\ndef task_each():\n    for i in range({stages}):\n"
        "        yield {\n            'name': str(i),\n"
        "            'actions': [COMMAND.format(i)],\n"
        "            'file_dep': [f'data/in_{i}.txt'],\n"
        "            'targets': [f'out/o_{i}.txt'],\n        }\n",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("stages", type=int)
    parser.add_argument("--shape", default="wide", choices=["wide", "deep", "diamond", "foreach"])
    options = parser.parse_args()
    pivot(options.root, options.stages, shape=options.shape)
