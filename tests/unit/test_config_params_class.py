"""The class of a stage's params: defaults as values, and what does not fit, before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from pivot.config import load, load_partial
from pivot.errors import PivotError
from pivot.model import Stage
from pivot.tree import DictTree

HEAD = """
from __future__ import annotations
import datetime, enum
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Optional, Union
import pydantic
from pydantic import BaseModel, Field, field_validator
import pivot
from pivot import StageParams
class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"
@dataclass
class Inner:
    lr: float = 0.1
@dataclass
class Ridge:
    kind: Literal["ridge"] = "ridge"
    alpha: float = 1.0
@dataclass
class Tree:
    kind: Literal["tree"] = "tree"
    depth: int = 3
LIMIT = 7
"""


def stage(fields: str, yaml: str = "", base: str = "StageParams", more: Any = ()) -> Stage:
    """The stage of a function whose params class has `fields`, one a line."""
    head = "@dataclass\nclass P:\n" if base == "dataclass" else f"class P({base}):\n"
    body = "".join(f"    {line}\n" for line in fields.splitlines())
    code = f"{HEAD}{head}{body}def f(params: P): ...\n"
    indented = "".join(f"    {line}\n" for line in yaml.splitlines())
    texts = {"pivot.yaml": f"stages:\n  s:\n    python: m.f\n{indented}", "m.py": code}
    return load(DictTree({**texts, **dict(more)})).stages["s"]


def test_all_that_does_not_fit_is_told() -> None:
    texts = {
        "pivot.yaml": """
stages:
  s: {python: m.f, params: {x: foo, y: bar}}
  t: {python: m.f, params: [a.x, b.y]}
  good: {python: m.f}
