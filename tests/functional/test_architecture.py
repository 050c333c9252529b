"""docs/architecture.md says what is there: its tables against the package and the contract."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def document(checkout: Path) -> str:
    return (checkout / "docs/architecture.md").read_text()


@pytest.fixture(scope="module")
def pyproject(checkout: Path) -> dict[str, Any]:
    return tomllib.loads((checkout / "pyproject.toml").read_text())


def table(document: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    section = document.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_room_is_described_in_its_layer(
    checkout: Path, document: str, pyproject: dict[str, Any]
) -> None:
    described: dict[int, set[str]] = {}
    for layer, room, _ in table(document, "Rooms"):
        described.setdefault(int(layer), set()).add(room)
    [layers] = [
        contract["layers"]
        for contract in pyproject["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    ]
    present = {
        path.stem
        for path in (checkout / "pivot").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    contracted = [set(re.findall(r"\w+", layer)) & present for layer in layers]
    assert [described[number] for number in sorted(described)] == [
        rooms for rooms in contracted if rooms
    ]


def test_every_dependency_has_owners_that_alone_import_it(
    checkout: Path, document: str, pyproject: dict[str, Any]
) -> None:
    rows = table(document, "Dependencies")
    required = {
        re.match(r"[\w.-]+", text)[0].lower()  # type: ignore[index]
        for text in pyproject["project"]["dependencies"]
    }
    assert {package for package, *_ in rows} == required

    owners = {
        name: (owner.replace("`", "").split(", "), late == "late")
        for _, name, owner, late, _ in rows
    }
    wrong = []
    for path in sorted((checkout / "pivot").rglob("*.py")):
        room = path.relative_to(checkout / "pivot").parts[0].removesuffix(".py")
        for name, line, inside in imports(ast.parse(path.read_bytes())):
            if name in owners:
                rooms, late = owners[name]
                if not {room, "any"} & set(rooms) or (late and not inside):
                    wrong.append(f"{path.relative_to(checkout)}:{line} imports {name}")
    assert not wrong


def imports(module: ast.Module) -> list[tuple[str, int, bool]]:
    """(top-level package, line, whether inside a function) of every import that runs."""
    found: list[tuple[str, int, bool]] = []

    def visit(node: ast.AST, inside: bool) -> None:
        match node:
            case ast.Import(names=names):
                found.extend((alias.name.split(".")[0], node.lineno, inside) for alias in names)
            case ast.ImportFrom(module=str(name), level=0):
                found.append((name.split(".")[0], node.lineno, inside))
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                return  # a type's name, not an import that runs
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                inside = True
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(module, False)
    return found
