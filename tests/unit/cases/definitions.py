"""Which definitions a stage depends on: names, scopes, classes, values."""

from .builders import Case, Project

DEFINITIONS: list[Case] = []
S = "stages.py"

(
    Project(
        DEFINITIONS,
        "names in use",
        {
            S: """
            from functools import partial, reduce
            import re

            def in_generator(x): return x + 1
            def in_lambda(x): return x + 2
            def in_default(): return 3
            def in_nested(x): return x + 4
            def in_comprehension(x): return x + 5
            def in_condition(x): return x + 6
            def in_fstring(x): return x + 7
            def in_partial(x): return x + 8
            def in_container(x): return x + 9
            def in_keyword(x): return x + 10
            def in_decorator(f): return f
            def in_walrus(x): return x + 11
            def in_slice(x): return x + 12
            def in_dict_key(x): return x + 13
            def in_return_type() : return 14
            def in_star(): return []
            def in_raise(): return ValueError("a")
            def in_with(): return open("a")
            def in_del(): return {}
            def in_assert(): return True
            def never(x): return x + 99

            HANDLERS = {"a": [in_container]}
            ADD = partial(in_partial, 1)
            PATTERN = re.compile("a+")
            DATA = {"x": {"y": [1, 2]}}

            @in_decorator
            def run(default=in_default()):
                def nested(y):
                    return in_nested(y)
                if (z := in_walrus(1)) and in_condition(z):
                    print(f"{in_fstring(1):>3}")
                with in_with() as f:
                    assert in_assert()
                try:
                    del in_del()["a"]
                except KeyError:
                    raise in_raise()
                return (
                    sum(in_generator(i) for i in range(3)),
                    sorted([1], key=lambda v: in_lambda(v)),
                    nested(1),
                    [i for i in range(3) if in_comprehension(i)],
                    HANDLERS["a"][0](1), ADD(), print(end=in_keyword("")),
                    [1, 2][in_slice(0):], {in_dict_key(1): 2}, [*in_star()],
                    PATTERN.match("a"), DATA,
                )
            """
        },
    )
    .stale("helper in a generator expression", (S, "x + 1\n", "x + 100\n"))
    .stale("helper in a lambda", (S, "x + 2\n", "x + 100\n"))
    .stale("helper in a default value", (S, "return 3\n", "return 100\n"))
    .stale("helper in a nested function", (S, "x + 4\n", "x + 100\n"))
    .stale("helper in a comprehension's condition", (S, "x + 5\n", "x + 100\n"))
    .stale("helper in a condition", (S, "x + 6\n", "x + 100\n"))
    .stale("helper in an f-string", (S, "x + 7\n", "x + 100\n"))
    .stale("helper in a partial", (S, "x + 8\n", "x + 100\n"))
    .stale("helper in a nested container", (S, "x + 9\n", "x + 100\n"))
    .stale("helper in a keyword argument", (S, "x + 10\n", "x + 100\n"))
    .stale("decorator", (S, "in_decorator(f): return f", "in_decorator(f): return lambda: f(1)"))
    .stale("helper in a walrus", (S, "x + 11\n", "x + 100\n"))
    .stale("helper in a slice", (S, "x + 12\n", "x + 100\n"))
    .stale("helper in a dict key", (S, "x + 13\n", "x + 100\n"))
    .stale("helper in a starred expression", (S, "in_star(): return []", "in_star(): return [1]"))
    .stale("helper in a raise", (S, 'ValueError("a")', 'ValueError("b")'))
    .stale("helper in a with", (S, 'return open("a")', 'return open("b")'))
    .stale("helper in a del", (S, "in_del(): return {}", "in_del(): return {1: 2}"))
    .stale("helper in an assert", (S, "in_assert(): return True", "in_assert(): return False"))
    .stale("compiled regular expression", (S, '"a+"', '"a*"'))
    .stale("value deep in a global dict", (S, "[1, 2]}", "[1, 3]}"))
    .fresh("function that nothing uses", (S, "x + 99", "x + 98"))
)

