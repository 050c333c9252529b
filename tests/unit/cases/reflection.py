"""Names reached through functions: imports by function, reflection, dynamic namespaces."""

from .builders import Case, Project

REFLECTION: list[Case] = []
S = "stages.py"


def fn(name: str, value: int) -> str:
    return f"def {name}(*a):\n    return {value}\n\n"


(
    Project(
        REFLECTION,
        "relative imports by function",
        {
            "pkg/__init__.py": "",
            "pkg/stages.py": """
            import importlib
            from importlib import import_module

            CODECS = importlib.import_module(".codecs", package="pkg")

            def run():
                a = import_module(".one", __package__).f()
                b = import_module(__package__ + ".two").f()
                c = import_module(f"{__package__}.three").f()
                d = import_module("pkg" + ".four").f()
                e = __import__("pkg.five", fromlist=["f"]).f()
                g = import_module("..six", "pkg.sub").f()
                h = import_module("pkg.seven")
                return a, b, c, d, e, g, use(h), CODECS.f()

            def use(module):
                return module
            """,
            **{
                f"pkg/{name}.py": fn("f", 1) + fn("g", 2)
                for name in ("one", "two", "three", "four", "five", "six", "seven", "codecs")
            },
        },
        entry="pkg.stages.run",
    )
    .stale("relative to __package__", ("pkg/one.py", "return 1", "return 9"))
    .stale("added to __package__", ("pkg/two.py", "return 1", "return 9"))
    .stale("formatted with __package__", ("pkg/three.py", "return 1", "return 9"))
    .stale("literals added", ("pkg/four.py", "return 1", "return 9"))
    .stale("__import__ with a fromlist", ("pkg/five.py", "return 1", "return 9"))
    .stale("relative to a literal package", ("pkg/six.py", "return 1", "return 9"))
    .stale("module handed on", ("pkg/seven.py", "return 2", "return 9"))
    .stale("module bound at the top level", ("pkg/codecs.py", "return 1", "return 9"))
    .fresh("another function of a module used at once", ("pkg/one.py", "return 2", "return 9"))
    .fresh(
        "another function of a module bound at the top level",
        ("pkg/codecs.py", "return 2", "return 9"),
    )
)

(
    Project(
        REFLECTION,
        "loaded modules",
        {
            S: """
            import sys
            import plain

            def run(name):
                sys.modules["direct"].go()
                sys.modules.get("asked").go()
                return globals().get("one"), hasattr(plain, "flag"), name

            def one():
                return 1

            def two():
                return 2
            """,
            "direct.py": fn("go", 3),
            "asked.py": fn("go", 4),
            "plain.py": "flag = 5\nother = 6\n",
        },
    )
    .stale("sys.modules by name", ("direct.py", "return 3", "return 9"))
    .stale("sys.modules.get by name", ("asked.py", "return 4", "return 9"))
    .stale("globals().get by name", (S, "return 1\n", "return 9\n"))
    .stale("hasattr by name", ("plain.py", "flag = 5", "flag = 9"))
    .fresh("another global", (S, "return 2\n", "return 9\n"))
    .fresh("another name of the module asked", ("plain.py", "other = 6", "other = 9"))
)

(
    Project(
        REFLECTION,
        "setting attributes of modules",
        {
            S: """
            import config
            import target

            setattr(target, "work", config.replacement)

            def run():
                config.DEBUG = True
                return target.work()
            """,
            "config.py": "DEBUG = False\nOTHER = 1\n\n" + fn("replacement", 2),
            "target.py": fn("work", 3) + fn("idle", 4),
        },
    )
    .stale("replacement", ("config.py", "return 2", "return 9"))
    .stale("original", ("target.py", "return 3", "return 9"))
    .stale("value that is set", ("config.py", "DEBUG = False", "DEBUG = None"))
    .fresh("another value", ("config.py", "OTHER = 1", "OTHER = 9"))
    .fresh("another function", ("target.py", "return 4", "return 9"))
)

(
    Project(
        REFLECTION,
        "code in strings",
        {
            S: """
            def run(x, text):
                exec(text, {"x": x})
                return eval("helper(x) + LIMIT")

            def helper(x):
                return x

            LIMIT = 1

            def hidden():
                return 2
            """,
        },
    )
    .stale("function in a literal eval", (S, "return x\n", "return -x\n"))
    .stale("constant in a literal eval", (S, "LIMIT = 1", "LIMIT = 9"))
    .fresh("another function: the exec has names of its own", (S, "return 2", "return 9"))
)

