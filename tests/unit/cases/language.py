"""Newer and rarer parts of the language, and dispatch by type or name."""

from .builders import Case, Project

LANGUAGE: list[Case] = []
S = "stages.py"

(
    Project(
        LANGUAGE,
        "match",
        {
            S: """
            import shapes
            from shapes import Circle, Square, Unused

            def run(value):
                match value:
                    case Circle(r=shapes.UNIT):
                        return 1
                    case Square() | [Square(), *rest]:
                        return 2
                    case x if shapes.check(x):
                        return 3
            """,
            "shapes.py": """
            UNIT = 1

            class Circle:
                r = 2

            class Square:
                side = 3

            class Unused:
                side = 4

            def check(x):
                return x
            """,
        },
    )
    .stale("class in a pattern", ("shapes.py", "r = 2", "r = 3"))
    .stale("class in an alternative", ("shapes.py", "side = 3", "side = 5"))
    .stale("value pattern", ("shapes.py", "UNIT = 1", "UNIT = 2"))
    .stale("helper in a guard", ("shapes.py", "return x", "return not x"))
    .fresh("imported class in no pattern", ("shapes.py", "side = 4", "side = 5"))
)

(
    Project(
        LANGUAGE,
        "async",
        {
            S: """
            import asyncio

            async def fetch(x):
                return x + 1

            async def stream():
                yield 1

            async def main():
                async with fetch(1) as a:
                    pass
                return [i async for i in stream()], await fetch(2)

            def run():
                return asyncio.run(main())
            """
        },
    )
    .stale("coroutine that is awaited", (S, "x + 1", "x + 2"))
    .stale("asynchronous generator", (S, "yield 1", "yield 2"))
    .stale("async to plain", (S, "async def fetch", "def fetch"))
)

(
    Project(
        LANGUAGE,
        "singledispatch",
        {
            S: """
            from functools import singledispatch
            from types_ import Special

            @singledispatch
            def show(x):
                return "any"

            @show.register
            def _(x: int):
                return "int"

            @show.register(Special)
            def show_special(x):
                return "special"

            def plain(x):
                return "plain"

            def run(x):
                return show(x)
            """,
            "types_.py": "class Special:\n    size = 1\n",
        },
    )
    .stale("registered implementation", (S, '"int"', '"integer"'))
    .stale("implementation registered by type", (S, '"special"', '"extra"'))
    .stale("type it is registered for", (S, "x: int", "x: float"))
    .stale("class it is registered for", ("types_.py", "size = 1", "size = 2"))
    .stale(
        "implementation added",
        (S, "def plain", "@show.register(str)\ndef _s(x):\n    return 's'\n\ndef plain"),
    )
    .fresh("function that is not registered", (S, '"plain"', '"simple"'))
)

(
    Project(
        LANGUAGE,
        "overloads and protocols",
        {
            S: """
            from typing import Protocol, overload

            class Reader(Protocol):
                def read(self) -> str: ...

            @overload
            def load(x: int) -> int: ...
            @overload
            def load(x: str) -> str: ...
            def load(x):
                return x

            def use(reader: Reader):
                return reader.read()

            def run():
                return load(1), use(open("x"))
            """
        },
    )
    .stale("implementation behind overloads", (S, "    return x\n", "    return [x]\n"))
    .fresh(
        "protocol that only annotates",
        (S, "def read(self) -> str: ...", "def read(self, n=-1) -> str: ..."),
    )
)

(
    Project(
        LANGUAGE,
        "reflection",
        {
            S: """
            import helpers
            import plugins
            import more

            def local_target():
                return 1

            def other_target():
                return 2

            def run(name):
                chosen = getattr(helpers, "one")
                dynamic = getattr(plugins, name)
                return chosen(), dynamic(), globals()["local_target"](), more.__dict__[name]
            """,
            "helpers.py": "def one():\n    return 1\n\ndef two():\n    return 2\n",
            "plugins.py": "def alpha():\n    return 1\n\ndef beta():\n    return 2\n",
            "more.py": "def gamma():\n    return 1\n",
        },
    )
    .stale("literal getattr", ("helpers.py", "return 1", "return 3"))
    .fresh("another function than the literal getattr's", ("helpers.py", "return 2", "return 3"))
    .stale("computed getattr: all of the module", ("plugins.py", "return 2", "return 3"))
    .stale(
        "function added to a module used by computed getattr",
        ("plugins.py", "def beta", "def delta():\n    return 3\n\ndef beta"),
    )
    .stale("literal globals()", (S, "return 1\n", "return 3\n"))
    .fresh("another function than the literal globals()", (S, "return 2\n", "return 3\n"))
    .stale("__dict__ of a module", ("more.py", "return 1", "return 2"))
)

