"""What counts within a definition, and what is only spelling."""

from .builders import Case, Project

NORMAL_FORM: list[Case] = []
S = "stages.py"

(
    Project(
        NORMAL_FORM,
        "spelling",
        {
            S: '''
            """About this module."""
            import math

            LIMIT = 1000
            UNUSED = 5

            def helper(x):
                """Half of x."""
                return x / 2  # the half

            def other(x):
                return x * 3

            def run():
                # what it does
                values = [1, 2, LIMIT]
                return {"a": helper(values[0]), 'b': 1e3}
            '''
        },
    )
    .fresh("comment added", (S, "# the half", "# one half of it"))
    .fresh("comment removed", (S, "    # what it does\n", ""))
    .fresh("docstring of the helper", (S, "Half of x.", "One half of x."))
    .fresh("docstring removed", (S, '    """Half of x."""\n', ""))
    .fresh("docstring of the module", (S, "About this module.", "All about it."))
    .fresh("quotes", (S, "'b'", '"b"'))
    .fresh("blank lines", (S, "def run():", "\n\n\ndef run():"))
    .fresh(
        "line breaks in a list",
        (S, "[1, 2, LIMIT]", "[\n        1,\n        2,\n        LIMIT,\n    ]"),
    )
    .fresh("parentheses", (S, "return x / 2", "return (x / 2)"))
    .fresh("numeric spelling of an integer", (S, "LIMIT = 1000", "LIMIT = 1_000"))
    .fresh("hexadecimal", (S, "LIMIT = 1000", "LIMIT = 0x3e8"))
    .fresh("numeric spelling of a float", (S, "1e3", "1000.0"))
    .fresh(
        "a bare string as a comment", (S, "    values = ", '    "now the values"\n    values = ')
    )
    .fresh("pass added", (S, "    values = ", "    pass\n    values = "))
    .fresh("another function changed", (S, "x * 3", "x * 4"))
    .fresh("another constant changed", (S, "UNUSED = 5", "UNUSED = 6"))
    .fresh("another function added", (S, "def run():", "def more():\n    return 1\n\ndef run():"))
    .fresh("another function removed", (S, "def other(x):\n    return x * 3\n\n", ""))
    .fresh("unused import of a library", (S, "import math", "import math\nimport json"))
    .fresh("unused import removed", (S, "import math\n", ""))
    .fresh(
        "type comment", (S, "values = [1, 2, LIMIT]", "values = [1, 2, LIMIT]  # type: list[int]")
    )
    .stale("integer to float", (S, "LIMIT = 1000", "LIMIT = 1000.0"))
    .stale("one to True", (S, "[1, 2,", "[True, 2,"))
    .stale("operator", (S, "x / 2", "x // 2"))
    .stale("constant in the helper", (S, "x / 2", "x / 3"))
    .stale("string constant", (S, '"a"', '"c"'))
    .stale("order of arguments", (S, "[1, 2,", "[2, 1,"))
    .stale("global constant", (S, "LIMIT = 1000", "LIMIT = 1001"))
    .stale("statement added to the helper", (S, "    return x / 2", "    x += 1\n    return x / 2"))
    .stale(
        "helper renamed everywhere",
        (S, "def helper", "def halve"),
        (S, "helper(values", "halve(values"),
    )
    .stale("the last return removed", (S, "    return {", "    _ = {"))
)

(
    Project(
        NORMAL_FORM,
        "order",
        {
            S: """
            A = 1

            def f(x):
                return x + A

            def g(x):
                return x - A

            def run():
                return f(1) + g(2)
            """
        },
    )
    .fresh(
        "definitions in another order",
        (
            S,
            "def f(x):\n    return x + A\n\ndef g(x):\n    return x - A\n",
            "def g(x):\n    return x - A\n\ndef f(x):\n    return x + A\n",
        ),
    )
    .fresh("constant moved down", (S, "A = 1\n\n", ""), (S, "def run", "A = 1\n\ndef run"))
    .stale("bodies swapped", (S, "x + A", "x * A"), (S, "x - A", "x + A"), (S, "x * A", "x - A"))
    .stale("calls swapped", (S, "f(1) + g(2)", "g(1) + f(2)"))
)

