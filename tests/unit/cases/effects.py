"""Module-level effects: registries, plugins, monkeypatches, configuration calls."""

from .builders import Case, Project

EFFECTS: list[Case] = []
S = "stages.py"


def nested(more: str = "", base: str = "StageParams", inner: str = "s: int = 1") -> dict[str, str]:
    """A module whose params class has another one as a default, beside a stage without params."""
    return {
        S: f"""
            import dataclasses, enum, pydantic
            from pivot import StageParams

            LOG = []
            def note(value=0):
                LOG.append(value)
                return value
            {more}
            class W({base}):
                {inner}

            class AP(StageParams):
                x: int = 1
                w: W = W()

            def run():
                return 1
            """
    }


for name, files in {
    "a params class of literals": nested(),
    "one with a bound": nested(inner="s: int = pydantic.Field(default=1, ge=0)"),
    "one with an enum": nested("class E(enum.Enum):\n                A = 1", inner="s: E = E.A"),
    "one of another": nested(
        "class V(pydantic.BaseModel):\n                t: int = 1", inner="v: V = V(t=2)"
    ),
    "one with a base": nested("class V(pydantic.BaseModel):\n                t: int = 1", base="V"),
}.items():
    Project(EFFECTS, "defaults that are instances", files).fresh(
        name, (S, "x: int = 1", "x: int = 2")
    )
for name, files in {
    "a class with a constructor": nested(inner="def __init__(self): note()", base="object"),
    "one with a hook": nested(inner="def model_post_init(self, c): note()"),
    "a factory of the project": nested(inner="s: int = pydantic.Field(default_factory=note)"),
    "a lambda": nested(inner="s: int = pydantic.Field(default_factory=lambda: note())"),
    "a validator in an annotation": nested(
        "from typing import Annotated", inner="s: Annotated[int, pydantic.AfterValidator(note)] = 1"
    ),
    "a base with a constructor": nested(
        "class B(StageParams):\n                def __init__(self, **k): note()", base="B"
    ),
    "a base of the project that registers": nested(
        "class B(StageParams):\n                def __init_subclass__(cls): note()", base="B"
    ),
    "an argument that is computed": {S: nested()[S].replace("w: W = W()", "w: W = W(s=note())")},
    "a plain class": nested(base="object"),
}.items():
    Project(EFFECTS, "defaults that are instances", files).stale(
        name, (S, "x: int = 1", "x: int = 2")
    )

(
    Project(
        EFFECTS,
        "registries",
        {
            S: """
            import plugins.csv_plugin
            from plugins import json_plugin, quiet
            from registry import REGISTRY

            def run(kind):
                return REGISTRY[kind]()
            """,
            "registry.py": """
            REGISTRY = {}

            def register(name):
                def wrap(f):
                    REGISTRY[name] = f
                    return f
                return wrap
            """,
            "plugins/__init__.py": "",
            "plugins/csv_plugin.py": """
            from registry import register

            @register("csv")
            def read_csv():
                return parse(1)

            def parse(x):
                return x

            def unused(x):
                return x + 1
            """,
            "plugins/json_plugin.py": """
            from registry import REGISTRY

            def read_json():
                return 2

            def unused(x):
                return x + 1

            REGISTRY["json"] = read_json
            """,
            "plugins/quiet.py": """
            import pandas as pd
            LIMIT = 5
            FRAME = pd.DataFrame({"a": [1]})
            NAMES = "a b".split()

            def f():
                return 1

            class Quiet:
                x = 1
            """,
        },
    )
    .stale(
        "plugin in a module imported only for its effect",
        ("plugins/csv_plugin.py", "return parse(1)", "return parse(2)"),
    )
    .stale(
        "helper of a plugin",
        ("plugins/csv_plugin.py", "def parse(x):\n    return x", "def parse(x):\n    return -x"),
    )
    .stale("name it is registered under", ("plugins/csv_plugin.py", '"csv"', '"tsv"'))
    .stale("registered by subscript", ("plugins/json_plugin.py", "return 2", "return 3"))
    .stale(
        "registering function", ("registry.py", "REGISTRY[name] = f", "REGISTRY[name.upper()] = f")
    )
    .stale(
        "plugin added",
        ("plugins/json_plugin.py", 'REGISTRY["json"]', 'REGISTRY["yaml"] = REGISTRY["json"]'),
    )
    .stale("import of a plugin removed", (S, "import plugins.csv_plugin\n", ""))
    .fresh(
        "function of a plugin module that nobody refers to",
        ("plugins/csv_plugin.py", "x + 1", "x + 2"),
    )
    .fresh("unused function beside a registration", ("plugins/json_plugin.py", "x + 1", "x + 2"))
    .fresh("unused constant", ("plugins/quiet.py", "LIMIT = 5", "LIMIT = 6"))
    .fresh("unused value made by a library", ("plugins/quiet.py", "[1]", "[2]"))
    .fresh("unused value made by a method of a string", ("plugins/quiet.py", '"a b"', '"a c"'))
    .fresh("unused class", ("plugins/quiet.py", "x = 1", "x = 2"))
    .fresh("unused function", ("plugins/quiet.py", "return 1", "return 2"))
)