(
    Project(
        REFLECTION,
        "own namespaces",
        {
            S: """
            TABLE = {k: v for k, v in list(locals().items()) if callable(v)}

            def first():
                return 1

            def run():
                here = locals()
                return here
            """,
            "other.py": """
            def hidden():
                return 1

            def run():
                a = 1
                return vars(), locals(), dir()
            """,
        },
    ).fresh("unused table of the module's names", (S, "return 1", "return 9"))
)

(
    Project(
        REFLECTION,
        "own namespaces",
        {
            S: """
            def first():
                return 1

            TABLE = {k: v for k, v in vars().items() if k.startswith("f")}

            def run():
                return TABLE
            """,
        },
    ).stale("table of the module's names", (S, "return 1", "return 9"))
)

(
    Project(
        REFLECTION,
        "hints and docs",
        {
            S: '''
            import inspect
            import typing

            class Shape:
                """Round."""

                def area(self, scale: int) -> float:
                    return 1.0

            def run():
                return inspect.signature(Shape.area), inspect.getdoc(Shape)
            ''',
        },
    )
    .stale("annotation read by inspect.signature", (S, "scale: int", "scale: float"))
    .stale("docstring read by inspect.getdoc", (S, "Round.", "Square."))
)

(
    Project(
        REFLECTION,
        "hints and docs",
        {
            S: '''
            def signature(x):
                return x

            def helper(x: int):
                """Help."""
                return x

            class Box:
                def signature(self):
                    return 1

            def run(box):
                return box.signature(), helper(1)
            ''',
        },
    ).fresh(
        "a method that is named signature reads nothing", (S, "helper(x: int)", "helper(x: float)")
    )
)

(
    Project(
        REFLECTION,
        "functions whose annotations are handed on",
        {
            S: """
            from functools import singledispatch

            import typer
            from pydantic import validate_call

            @singledispatch
            def show(x):
                return x

            def show_int(x: int):
                return x

            show.register(show_int)

            def checked(x: int):
                return x

            def plain(x: int):
                return x

            def run():
                return show(1), validate_call(checked)("1"), plain(1)
            """,
        },
    )
    .stale("registered function", (S, "show_int(x: int)", "show_int(x: bool)"))
    .stale("validated function", (S, "checked(x: int)", "checked(x: float)"))
    .fresh("plain function", (S, "plain(x: int)", "plain(x: float)"))
)

(
    Project(
        REFLECTION,
        "scripts run from code",
        {
            S: """
            import runpy

            def run():
                return runpy.run_module("tool")
            """,
            "tool.py": "import part\n\nRESULT = part.f()\n",
            "part.py": fn("f", 1) + fn("g", 2),
        },
    )
    .stale("runpy with a literal name", ("part.py", "return 1", "return 9"))
    .fresh("unused function", ("part.py", "return 2", "return 9"))
)

(
    Project(
        REFLECTION,
        "unit tests as commands",
        {
            "checks.py": "import unittest\n\nclass A(unittest.TestCase):\n    def test(self):\n        self.fail(1)\n\nif __name__ == '__main__':\n    unittest.main()\n",
        },
        cmd="python checks.py",
    ).stale("class that unittest.main finds", ("checks.py", "fail(1)", "fail(2)"))
)

(
    Project(
        REFLECTION,
        "branches of scripts",
        {
            S: """
            from typing import TYPE_CHECKING
            import typing

            if not TYPE_CHECKING:
                from real import f
            else:
                from stub import f

            if typing.TYPE_CHECKING:
                from stub import g
            else:
                from real import g

            if __name__ != "__main__":
                VALUE = 1
            else:
                VALUE = 2

            if __name__ == "__main__" and VALUE:
                print("script")

            def run():
                return f(), g(), VALUE
            """,
            "real.py": fn("f", 1) + fn("g", 2),
            "stub.py": fn("f", 3) + fn("g", 4),
        },
    )
    .stale("what is not for type checkers", ("real.py", "return 1", "return 9"))
    .stale("else of what is", ("real.py", "return 2", "return 9"))
    .stale("what is not for the script", (S, "VALUE = 1", "VALUE = 9"))
    .fresh("stub", ("stub.py", "return 3", "return 9"))
    .fresh("second stub", ("stub.py", "return 4", "return 9"))
    .fresh("what is for the script", (S, "VALUE = 2", "VALUE = 9"))
    .fresh("block of the script with more conditions", (S, '"script"', '"program"'))
)

