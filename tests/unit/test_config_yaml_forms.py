"""Documents in unusual forms mean what DVC's parser (ruamel.yaml) says they mean."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pivot.config import load_yaml, load_yaml_marked
from pivot.errors import ConfigError

ATOMS = (
    "a", "lr", "o.yaml", "1", "1.0", "true", "~", "", "'q'", '"d"', "x y", "-1", ".5", "1e3", "0x1f", "a:b",
    "http://x", "a#b", "#c", "*", "!t", "|", ">", "@x", "`x", "%x", "-", "- ", "?", "? x", ":", "::", ":x", "x:",
    "2020-01-01", "12:30", "null", "on", "é", "{}", "[]", "''", "${x}", "'${x}'", "a,b", "a]", "0o10", "1_000",
)  # fmt: skip
KEYS = (*ATOMS[:20], *(f"k{n}" for n in range(30)))


def flow(rnd: random.Random, depth: int) -> str:
    if depth <= 0 or rnd.random() < 0.5:
        return rnd.choice(ATOMS) + rnd.choice(["", "", ":", ": ", "  "])
    items = [
        (rnd.choice(ATOMS) + rnd.choice([": ", ":"]) if rnd.random() < 0.35 else "")
        + flow(rnd, depth - 1)
        for _ in range(rnd.randint(0, 3))
    ]
    opening, closing = rnd.choice([("[", "]"), ("{", "}"), ("[", "]")])
    between = rnd.choice([", ", ",", ", \n    ", " , "])
    return (
        opening + rnd.choice(["", " "]) + between.join(items) + rnd.choice(["", ",", " "]) + closing
    )


def block(rnd: random.Random, depth: int, indent: int) -> str:
    lines = []
    pad = " " * indent
    is_mapping = rnd.random() < 0.6
    for _ in range(rnd.randint(1, 3)):
        head = f"{pad}{rnd.choice(KEYS)}:" if is_mapping else f"{pad}-"
        chance = rnd.random()
        if depth > 0 and chance < 0.3:
            step = rnd.choice([2, 2, 4]) if is_mapping else 2
            inner = block(rnd, depth - 1, indent + step)
            lines.append(f"{head}\n{inner}" if is_mapping else f"{head} {inner.lstrip()}")
        elif is_mapping and chance < 0.4:
            style = rnd.choice(["|", ">", "|-", ">+", "|2"])
            lines.append(f"{head} {style}\n{pad}  text\n{pad}  more: x #y")
        else:
            comment = rnd.choice(["", "", "  # c"])
            lines.append(f"{head} {flow(rnd, 2)}{comment}")
    return "\n".join(lines)


def document(rnd: random.Random) -> str:
    head = rnd.choice(["", "---\n", "# c\n", ""])
    return head + block(rnd, 2, 0) + rnd.choice(["\n", "", "\n...\n"])


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return [[comparable(key), comparable(item)] for key, item in value.items()]
    if isinstance(value, list):
        return ["list", *map(comparable, value)]
    return type(value).__name__, repr(value)


def disagreement(text: str) -> str | None:
    """What Pivot makes of a text that DVC's parser accepts, where it is something else."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        theirs = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, TypeError, AttributeError):
        return None  # Pivot may accept more
    try:
        ours = load_yaml(text.encode(), "f.yaml")
    except ConfigError as error:
        # nobody means `[a]: b`; what people mean is an unquoted `${a}`
        return None if "cannot be a key" in error.message else str(error)
    return None if comparable(ours) == comparable(theirs) else repr((ours, theirs))


@pytest.mark.parametrize(
    ("cases", "seed"),
    [(150, 1), pytest.param(5000, 2, marks=pytest.mark.thorough)],
)
def test_what_dvc_reads_means_the_same(cases: int, seed: int) -> None:
    rnd = random.Random(seed)
    texts = [document(rnd) for _ in range(cases)]
    assert {text: found for text in texts if (found := disagreement(text))} == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("params: [lr, o.yaml:]", {"params": ["lr", "o.yaml:"]}),
        ("params: [o.yaml:, lr]", {"params": ["o.yaml:", "lr"]}),
        ("params: [o.yaml: ]", {"params": [{"o.yaml": None}]}),
        ("{a: [x:], b: {c: http://y:}}", {"a": ["x:"], "b": {"c": "http://y:"}}),
        ("k: [::, :x]", {"k": ["::", ":x"]}),
    ],
)
def test_colons_in_flow_collections(text: str, value: Any) -> None:
    assert load_yaml(text.encode(), "f.yaml") == value


def test_places_and_errors_are_found_in_such_texts_too() -> None:
    value, marks = load_yaml_marked(b"a: [x:]\nb:\n  c: 1\n", "f.yaml")
    assert value == {"a": ["x:"], "b": {"c": 1}}
    assert str(marks.where(("b", "c"))) == "f.yaml:3:6"
    with pytest.raises(ConfigError, match=r"^f.yaml:2:1: the key 'a' appears twice"):
        load_yaml(b"a: [x:]\na: 1\n", "f.yaml")