(
    Project(
        LANGUAGE,
        "reflection",
        {
            S: """
            def step_one():
                return 1

            def step_two():
                return 2

            def run(name):
                return globals()["step_" + name]()
            """
        },
    )
    .stale("computed globals(): all of the module", (S, "return 2", "return 3"))
    .stale(
        "function added where globals() is computed",
        (S, "def step_two", "def step_three():\n    return 3\n\ndef step_two"),
    )
)

(
    Project(
        LANGUAGE,
        "reflection",
        {
            S: """
            import sys, inspect
            import helpers

            def local():
                return 1

            def run(name):
                own = sys.modules[__name__]
                return dispatch(own), vars(helpers), inspect.getmembers(helpers)

            def dispatch(module):
                return [v for v in vars(module).values() if callable(v)]
            """,
            "helpers.py": "def one():\n    return 1\n",
        },
    )
    .stale("sys.modules[__name__]", (S, "return 1\n", "return 2\n"))
    .stale("vars(module)", ("helpers.py", "return 1", "return 2"))
)

(
    Project(
        LANGUAGE,
        "reflection",
        {
            S: """
            def hidden():
                return 1

            def run(text, frame):
                frame.eval("a > 3")
                return eval(text)
            """
        },
    ).stale("eval of a computed text: all of the module", (S, "return 1", "return 2"))
)

(
    Project(
        LANGUAGE,
        "reflection",
        {
            S: """
            from metrics import eval

            def hidden():
                return 1

            def run(model, text, frame):
                frame.eval(text)
                return eval(model)
            """,
            "metrics.py": "def eval(model):\n    return model\n",
        },
    )
    .fresh("eval that is the project's own", (S, "return 1", "return 2"))
    .stale("the project's own eval", ("metrics.py", "return model", "return [model]"))
)

(
    Project(
        LANGUAGE,
        "external objects",
        {
            S: """
            from math import sqrt as f
            import numpy as np
            import os.path
            from collections import OrderedDict, defaultdict

            def run(x):
                return f(x), np.sum(x), os.path.join("a", "b"), defaultdict(list)
            """
        },
    )
    .stale("another object under the same name", (S, "sqrt as f", "exp as f"))
    .stale("another library under the same name", (S, "import numpy as np", "import cupy as np"))
    .stale("from another module", (S, "from math import", "from cmath import"))
    .fresh("another name of the same import", (S, "OrderedDict, defaultdict", "defaultdict"))
    .fresh(
        "import split in two lines",
        (
            S,
            "from collections import OrderedDict, defaultdict",
            "from collections import OrderedDict\nfrom collections import defaultdict",
        ),
    )
    .stale(
        "alias renamed with its use",
        (S, "sqrt as f", "sqrt as g"),
        (S, "return f(x)", "return g(x)"),
    )
)

(
    Project(
        LANGUAGE,
        "swapped names",
        {
            S: """
            from lib import first as a, second as b

            def run(x):
                return a(x) - b(x)
            """,
            "lib.py": "def first(x):\n    return x\n\ndef second(x):\n    return -x\n",
        },
    )
    .stale("aliases swapped", (S, "first as a, second as b", "second as a, first as b"))
    .stale(
        "bodies swapped",
        ("lib.py", "return x\n", "return +x\n"),
        ("lib.py", "return -x", "return x"),
    )
)

(
    Project(
        LANGUAGE,
        "type parameters",
        {
            S: """
            from lib import Base, Other, default

            T = 1
            type Alias = list[Base]
            type Pair[A, B] = tuple[A, B, Other]

            def first[T: Base](items: list[T], n=default()) -> T:
                return items[T]

            class Stack[T]:
                kind = T

                def push[U](self, x: U) -> U:
                    return x

            def run():
                return first([1]), Stack[int](), Pair
            """,
            "lib.py": "class Base:\n    size = 1\n\nclass Other:\n    size = 2\n\ndef default():\n    return 3\n\ndef idle():\n    return 4\n",
        },
        needs=(3, 12),
    )
    .stale("function in a default of a generic function", ("lib.py", "return 3", "return 9"))
    .stale("class in an alias that is used", ("lib.py", "size = 2", "size = 9"))
    .stale("bound of a type parameter", (S, "first[T: Base]", "first[T: Other]"))
    .fresh("type parameter shadows a global", (S, "T = 1\n", "T = 9\n"))
    .fresh("unused alias", (S, "type Alias = list[Base]", "type Alias = set[Base]"))
    .fresh("unused function", ("lib.py", "return 4", "return 9"))
)

(
    Project(
        LANGUAGE,
        "f-strings of Python 3.12",
        {S: 'def run(d, x):\n    return f"{d["a"]} {x:{d["w"]}}"\n'},
        needs=(3, 12),
    )
    .fresh("quotes inside braces", (S, 'd["a"]', "d['a']"))
    .stale("key inside braces", (S, 'd["a"]', 'd["b"]'))
)