(
    Project(
        EFFECTS,
        "calls at module level",
        {
            S: """
            import logging
            import numpy as np
            import setup_
            from lib import install, make

            np.random.seed(0)
            logging.basicConfig(level="INFO")
            install()
            UNUSED = make(3)
            PASSED = sorted(range(3), key=make)
            QUIET = sorted([3, 1])

            def run():
                return np.random.rand()
            """,
            "lib.py": "STATE = []\n\ndef install():\n    STATE.append(1)\n\ndef make(x):\n    STATE.append(x)\n\ndef other():\n    return 1\n",
            "setup_.py": "import os\nimport sys\nos.environ['MODE'] = 'a'\nsys.path.append('b')\ndel os.environ['X']\nhelper = 1\n",
        },
    )
    .stale("seed", (S, "seed(0)", "seed(1)"))
    .stale("configuration call", (S, '"INFO"', '"DEBUG"'))
    .stale("body of a function called at import", ("lib.py", "STATE.append(1)", "STATE.append(2)"))
    .stale("unused assignment that calls project code", (S, "make(3)", "make(4)"))
    .stale("what an unused assignment calls", ("lib.py", "STATE.append(x)", "STATE.append(-x)"))
    .stale(
        "unused assignment that hands on project code",
        (S, "sorted(range(3), key=make)", "sorted(range(4), key=make)"),
    )
    .fresh("unused assignment without project code", (S, "sorted([3, 1])", "sorted([3, 2])"))
    .stale("environment set at import", ("setup_.py", "'a'", "'c'"))
    .stale("path changed at import", ("setup_.py", "append('b')", "append('c')"))
    .stale("deletion at import", ("setup_.py", "['X']", "['Y']"))
    .stale("call removed", (S, "np.random.seed(0)\n", ""))
    .fresh(
        "unused name of a module imported for its effect", ("setup_.py", "helper = 1", "helper = 2")
    )
    .fresh("function that no call reaches", ("lib.py", "return 1", "return 2"))
)

(
    Project(
        EFFECTS,
        "monkeypatches",
        {
            S: """
            import patches
            import lib

            def run():
                return lib.work()
            """,
            "lib.py": "def work():\n    return 1\n\ndef idle():\n    return 2\n",
            "patches.py": """
            import lib

            def better():
                return 3

            def unused():
                return 4

            lib.work = better
            """,
        },
    )
    .stale("replacement", ("patches.py", "return 3", "return 5"))
    .stale("original", ("lib.py", "return 1", "return 5"))
    .stale("what is replaced", ("patches.py", "lib.work = better", "lib.idle = better"))
    .fresh("unused function of the patching module", ("patches.py", "return 4", "return 5"))
    .fresh("unused function of the patched module", ("lib.py", "return 2", "return 5"))
)

(
    Project(
        EFFECTS,
        "subclasses that register",
        {
            S: """
            import impls
            from base import Plugin, Tracked, Plain

            def run():
                return Plugin.all()
            """,
            "base.py": """
            class Plugin:
                known = []

                def __init_subclass__(cls, **kwargs):
                    Plugin.known.append(cls)

                @classmethod
                def all(cls):
                    return [k().go() for k in cls.known]

            class Meta(type):
                pass

            class Tracked(metaclass=Meta):
                pass

            class Plain:
                pass
            """,
            "impls.py": """
            from base import Plain, Plugin, Tracked

            class One(Plugin):
                def go(self):
                    return 1

            class Two(One):
                def go(self):
                    return 2

            class Three(Tracked):
                def go(self):
                    return 3

            class Four(Plain):
                def go(self):
                    return 4
            """,
        },
    )
    .stale("subclass seen by __init_subclass__", ("impls.py", "return 1", "return 5"))
    .stale("subclass of such a subclass", ("impls.py", "return 2", "return 5"))
    .stale("class with a metaclass of the project", ("impls.py", "return 3", "return 5"))
    .fresh("subclass of a plain class, never used", ("impls.py", "return 4", "return 5"))
)

(
    Project(
        EFFECTS,
        "subclasses that are listed",
        {
            S: """
            import impls
            from base import Step

            def run():
                return [step().go() for step in Step.__subclasses__()]
            """,
            "base.py": "class Step:\n    pass\n",
            "impls.py": "from base import Step\n\nclass One(Step):\n    def go(self):\n        return 1\n\nclass Apart:\n    x = 1\n",
        },
    )
    .stale("subclass found by __subclasses__", ("impls.py", "return 1", "return 2"))
    .fresh("class that is no subclass", ("impls.py", "x = 1", "x = 2"))
)

