"""What holds for any code: spelling never counts, a changed literal or operator always does."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterator

import pytest
from cases import CASES, Case
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_fingerprint_table import stage_of

from pivot.errors import SourceError
from pivot.fingerprint import Fingerprinter
from pivot.model import CodeManifest, PythonEntry, Stage
from pivot.tree import DictTree

PROJECTS = list(
    {
        repr(sorted(case.files.items())) + str(case.cmd): case
        for case in CASES
        if sys.version_info >= case.needs
    }.values()
)
RELAXED = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def manifest_of(case: Case, files: dict[str, str]) -> CodeManifest:
    tree = DictTree(files)
    return Fingerprinter(tree).manifest(stage_of(case, tree))


def python_files(case: Case) -> list[str]:
    return [path for path in case.files if path.endswith(".py")]


@pytest.mark.parametrize("case", PROJECTS, ids=str)
def test_printing_the_code_anew_changes_nothing(case: Case) -> None:
    files = dict(case.files)
    for path in python_files(case):
        files[path] = ast.unparse(ast.parse(files[path])) + "\n"

    assert manifest_of(case, files).digest == manifest_of(case, dict(case.files)).digest


def with_comments(text: str, choose: Iterator[bool]) -> str:
    """The text with comments after some lines and at the end of some."""
    lines = text.splitlines(keepends=True)
    ends = [
        token.end[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.NEWLINE
    ]
    for number in reversed(ends):
        if next(choose):
            lines.insert(number, "      # between the lines\n\n")
        if next(choose) and lines[number - 1].endswith("\n"):
            lines[number - 1] = lines[number - 1][:-1] + "   # at the end\n"
    return "".join(lines)


@RELAXED
@given(st.sampled_from(PROJECTS), st.randoms(use_true_random=False))
def test_comments_change_nothing(case: Case, random: object) -> None:
    def choices() -> Iterator[bool]:
        while True:
            yield random.random() < 0.4  # type: ignore[attr-defined]

    files = dict(case.files)
    for path in python_files(case):
        files[path] = with_comments(files[path], choices())
        assert files[path] == case.files[path] or "# " in files[path]

    assert manifest_of(case, files).digest == manifest_of(case, dict(case.files)).digest


@RELAXED
@given(st.permutations(range(8)), st.integers(0, 7))
def test_the_order_of_independent_definitions_changes_nothing(order: list[int], entry: int) -> None:
    definitions = [
        f"def f{n}(x):\n    return x + {n}" + (f" + f{n + 1}(x) + C{n}" if n < 7 else "")
        for n in range(8)
    ] + [f"C{n} = {n}" for n in range(8)]
    moved = [definitions[n] for n in order] + definitions[8:]

    def digest(parts: list[str]) -> str:
        tree = DictTree({"m.py": "\n\n".join(parts) + "\n"})
        stage = Stage("s", "pivot.yaml", 1, PythonEntry(f"m.f{entry}", "m", f"f{entry}"))
        return Fingerprinter(tree).manifest(stage).digest

    assert digest(moved) == digest(definitions)


class Mutation(ast.NodeTransformer):
    """Changes the literal or operator with the given number; leaves out what does not count."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.seen = -1
        self.changed = False

    def _hit(self) -> bool:
        self.seen += 1
        self.changed = self.changed or self.seen == self.wanted
        return self.seen == self.wanted

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return node if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        returns, node.returns = node.returns, None
        self.generic_visit(node)
        node.returns = returns
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node  # its literals are checked by the table

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not self._hit():
            return node
        match node.value:
            case bool() | None:
                value: object = 17
            case int() | float() | complex():
                value = node.value + 1
            case str():
                value = node.value + "_"
            case bytes():
                value = node.value + b"_"
            case _:
                value = 0
        return ast.Constant(value)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if self._hit():
            node.op = ast.Mod() if isinstance(node.op, ast.Add) else ast.Add()
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if self._hit():
            node.ops[0] = ast.GtE() if isinstance(node.ops[0], ast.Lt) else ast.Lt()
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        if self._hit():
            node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        return node


def mutate(text: str, first: int, last: int, wanted: int) -> str | None:
    """The text with one literal or operator changed in the definition on these lines."""
    tree = ast.parse(text)
    mutation = Mutation(wanted)
    for place, statement in enumerate(tree.body):
        if statement.lineno <= first <= (statement.end_lineno or 0) <= last:
            tree.body[place] = mutation.visit(statement)
    return ast.unparse(ast.fix_missing_locations(tree)) if mutation.changed else None


@pytest.mark.parametrize("case", PROJECTS, ids=str)
def test_a_changed_literal_or_operator_of_a_reached_definition_always_counts(case: Case) -> None:
    before = manifest_of(case, dict(case.files))
    for label, symbol in before.symbols.items():
        if not symbol.file.endswith(".py") or label.endswith(("<effects>", ":__doc__")):
            continue
        text = case.files[symbol.file]
        for statement in ast.parse(text).body:
            if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                continue
            if statement.name != label.rpartition(":")[2]:
                continue
            for wanted in range(30):
                line, end = statement.lineno, statement.end_lineno or 0
                changed = mutate(text, line, end, wanted)
                if changed is None:
                    break
                try:
                    after = manifest_of(case, {**case.files, symbol.file: changed})
                except SourceError:
                    continue  # the name of a module that is to be imported
                assert after.digest != before.digest, (label, changed)
