"""A project that uses as much of the language as every supported Python reads."""

STAGES = '''
"""Module."""
from __future__ import annotations

import asyncio
import os.path as osp
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial, singledispatch

import numpy as np

from . import registry
from .helpers import *
from .helpers import _private as hidden

BIG = 123456789012345678901234567890
HUGE = 0x@digits@
FLOATS = (1e400, -0.0, 1e-7, 0.1, 1_000.5)
COMPLEX = 1j + 2.5j
BYTES = b"a\\x00\\xff" rb"\\d"
TEXT = "a" 'b' """c
d""" "\\N{BULLET} \\ud800"


class Color(Enum):
    RED = auto()
    GREEN = "g"


@dataclass(frozen=True, slots=True)
class Options:
    """Doc."""

    rate: float = 0.1
    call: Callable[..., "Color"] | None = None
    tags: list[str] = field(default_factory=list)

    @property
    def twice(self) -> float:
        return self.rate * 2


@singledispatch
def show(value, /, *args, key=None, **kwargs):
    return f"{value!r:>{len(args)}} {value=} { value = !s} {{x}} {value:}" "tail" f"{key}"


@show.register
def _(value: int):
    return f"{value:%Y-%m-%d}" f"" "" f"{value}"


@show.register(str)
async def later(value):
    async with value as (a, *b):
        pass
    return [x async for x in value if await x], {y: z for y, z in b}, {*a}, {**value}


class Meta(type):
    def __new__(mcs, name, bases, ns, **kw):
        return super().__new__(mcs, name, bases, ns)


class Model(registry.Base, metaclass=Meta, tag="m"):
    limit = BIG
    values = [limit for limit in range(3)]

    def fit(self, data, *, k=partial(hidden, 1)):
        global STATE
        STATE = data
        total = 0

        def inner(step):
            nonlocal total
            total += step
            return lambda q=total: (yield q)

        try:
            with open(osp.join("a", "b")) as handle, handle:
                for i, (j, *rest) in enumerate(handle):
                    if i and not j or rest is None:
                        continue
                    elif i < j <= 3 != 4:
                        break
                else:
                    del data[0], data[1:2, ...]
        except* (ValueError, TypeError) as group:
            raise RuntimeError from group
        finally:
            assert total, "none"
        while (n := helper(total)) > 1:
            total -= n ** 2 // 3 % 4 << 1 >> 2 & 3 | 4 ^ ~5
        match data:
            case {"a": [1, -2.5, *others], **more} if others:
                return more
            case Options(rate=0.5, call=None) | Color.RED | "x" "y" | (3 + 4j):
                return others
            case [Options() as first, _]:
                return first
            case _:
                return inner(1) if total else self.values[::-1] @ np.eye(3)


def run(options: Options, names: "list[Color]" = None) -> dict:
    x: int = 3
    y: str
    a = b = (1, 2, 3)[0:1]
    a[0], (b.c, *d) = d, a
    print(*a, **b, end="")
    if True: pass
    return {"m": Model().fit(a), **show(options)}, asyncio.run(later(x)), FLOATS, COMPLEX, BYTES, TEXT, HUGE


if __name__ == "__main__":
    run(None)
'''.replace("@digits@", "f" * 5000)

FILES = {
    "pkg/__init__.py": "",
    "pkg/stages.py": STAGES,
    "pkg/registry.py": """
ITEMS = {}


class Base:
    def __init_subclass__(cls, tag=None):
        ITEMS[tag] = cls


for name in ("a", "b"):
    ITEMS[name] = len(name)

try:
    import ujson as json
except ImportError:
    import json
else:
    ITEMS["json"] = json
""",
    "pkg/helpers.py": """
import sys

__all__ = ["helper"]
__all__ += ["other"]

if sys.version_info >= (3, 12):
    LIMIT = 1
else:
    LIMIT = 2


def helper(x):
    return x + LIMIT


def _private(x):
    return x


def other(x):
    return aiter(x)
""",
    "run.sh": "python -m pkg.stages # go\n",
}