(
    Project(
        EFFECTS,
        "application objects",
        {
            S: """
            from typer import Typer
            from functools import cache

            app = Typer()
            pipeline = []

            @app.command()
            def show():
                return 1

            @cache
            def cached():
                return 2

            pipeline.append(lambda x: x + 3)
            pipeline.extend([cached])

            def run():
                return app, pipeline
            """
        },
    )
    .stale("command of an application object", (S, "return 1", "return 5"))
    .stale("appended lambda", (S, "x + 3", "x + 4"))
    .stale("function put into a list", (S, "return 2", "return 5"))
)

(
    Project(
        EFFECTS,
        "decorators",
        {
            S: """
            from functools import lru_cache
            from lib import timed

            @lru_cache
            def library_decorated():
                return 1

            @timed
            def project_decorated():
                return 2

            def run():
                return 0
            """,
            "lib.py": "def timed(f):\n    return f\n",
        },
    )
    .fresh("unused function under a library's decorator", (S, "return 1", "return 5"))
    .stale("function under a project decorator, which may register it", (S, "return 2", "return 5"))
)

(
    Project(
        EFFECTS,
        "effects in blocks",
        {
            S: """
            import blocks

            def run():
                return blocks.TABLE
            """,
            "blocks.py": """
            import os
            TABLE = {}

            for name in ["a", "b"]:
                TABLE[name] = len(name)

            if os.environ.get("DEBUG"):
                TABLE["debug"] = True

            try:
                TABLE["x"] = 1
            except KeyError:
                pass

            with open("f") as f:
                TABLE["text"] = f.read()

            if __name__ == "__main__":
                TABLE["main"] = 1
                print(TABLE)

            def unused():
                return 1
            """,
        },
    )
    .stale("loop", ("blocks.py", "len(name)", "len(name) + 1"))
    .stale("loop's values", ("blocks.py", '["a", "b"]', '["a", "c"]'))
    .stale("branch", ("blocks.py", '["debug"] = True', '["debug"] = False'))
    .stale("condition", ("blocks.py", '"DEBUG"', '"TRACE"'))
    .stale("try", ("blocks.py", '["x"] = 1', '["x"] = 2'))
    .stale("with", ("blocks.py", 'open("f")', 'open("g")'))
    .fresh("__main__ block", ("blocks.py", '["main"] = 1', '["main"] = 2'))
    .fresh("unused function", ("blocks.py", "return 1", "return 2"))
)

(
    Project(
        EFFECTS,
        "order",
        {
            S: """
            import first
            import second
            import json
            import os
            from registry import ITEMS

            def run():
                return ITEMS
            """,
            "registry.py": "ITEMS = []\n",
            "first.py": "from registry import ITEMS\nITEMS.append(1)\n",
            "second.py": "from registry import ITEMS\nITEMS.append(2)\n",
        },
    )
    .stale(
        "imports with effects in another order",
        (S, "import first\nimport second", "import second\nimport first"),
    )
    .fresh(
        "imports without effects in another order",
        (S, "import json\nimport os", "import os\nimport json"),
    )
)

(
    Project(
        EFFECTS,
        "plugins gathered by their package",
        {
            S: """
            import plugs
            from registry import REG

            def run():
                return sorted(REG)
            """,
            "registry.py": "REG = []\n\ndef register(f):\n    REG.append(f())\n    return f\n",
            "plugs/__init__.py": "from . import alpha, own\nimport plugs.gamma\n\nown = 3\n",
            "plugs/alpha.py": """
            from registry import register

            @register
            def alpha():
                return 1

            def helper():
                return 2
            """,
            "plugs/beta.py": """
            from registry import register

            @register
            def beta():
                return 3
            """,
            "plugs/gamma.py": "from plugs import delta\n",
            "plugs/delta.py": "from registry import register\nregister(lambda: 4)\n",
            "plugs/own.py": "from registry import register\nregister(lambda: 5)\n",
        },
    )
    .stale("body of a plugin that `from . import` brings", ("plugs/alpha.py", "1", "9"))
    .stale("another plugin imported", ("plugs/__init__.py", "alpha, own", "alpha, beta, own"))
    .stale("plugin no longer imported", ("plugs/__init__.py", "alpha, own", "own"))
    .stale("plugin imported by a sibling", ("plugs/delta.py", "4", "9"))
    .stale("submodule whose name is bound again later", ("plugs/own.py", "5", "9"))
    .fresh("unused function of a plugin", ("plugs/alpha.py", "return 2", "return 9"))
    .fresh("plugin nobody imports", ("plugs/beta.py", "return 3", "return 9"))
)