""",
        "params.yaml": "a: {x: one}\nb: {y: two}\n",
        "m.py": f"{HEAD}class P(StageParams):\n    x: int = 1\n    y: float = 1.0\ndef f(params: P): ...\n",
    }
    found = load_partial(DictTree(texts))
    assert list(found.stages) == ["good"]
    told = [str(problem.error).partition(",")[0] for problem in found.problems]
    assert told == [
        "pivot.yaml:3:32: stage 's': param 'x': takes a whole number",
        "pivot.yaml:3:40: stage 's': param 'y': takes a number",
        "params.yaml:1:8: stage 't': param 'x': takes a whole number",
        "params.yaml:2:8: stage 't': param 'y': takes a number",
    ]


@pytest.mark.parametrize("base", ["StageParams", "BaseModel", "dataclass"])
def test_literal_defaults_are_values_of_the_stage(base: str) -> None:
    fields = "C: float = 0.5\nn: int = LIMIT\nnames: Any = ('a', 'b')\nlater: Any = print('x')\nK: ClassVar[int] = 3"
    found = stage(fields, "params: {C: 0.25, later: 1}", base)

    assert found.params == {"C": 0.25, "later": 1, "n": 7, "names": ("a", "b")}
    assert set(found.defaults) == {"n", "names"}
    assert found.params_class == "m:P"


def test_fields_of_bases_and_of_calls_of_field() -> None:
    code = (
        "x: int = Field(3, gt=0)\ny: int = Field(default=4)\nz: list = Field(default_factory=list)"
    )
    assert stage(code).params == {"x": 3, "y": 4}


def test_a_tracked_key_goes_before_a_default() -> None:
    found = stage("C: float = 0.5", "params: [train.C]", more={"params.yaml": "train: {C: 2}"})
    assert found.params == {}
    assert found.params_class == "m:P"


@pytest.mark.parametrize(
    ("fields", "yaml"),
    [
        ("C: float", "params: {C: 1}"),
        ("C: int", "params: {C: '5'}"),
        ("C: bool", "params: {C: 'yes'}"),
        ("C: Color", "params: {C: red}"),
        ("C: Literal['a', 1]", "params: {C: 1}"),
        ("C: Optional[int] = None", "params: {C: null}"),
        ("C: int | str", "params: {C: x}"),
        ("C: list[int]", "params: {C: [1, 2]}"),
        ("C: dict[str, float]", "params: {C: {a: 1}}"),
        ("C: date", "params: {C: 2024-02-29}"),
        ("C: date", "params: {C: '2024-02-29'}"),
        ("C: Path", "params: {C: a/b}"),
        ("C: Annotated[int, pydantic.BeforeValidator(len)]", "params: {C: [1]}"),
        ("C: int\n@field_validator('C', mode='before')\n@classmethod\ndef v(cls, x): return 1", "params: {C: [1]}"),
        ("model_config = {'extra': 'allow'}\nC: int = 1", "params: {D: 1}"),
        ("C: int = Field(1, alias='see')", "params: {see: 1}"),
    ],
)  # fmt: skip
def test_these_fit(fields: str, yaml: str) -> None:
    stage(fields, yaml)


@pytest.mark.parametrize("base", ["StageParams", "dataclass"])
@pytest.mark.parametrize(
    ("fields", "yaml", "said"),
    [
        ("C: float", "params:\n  C: much", "pivot.yaml:5:10: stage 's': param 'C': takes a number, not 'much' (m.py:2"),
        ("C: int", "params: {C: 1.5}", "param 'C': takes a whole number, not 1.5"),
        ("C: str", "params: {C: 5}", "param 'C': takes a text, not 5"),
        ("C: bool", "params: {C: 7}", "param 'C': takes true or false, not 7"),
        ("C: float = 1", "params: {c: 2}", "P has no field 'c'; did you mean 'C'?"),
        ("C: float", "", "pivot.yaml:2: stage 's': param 'C': P needs 'C', which is no param"),
        ("C: Color", "params: {C: rad}", "takes one of 'red', 'blue', not 'rad'"),
        ("C: Literal['sgd', 'adam']", "params: {C: adm}", "did you mean 'adam'?"),
        ("C: Optional[int] = None", "params: {C: x}", "takes a whole number or nothing, not 'x'"),
        ("C: list[int]", "params:\n  C:\n  - 1\n  - x", "pivot.yaml:7:9: stage 's': param 'C[1]': takes a whole number, not 'x'"),
        ("C: list[int]", "params: {C: 3}", "takes a list, not 3"),
        ("C: date", "params: {C: soon}", "takes a date, not 'soon'"),
        ("C: Path", "params: {C: 3}", "takes a path, not 3"),
        ("C: Inner\nclass X: ...", "params: {C: 3}", "takes a mapping for Inner, not 3"),
        ("C: Inner", "params:\n  C:\n    lr: fast", "pivot.yaml:6:13: stage 's': param 'C.lr': takes a number, not 'fast'"),
        ("C: Inner", "params: {C: {l: 1}}", "param 'C.l': Inner has no field 'l'"),
        ("C: Ridge | Tree", "params: {C: {kind: forest}}", "param 'C.kind': takes one of 'ridge', 'tree', not 'forest'"),
        ("C: Ridge | Tree", "params: {C: {kind: tree, depht: 2}}", "param 'C.depht': Tree has no field 'depht'"),
        ("C: Tree | Ridge | None", "params: {C: {kind: ridge, alpha: x}}", "param 'C.alpha': takes a number, not 'x'"),
        ("C: Annotated[Ridge | Tree, Field(discriminator='kind')]", "params: {C: {kind: tree, depth: x}}", "param 'C.depth': takes a whole number, not 'x'"),
        ("C: Inner | Tree", "params: {C: {l: 1}}", "fits none of what it may be (Inner: l: Inner has no field 'l'; Tree: l: Tree has no field 'l')"),
        ("C: list[int] | Tree", "params: {C: [1, x]}", "param 'C[1]': takes a whole number, not 'x'"),
    ],
)  # fmt: skip
def test_these_do_not(base: str, fields: str, yaml: str, said: str) -> None:
    with pytest.raises(PivotError) as caught:
        stage(fields, yaml, base)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("yaml", "files", "where"),
    [
        ("params:\n  C: ${train.C}", {"params.yaml": "seed: 1\ntrain:\n  C: much\n"}, "params.yaml:3:6: "),
        ("params: [train.C]", {"params.yaml": "seed: 1\ntrain:\n  C: much\n"}, "params.yaml:3:6: "),
        ("params: [{other.yaml: [C]}]", {"other.yaml": "C: much\n"}, "other.yaml:1:4: "),
        ("params: '${all}'", {"params.yaml": "all:\n  C: much\n"}, "pivot.yaml:2: "),
        ("params: {C: much}", {}, "pivot.yaml:4:17: "),
    ],
)  # fmt: skip
def test_the_place_of_the_value_is_named(yaml: str, files: dict[str, str], where: str) -> None:
    with pytest.raises(PivotError) as caught:
        stage("C: float", yaml, more=files)
    assert str(caught.value).startswith(where)