(
    Project(
        NORMAL_FORM,
        "f-strings",
        {
            S: """
            def run(x=1, w=5):
                a = f"x is {x}"
                b = "plain" "text"
                c = f"{x!r:>{w}}"
                d = f"{x=}"
                e = f"constant"
                return a, b, c, d, e
            """
        },
    )
    .fresh("split into adjacent strings", (S, 'f"x is {x}"', '"x " f"is {x}"'))
    .fresh("joined strings", (S, '"plain" "text"', '"plaintext"'))
    .fresh("needless f prefix", (S, 'f"constant"', '"constant"'))
    .stale("text of an f-string", (S, "x is {x}", "x was {x}"))
    .stale("conversion", (S, "{x!r:>{w}}", "{x!s:>{w}}"))
    .stale("format", (S, "{x!r:>{w}}", "{x!r:<{w}}"))
    .stale("expression in an f-string", (S, "x is {x}", "x is {w}"))
)

(
    Project(
        NORMAL_FORM,
        "annotations",
        {
            S: """
            from dataclasses import dataclass

            class Size:
                def __init__(self):
                    self.value = 3

            class Unused:
                pass

            def helper(x: int) -> int:
                y: float = x
                return y

            @dataclass
            class Options:
                size: int = 3

                def double(self, by: int) -> int:
                    return self.size * by

            LIMIT: int = 4

            def run():
                return helper(LIMIT), Options()
            """
        },
    )
    .fresh("parameter of a plain helper", (S, "helper(x: int) -> int", "helper(x: float) -> int"))
    .fresh("return of a plain helper", (S, "helper(x: int) -> int", "helper(x: int)"))
    .fresh("added to the entry", (S, "def run():", "def run() -> tuple:"))
    .fresh("of a local variable", (S, "y: float = x", "y = x"))
    .fresh("of a constant", (S, "LIMIT: int = 4", "LIMIT = 4"))
    .fresh(
        "plain class annotation target unused elsewhere",
        (S, "class Unused:\n    pass", "class Unused:\n    x: int"),
    )
    .stale("field of a dataclass", (S, "size: int = 3", "size: float = 3"))
    .stale("field added to a dataclass", (S, "size: int = 3", "size: int = 3\n    color: str = ''"))
    .stale("value of an annotated constant", (S, "LIMIT: int = 4", "LIMIT: int = 5"))
    .stale("default of a field", (S, "size: int = 3", "size: int = 4"))
)

(
    Project(
        NORMAL_FORM,
        "annotations that count",
        {
            S: """
            from pydantic import BaseModel, validate_call

            class Inner(BaseModel):
                a: int = 1

            class Text:
                pass

            class Config(BaseModel):
                inner: Inner
                later: "Text | None" = None

            @validate_call
            def parse(x: int):
                return x

            def run(raw):
                return Config.model_validate(raw), parse("3")
            """
        },
    )
    .stale("class named in a field's annotation", (S, "a: int = 1", "a: int = 2"))
    .stale(
        "class named in a string annotation",
        (S, "class Text:\n    pass", "class Text:\n    size = 2"),
    )
    .stale("string annotation", (S, '"Text | None"', '"Text"'))
    .stale("parameter of a decorated function", (S, "parse(x: int)", "parse(x: float)"))
)

(
    Project(
        NORMAL_FORM,
        "annotations read by code",
        {
            S: """
            from typing import get_type_hints

            def shape(x: int) -> float:
                return x

            def run():
                return get_type_hints(shape)
            """
        },
    ).stale("annotation of a function whose hints are read", (S, "x: int", "x: str"))
)

(
    Project(
        NORMAL_FORM,
        "docstrings that count",
        {
            S: '''
            """Usage: run.py"""
            from tools import command

            def described():
                """One."""
                return 1

            @command
            def decorated():
                """Two."""

            def run():
                return described.__doc__, decorated
            ''',
            "tools.py": "def command(f):\n    return f\n",
        },
    )
    .stale("of a function whose __doc__ is read", (S, "One.", "Another."))
    .stale("of a function with an unknown decorator", (S, "Two.", "Three."))
    .fresh("of the module, which nobody reads", (S, "Usage: run.py", "Usage: run"))
)

(
    Project(
        NORMAL_FORM,
        "docstrings that count",
        {
            S: '''
            """Usage: run.py"""
            import functools

            @functools.cache
            def cached():
                """Two."""
                return 2

            def run():
                return parse(__doc__), cached()

            def parse(text):
                """Read it."""
                return text.split()
            '''
        },
    )
    .stale("of the module, read as __doc__", (S, "Usage: run.py", "Usage: run"))
    .fresh("of a cached function", (S, "Two.", "Three."))
    .fresh("of a helper, where only the module's is read", (S, "Read it.", "Reads it."))
)