(
    Project(
        EFFECTS,
        "names of a package that its submodules share",
        {
            S: """
            from pkg import tool, other

            def run():
                return tool(), other
            """,
            "pkg/__init__.py": "from .impl import tool\n\nother = 1\n",
            "pkg/impl.py": "def tool():\n    return 1\n",
            "pkg/tool.py": "import registry\nregistry.ITEMS.append(1)\n",
            "pkg/other.py": "import registry\nregistry.ITEMS.append(2)\n",
            "registry.py": "ITEMS = []\n",
        },
    )
    .fresh("submodule hidden by a re-export", ("pkg/tool.py", "append(1)", "append(9)"))
    .fresh("submodule hidden by a constant", ("pkg/other.py", "append(2)", "append(9)"))
    .stale("the re-export", ("pkg/impl.py", "return 1", "return 2"))
)

(
    Project(
        EFFECTS,
        "plugins looked for in a folder",
        {
            S: """
            import importlib
            import pkgutil
            from pathlib import Path

            import deep
            import plugs
            from found import load_all

            def run():
                for info in pkgutil.iter_modules(plugs.__path__):
                    importlib.import_module(f"plugs.{info.name}")
                for info in pkgutil.walk_packages(deep.__path__, "deep."):
                    importlib.import_module(info.name)
                return load_all()
            """,
            "plugs/__init__.py": "",
            "plugs/one.py": "",
            "deep/__init__.py": "",
            "deep/sub/__init__.py": "",
            "found/__init__.py": """
            from importlib import import_module
            from pathlib import Path

            def load_all():
                files = Path(__file__).parent.glob("*.py")
                return [import_module(f"found.{file.stem}") for file in files]
            """,
            "found/one.py": "",
            "place/__init__.py": "",
        },
    )
    .stale("new module beside the plugins", ("plugs/two.py", None, ""))
    .stale("module taken away", ("plugs/one.py", None, None))
    .fresh("new text file there", ("plugs/notes.txt", None, "x"))
    .fresh("new module below a plugin package", ("plugs/data/two.py", None, ""))
    .stale("new module below a walked package", ("deep/sub/two.py", None, ""))
    .stale("new module in a folder that a package globs", ("found/two.py", None, ""))
    .fresh("new module in another package", ("place/two.py", None, ""))
)

(
    Project(
        EFFECTS,
        "place of a data file",
        {
            S: """
            import pkg.files

            def run():
                return pkg.files.text()
            """,
            "pkg/__init__.py": "",
            "pkg/files.py": """
            from pathlib import Path

            HERE = Path(__file__).parent

            def text():
                return (HERE / "a.txt").read_text()
            """,
        },
    )
    .fresh("new module beside it", ("pkg/new.py", None, ""))
    .stale("name of the file", ("pkg/files.py", "a.txt", "b.txt"))
)

(
    Project(
        EFFECTS,
        "calls that keep nothing",
        {
            S: """
            import helpers

            def run():
                return helpers.used()
            """,
            "helpers.py": """
            import functools
            import typing as t
            from typing import NewType

            from tracing import traced

            class Shape:
                def area(self):
                    return 1

            def draw(shape):
                return 2

            def watched():
                return 3

            ShapeType = t.TypeVar("ShapeType", bound=Shape)
            Alias = NewType("Alias", Shape)
            draw_it = functools.partial(draw, Shape)
            seen = traced(watched)

            def used():
                return 4
            """,
            "tracing.py": "SEEN = []\n\ndef traced(f):\n    SEEN.append(f)\n    return f\n",
        },
    )
    .fresh("class that bounds an unused type variable", ("helpers.py", "return 1", "return 9"))
    .fresh("function of an unused partial", ("helpers.py", "return 2", "return 9"))
    .stale("function handed to a project function", ("helpers.py", "return 3", "return 9"))
    .stale("the function used", ("helpers.py", "return 4", "return 9"))
)

(
    Project(
        EFFECTS,
        "modules that refuse to be imported",
        {
            S: """
            import guard
            import optional

            def run():
                return guard.LIMIT
            """,
            "guard.py": """
            import sys

            LIMIT = 3
            FLOOR = 1
            assert LIMIT > FLOOR
            if sys.platform == "nowhere":
                raise RuntimeError("not here")
            """,
            "optional.py": "X = 1\n",
        },
    )
    .stale("exception added", ("optional.py", "X = 1", "X = 1\nraise RuntimeError"))
    .stale("condition of an exception", ("guard.py", "nowhere", "linux"))
    .stale("what an assertion reads", ("guard.py", "FLOOR = 1", "FLOOR = 4"))
    .stale("assertion turned", ("guard.py", "LIMIT > FLOOR", "LIMIT < FLOOR"))
    .fresh("unused constant beside it", ("optional.py", "X = 1", "X = 2"))
)