(
    Project(
        DEFINITIONS,
        "scopes",
        {
            S: """
            scale = 1
            offset = 2
            total = 3
            name = "n"
            shared = 4
            item = 5
            inner = 6
            caught = 7
            matched = 8
            loop = 9
            opened = 10
            late = 11
            state = 12

            class Box:
                name = "box"
                def label(self):
                    return self.name, shared

            def compute(scale):
                total = scale * 2
                return total

            def reads_nested():
                inner = 1
                def read():
                    return inner
                return read()

            def patterns(value):
                match value:
                    case {"a": matched}:
                        return matched
                try:
                    return value.offset
                except ValueError as caught:
                    print(caught)
                for loop in value:
                    print(loop)
                with value as opened:
                    print(opened)

            def uses_before():
                print(late)

            def changes():
                global state
                state = state + 1
                return state

            def run():
                box = Box()
                values = [item for item in range(3)]
                return compute(2), box.label(), values, reads_nested(), patterns(1), uses_before(), changes()
            """
        },
    )
    .fresh("parameter shadows a global", (S, "scale = 1", "scale = 100"))
    .fresh("attribute that shares a global's name", (S, "offset = 2", "offset = 100"))
    .fresh("local shadows a global", (S, "total = 3\n", "total = 100\n"))
    .fresh("class attribute shares a global's name", (S, 'name = "n"', 'name = "m"'))
    .fresh("comprehension target shadows", (S, "item = 5", "item = 100"))
    .fresh("enclosing function's local shadows", (S, "inner = 6", "inner = 100"))
    .fresh("name of a caught exception shadows", (S, "caught = 7", "caught = 100"))
    .fresh("captured name of a pattern shadows", (S, "matched = 8", "matched = 100"))
    .fresh("loop variable shadows", (S, "loop = 9", "loop = 100"))
    .fresh("with target shadows", (S, "opened = 10", "opened = 100"))
    .stale("global called from a method", (S, "shared = 4", "shared = 100"))
    .stale("global read in a helper", (S, "late = 11", "late = 100"))
    .stale("global declared global", (S, "state = 12", "state = 100"))
)

(
    Project(
        DEFINITIONS,
        "class scope",
        {
            S: """
            size = 1
            width = 2
            helper_value = 3

            class Shape:
                size = 10
                width = width + 1

                def area(self):
                    return size

                values = [helper_value for _ in range(2)]

            def run():
                return Shape().area()
            """
        },
    )
    .stale("method sees the global, not the class attribute", (S, "size = 1\n", "size = 100\n"))
    .stale(
        "class attribute computed from a global of its own name", (S, "width = 2", "width = 100")
    )
    .stale("global in a class body's comprehension", (S, "helper_value = 3", "helper_value = 100"))
)

(
    Project(
        DEFINITIONS,
        "classes",
        {
            S: """
            from abc import ABC, abstractmethod
            from base import Base, Meta, Mixin
            import fields

            class Model(Mixin, Base, metaclass=Meta):
                rate = fields.Rate(0.1)

                def fit(self):
                    return self.step() + self._private()

                def _private(self):
                    return 1

                def unused_method(self):
                    return 2

                @property
                def name(self):
                    return "m"

            class Other(Base):
                def fit(self):
                    return 5

            def run():
                return Model().fit()
            """,
            "base.py": """
            DEFAULT = 3

            class Base:
                def step(self):
                    return DEFAULT

            class Mixin:
                def mixed(self):
                    return 1

            class Meta(type):
                def __call__(cls):
                    return super().__call__()

            class Unrelated:
                value = 1
            """,
            "fields.py": """
            class Rate:
                def __init__(self, value):
                    self.value = value

                def __set_name__(self, owner, name):
                    self.name = name

            class Depth:
                pass
            """,
        },
    )
    .stale("method of a base class", ("base.py", "return DEFAULT", "return DEFAULT + 1"))
    .stale("global that a base's method reads", ("base.py", "DEFAULT = 3", "DEFAULT = 4"))
    .stale("method of a mixin", ("base.py", "return 1", "return 2"))
    .stale("metaclass", ("base.py", "return super().__call__()", "return None"))
    .stale("private method", (S, "return 1\n", "return 7\n"))
    .stale("property", (S, 'return "m"', 'return "n"'))
    .stale("any method: a class counts whole", (S, "return 2\n", "return 7\n"))
    .stale("descriptor", ("fields.py", "self.name = name", "self.name = name.upper()"))
    .stale("argument of a descriptor", (S, "Rate(0.1)", "Rate(0.2)"))
    .stale("base added", (S, "class Model(Mixin, Base,", "class Model(Base,"))
    .fresh("sibling class", (S, "return 5", "return 6"))
    .fresh("unrelated class of the base's module", ("base.py", "value = 1", "value = 2"))
    .fresh(
        "unrelated class of another module",
        ("fields.py", "class Depth:\n    pass", "class Depth:\n    x = 1"),
    )
)