(
    Project(
        REFLECTION,
        "exports written in steps",
        {
            S: "from lib import *\n\ndef run():\n    return a(), b(), c(), d()\n",
            "lib.py": "__all__: list[str] = ['a']\n__all__.append('b')\n__all__.extend(['c'])\n__all__ += ('d',)\n\n"
            + fn("a", 1)
            + fn("b", 2)
            + fn("c", 3)
            + fn("d", 4)
            + fn("e", 5),
        },
    )
    .stale("first", ("lib.py", "return 1", "return 9"))
    .stale("appended", ("lib.py", "return 2", "return 9"))
    .stale("extended", ("lib.py", "return 3", "return 9"))
    .stale("added", ("lib.py", "return 4", "return 9"))
    .stale("one no longer exported", ("lib.py", "append('b')", "append('e')"))
    .fresh("not exported", ("lib.py", "return 5", "return 9"))
)

(
    Project(
        REFLECTION,
        "circles of stars",
        {
            S: "from a import *\n\ndef run():\n    return one(), two(), three()\n",
            "a.py": "from b import *\nfrom c import *\n\n" + fn("one", 1),
            "b.py": "from a import *\nfrom c import *\n\n" + fn("two", 2),
            "c.py": "from b import *\nfrom a import *\n\n" + fn("three", 3) + fn("four", 4),
        },
    )
    .stale("first", ("a.py", "return 1", "return 9"))
    .stale("second", ("b.py", "return 2", "return 9"))
    .stale("third", ("c.py", "return 3", "return 9"))
    .fresh("unused", ("c.py", "return 4", "return 9"))
)

(
    Project(
        REFLECTION,
        "mutations by unused assignments",
        {
            S: """
            QUEUE = [1, 2, 3]
            last = QUEUE.pop(0)
            text = "a b".replace("a", "c")

            def run():
                return QUEUE
            """
        },
    )
    .stale("argument of the mutating call", (S, "pop(0)", "pop(1)"))
    .fresh("argument of another call", (S, '"c"', '"d"'))
)

(
    Project(
        REFLECTION,
        "class scope",
        {
            S: """
            import lib

            early = 1
            late = 2
            looped = 3

            class Config:
                from lib import inside
                import lib as tools

                first = early
                early = 10
                second = early
                if lib.FLAG:
                    late = 20
                third = late
                made = inside() + tools.named()
                del early
                fourth = early

            def run():
                return Config
            """,
            "lib.py": "FLAG = True\n\n" + fn("inside", 5) + fn("named", 6),
        },
    )
    .stale("global read before the class binds the name", (S, "early = 1\n", "early = 9\n"))
    .stale("global that the class may not have replaced", (S, "late = 2\n", "late = 9\n"))
    .stale("condition in a class body", ("lib.py", "FLAG = True", "FLAG = False"))
    .stale("function imported in the class body", ("lib.py", "return 5", "return 9"))
    .stale("module imported in the class body", ("lib.py", "return 6", "return 9"))
    .fresh("unused global", (S, "looped = 3", "looped = 9"))
)

(
    Project(
        REFLECTION,
        "decorated signatures",
        {
            S: """
            from functools import cache

            class Model:
                @property
                def size(self) -> int:
                    return 1

                def plain(self, x: int) -> int:
                    return x

            @cache
            def load(path: str, *names: str, deep: bool = False, **more: int) -> dict:
                return {}

            def nonlocal_counter():
                count = 0
                def step():
                    nonlocal count
                    count += 1
                    return count
                return step

            def run():
                return Model().size, load("x"), nonlocal_counter()()
            """
        },
    )
    .stale("return of a decorated function", (S, "-> dict", "-> list"))
    .stale("annotation of its variable arguments", (S, "*names: str", "*names: int"))
    .stale("return of a property", (S, "def size(self) -> int", "def size(self) -> float"))
    .fresh(
        "annotation of a plain method", (S, "plain(self, x: int) -> int", "plain(self, x: float)")
    )
    .stale("step of a counter", (S, "count += 1", "count += 2"))
)

(
    Project(
        REFLECTION,
        "environment",
        {
            S: """
            import os
            from os import environ, getenv

            def run():
                return environ["A"], getenv("B", "b"), os.environ.pop("C", None), os.environ.get(name())

            def name():
                return "D"
            """
        },
    )
    .stale("another variable", (S, '"A"', '"Z"'))
    .stale("another default", (S, '"b"', '"z"'))
    .stale("name of a variable computed by a helper", (S, '"D"', '"E"'))
)