(
    Project(
        DEFINITIONS,
        "values",
        {
            S: """
            from dataclasses import dataclass, field
            from enum import Enum
            from collections import namedtuple
            from lib import make, Settings

            @dataclass
            class Options:
                rate: float = 0.1
                tags: list = field(default_factory=list)

            class Color(Enum):
                RED = 1
                BLUE = 2

            Point = namedtuple("Point", "x y")
            OPTIONS = Options(rate=0.5)
            A, B = 1, 2
            C = D = 3
            TABLE = [make(i) for i in range(3)]
            LAMBDA = lambda x: x + 1
            SETTINGS = Settings.load()
            (E := 5)
            UNUSED = Options(rate=0.9)

            def run():
                return OPTIONS, Color.RED, Point(1, 2), A, C, TABLE, LAMBDA(1), SETTINGS.path, E
            """,
            "lib.py": """
            def make(i):
                return i * 2

            class Settings:
                path = "a"

                @classmethod
                def load(cls):
                    return cls()
            """,
        },
    )
    .stale("argument of a dataclass instance", (S, "rate=0.5", "rate=0.6"))
    .stale("default of a dataclass", (S, "rate: float = 0.1", "rate: float = 0.2"))
    .stale("value of an enum", (S, "RED = 1", "RED = 3"))
    .stale("fields of a namedtuple", (S, '"x y"', '"y x"'))
    .stale("tuple unpacking", (S, "A, B = 1, 2", "A, B = 3, 2"))
    .stale("chained assignment", (S, "C = D = 3", "C = D = 4"))
    .stale("helper of a computed constant", ("lib.py", "i * 2", "i * 3"))
    .stale("global lambda", (S, "x + 1", "x + 2"))
    .stale("class behind a global instance", ("lib.py", 'path = "a"', 'path = "b"'))
    .stale("walrus at module level", (S, "(E := 5)", "(E := 6)"))
)

(
    Project(
        DEFINITIONS,
        "binding statements",
        {
            S: """
            import sys

            RATE = 1
            RATE = 2
            NAMES = ["a"]
            NAMES += ["b"]
            UNRELATED = 1

            if sys.platform == "linux":
                SEP = "/"
                OTHER_SEP = ":"
            else:
                SEP = "-"

            try:
                import ujson as json
                FAST = True
            except ImportError:
                import json
                FAST = False

            for i in range(3):
                LAST = i * 2

            with open("x") as f:
                TEXT = f.read()

            def twice(x): return x + 1
            def twice(x): return x * 2

            def wrapped(x): return x
            wrapped = sorted(wrapped)

            try:
                from cython_part import fast
            except ImportError:
                def fast(x):
                    return x
                def slow(x):
                    return x + 5

            def run():
                return RATE, NAMES, SEP, FAST, LAST, TEXT, twice(1), wrapped, json, fast(1)
            """
        },
    )
    .stale("first of two assignments", (S, "RATE = 1", "RATE = 5"))
    .stale("second of two assignments", (S, "RATE = 2", "RATE = 5"))
    .stale("augmented assignment", (S, '+= ["b"]', '+= ["c"]'))
    .stale("branch of an if", (S, 'SEP = "-"', 'SEP = "+"'))
    .stale("condition of an if", (S, '"linux"', '"darwin"'))
    .stale("flag set in try", (S, "FAST = False", "FAST = None"))
    .stale("value made in a for", (S, "i * 2", "i * 3"))
    .stale("value made in a with", (S, 'open("x")', 'open("y")'))
    .stale("redefined function, first", (S, "return x + 1\n", "return x + 9\n"))
    .stale("redefined function, second", (S, "return x * 2", "return x * 3"))
    .stale("function wrapped later", (S, "wrapped = sorted(wrapped)", "wrapped = list(wrapped)"))
    .stale(
        "fallback definition in except",
        (S, "    def fast(x):\n        return x\n", "    def fast(x):\n        return -x\n"),
    )
    .stale("alternative import", (S, "import ujson as json", "import orjson as json"))
    .fresh("another name of the same branch", (S, 'OTHER_SEP = ":"', 'OTHER_SEP = ";"'))
    .fresh("another definition in the same except", (S, "x + 5", "x + 6"))
    .fresh("an unrelated constant", (S, "UNRELATED = 1", "UNRELATED = 2"))
)

(
    Project(
        DEFINITIONS,
        "builtins",
        {
            S: """
            from helpers import mean

            def run(values):
                return len(values), mean(values)
            """,
            "helpers.py": "def mean(values):\n    return sum(values) / len(values)\n",
        },
    )
    .stale(
        "defining the builtin in the module", (S, "def run", "def len(x):\n    return 0\n\ndef run")
    )
    .stale(
        "defining it in the helper's module",
        ("helpers.py", "def mean", "def sum(x):\n    return 0\n\ndef mean"),
    )
    .stale(
        "importing another object of that name",
        (S, "from helpers import mean", "from helpers import mean\nfrom numpy import size as len"),
    )
    .fresh(
        "defining a builtin that is not called",
        (S, "def run", "def max(x):\n    return 0\n\ndef run"),
    )
)
