"""Following imports: re-exports, stars, lazy and conditional ones, layouts."""

from .builders import Case, Project

IMPORTS: list[Case] = []
S = "stages.py"

(
    Project(
        IMPORTS,
        "packages",
        {
            "src/__init__.py": "",
            "src/train.py": """
            from .features import build
            from src.io import load as read
            import src.models.linear
            import src.models.forest as forest
            from src import paths

            def train():
                return build(read(paths.RAW)), src.models.linear.fit(1), forest.fit(1)
            """,
            "src/features/__init__.py": "from .impl import build, unused\nfrom . import extra\n",
            "src/features/impl.py": """
            from ..util.math import normalize

            def build(x):
                return normalize(x)

            def unused(x):
                return x
            """,
            "src/features/extra.py": "def more():\n    return 1\n",
            "src/io.py": "def load(p):\n    return p\n\ndef save(p):\n    return p\n",
            "src/util/__init__.py": "",
            "src/util/math.py": "EPS = 1\n\ndef normalize(x):\n    return scale(x) / EPS\n\ndef scale(x):\n    return x\n\ndef center(x):\n    return x\n",
            "src/models/__init__.py": "VERSION = 1\n",
            "src/models/linear.py": "def fit(x):\n    return x\n\ndef predict(x):\n    return x\n",
            "src/models/forest.py": "def fit(x):\n    return x\n",
            "src/paths.py": "RAW = 'a'\nOUT = 'b'\n",
        },
        entry="src.train.train",
    )
    .stale(
        "helper three modules away",
        ("src/util/math.py", "return x\n\ndef center", "return x * 2\n\ndef center"),
    )
    .stale("constant three modules away", ("src/util/math.py", "EPS = 1", "EPS = 2"))
    .stale(
        "function behind a re-export",
        ("src/features/impl.py", "return normalize(x)", "return -normalize(x)"),
    )
    .stale(
        "function under an alias",
        ("src/io.py", "def load(p):\n    return p", "def load(p):\n    return [p]"),
    )
    .stale(
        "function at the end of a dotted chain",
        ("src/models/linear.py", "def fit(x):\n    return x", "def fit(x):\n    return -x"),
    )
    .stale("function of an aliased submodule", ("src/models/forest.py", "return x", "return -x"))
    .stale(
        "constant of a module imported from a package", ("src/paths.py", "RAW = 'a'", "RAW = 'c'")
    )
    .fresh(
        "sibling of a chain's end",
        ("src/models/linear.py", "def predict(x):\n    return x", "def predict(x):\n    return -x"),
    )
    .fresh(
        "unused re-export",
        ("src/features/impl.py", "def unused(x):\n    return x", "def unused(x):\n    return -x"),
    )
    .fresh("module imported and never used", ("src/features/extra.py", "return 1", "return 2"))
    .fresh(
        "constant of a package on the way", ("src/models/__init__.py", "VERSION = 1", "VERSION = 2")
    )
    .fresh("another constant of the module", ("src/paths.py", "OUT = 'b'", "OUT = 'c'"))
    .fresh(
        "another function of the helper's module",
        ("src/util/math.py", "def center(x):\n    return x", "def center(x):\n    return -x"),
    )
    .fresh(
        "re-export by another path to the same definition",
        ("src/train.py", "from .features import build", "from .features.impl import build"),
    )
    .fresh(
        "relative import written absolute",
        ("src/train.py", "from .features import build", "from src.features import build"),
    )
    .stale(
        "definition moved to another module",
        ("src/util/math.py", "EPS = 1\n", "from src.util.eps import EPS\n"),
        ("src/util/eps.py", None, "EPS = 1\n"),
    )
    .stale(
        "effect in a package on the way",
        ("src/util/__init__.py", None, "import os\nos.environ['A'] = '1'\n"),
    )
    .stale(
        "module shadowed by a package", ("src/io/__init__.py", None, "def load(p):\n    return 0\n")
    )
    .stale(
        "name defined in the package over a submodule",
        ("src/__init__.py", None, "class paths:\n    RAW = 'z'\n"),
    )
)

(
    Project(
        IMPORTS,
        "star imports",
        {
            S: """
            from helpers import *
            from limited import *
            from numpy import *

            def run(x):
                return clean(x), exported(x), array(x)
            """,
            "helpers.py": "from deep import *\n\ndef clean(x):\n    return deep(x)\n\ndef other(x):\n    return x\n",
            "deep.py": "def deep(x):\n    return x\n",
            "limited.py": "__all__ = ['exported']\n\ndef exported(x):\n    return x\n\ndef array(x):\n    return x\n",
        },
    )
    .stale("function through a star", ("helpers.py", "return deep(x)", "return -deep(x)"))
    .stale("function through two stars", ("deep.py", "return x", "return -x"))
    .fresh(
        "another function of a starred module",
        ("helpers.py", "def other(x):\n    return x", "def other(x):\n    return -x"),
    )
    .stale(
        "function in __all__",
        ("limited.py", "def exported(x):\n    return x", "def exported(x):\n    return -x"),
    )
    .fresh(
        "function not in __all__",
        ("limited.py", "def array(x):\n    return x", "def array(x):\n    return -x"),
    )
    .stale("function added to __all__", ("limited.py", "['exported']", "['exported', 'array']"))
    .stale("function taken out of __all__", ("limited.py", "['exported']", "[]"))
    .stale(
        "new function that a star brings over a builtin of a library",
        ("helpers.py", "def other", "def array(x):\n    return 0\n\ndef other"),
    )
    .stale("star of another library", (S, "from numpy import *", "from cupy import *"))
)

(
    Project(
        IMPORTS,
        "lazy imports",
        {
            S: """
            def run(x):
                from tools.clean import scrub
                import tools.deep.inner as inner
                import tools.chain
                return scrub(x), inner.work(x), tools.chain.go(x), nested(x), Loader().load(x)

            def nested(x):
                import heavy
                def part():
                    return heavy.compute(x)
                return part()

            class Loader:
                from tools.load import reader

                def load(self, x):
                    from tools import late
                    return late.read(x)

            def never():
                from tools.unused import thing
                return thing()
            """,
            "tools/__init__.py": "",
            "tools/clean.py": "def scrub(x):\n    return x\n\ndef other(x):\n    return x\n",
            "tools/deep/__init__.py": "",
            "tools/deep/inner.py": "def work(x):\n    return x\n\ndef other(x):\n    return x\n",
            "tools/chain.py": "def go(x):\n    return x\n",
            "tools/late.py": "def read(x):\n    return x\n",
            "tools/load.py": "def reader(x):\n    return x\n",
            "tools/unused.py": "def thing():\n    return 1\nprint('effect')\n",
            "heavy.py": "def compute(x):\n    return x\n\ndef other(x):\n    return x\nREG = {}\nREG['a'] = 1\n",
        },
    )
    .stale(
        "function imported in a function",
        ("tools/clean.py", "def scrub(x):\n    return x", "def scrub(x):\n    return -x"),
    )
    .stale(
        "module imported in a function under an alias",
        ("tools/deep/inner.py", "def work(x):\n    return x", "def work(x):\n    return -x"),
    )
    .stale(
        "module imported in a function by its dotted name",
        ("tools/chain.py", "return x", "return -x"),
    )
    .stale(
        "module imported in an enclosing function",
        ("heavy.py", "def compute(x):\n    return x", "def compute(x):\n    return -x"),
    )
    .stale("module imported in a method", ("tools/late.py", "return x", "return -x"))
    .stale("function imported in a class body", ("tools/load.py", "return x", "return -x"))
    .stale("effect of a lazily imported module", ("heavy.py", "REG['a'] = 1", "REG['a'] = 2"))
    .fresh(
        "another function of a lazily imported module",
        ("heavy.py", "def other(x):\n    return x", "def other(x):\n    return -x"),
    )
    .fresh(
        "effect of a module that only an unused function imports",
        ("tools/unused.py", "'effect'", "'other'"),
    )
    .stale(
        "import moved into the function",
        (S, "def nested(x):\n    import heavy", "import heavy\ndef nested(x):"),
    )
)

(
    Project(
        IMPORTS,
        "imports by function",
        {
            S: """
            import importlib
            from importlib import import_module

            def run(x):
                one = importlib.import_module("plugins.one")
                two = import_module("plugins.two").work
                three = __import__("plugins.three").three.work
                return one.work(x), two(x), three(x)
            """,
            "plugins/__init__.py": "",
            "plugins/one.py": "def work(x):\n    return x\n\ndef other(x):\n    return x\n",
            "plugins/two.py": "def work(x):\n    return x\n\ndef other(x):\n    return x\n",
            "plugins/three.py": "def work(x):\n    return x\n",
            "plugins/four.py": "def work(x):\n    return x\n",
        },
    )
    .stale(
        "literal import_module, bound to a name",
        ("plugins/one.py", "def work(x):\n    return x", "def work(x):\n    return -x"),
    )
    .stale(
        "literal import_module, used at once",
        ("plugins/two.py", "def work(x):\n    return x", "def work(x):\n    return -x"),
    )
    .stale("literal __import__", ("plugins/three.py", "return x", "return -x"))
    .fresh(
        "another function than the one used",
        ("plugins/two.py", "def other(x):\n    return x", "def other(x):\n    return -x"),
    )
    .fresh(
        "another function of a bound module",
        ("plugins/one.py", "def other(x):\n    return x", "def other(x):\n    return -x"),
    )
    .fresh("module that nothing names", ("plugins/four.py", "return x", "return -x"))
    .stale("another literal", (S, '"plugins.two"', '"plugins.four"'))
)

(
    Project(
        IMPORTS,
        "observed modules",
        {
            S: """
            import importlib

            def run(name):
                return importlib.import_module("plugins." + name).work()
            """,
            "plugins/__init__.py": "",
            "plugins/one.py": "from .shared import base\n\ndef work():\n    return base()\n",
            "plugins/two.py": "def work():\n    return 2\n",
            "plugins/shared.py": "def base():\n    return 1\n\ndef unused():\n    return 2\n",
        },
        observed=("plugins", "plugins.one", "plugins.shared"),
    )
    .stale(
        "target of a computed import that a run was seen to import",
        ("plugins/one.py", "return base()", "return -base()"),
    )
    .stale("helper of an observed module", ("plugins/shared.py", "return 1", "return 3"))
    .fresh("module that no run imported", ("plugins/two.py", "return 2", "return 3"))
    .stale("observed module gone", ("plugins/one.py", "", None))
)

(
    Project(
        IMPORTS,
        "conditional imports",
        {
            S: """
            import sys
            from typing import TYPE_CHECKING

            if sys.version_info >= (3, 11):
                from new import parse
            else:
                from old import parse

            try:
                from fast import work
            except ImportError:
                from slow import work

            if TYPE_CHECKING:
                from shapes import Shape

            if __name__ == "__main__":
                from cli import main
                main()

            def helper(x: "Shape"):
                return x

            def run(x: int):
                return parse(x), work(x), helper(x)
            """,
            "new.py": "def parse(x):\n    return x\n",
            "old.py": "def parse(x):\n    return x\n",
            "fast.py": "def work(x):\n    return x\n",
            "slow.py": "def work(x):\n    return x\n",
            "shapes.py": "print('shapes')\n\nclass Shape:\n    size = 1\n",
            "cli.py": "def main():\n    return 1\nprint('cli')\n",
        },
    )
    .stale("first branch", ("new.py", "return x", "return -x"))
    .stale("other branch", ("old.py", "return x", "return -x"))
    .stale("try", ("fast.py", "return x", "return -x"))
    .stale("except", ("slow.py", "return x", "return -x"))
    .stale("condition", (S, "(3, 11)", "(3, 12)"))
    .fresh("class imported for type checkers", ("shapes.py", "size = 1", "size = 2"))
    .fresh("effect of a module imported for type checkers", ("shapes.py", "'shapes'", "'forms'"))
    .fresh(
        "import for type checkers added",
        (
            S,
            "    from shapes import Shape",
            "    from shapes import Shape\n    from old import parse as p",
        ),
    )
    .fresh("module of the __main__ block", ("cli.py", "return 1", "return 2"))
    .fresh("the __main__ block of a module used by import", (S, "    main()", "    main(1)"))
)

(
    Project(
        IMPORTS,
        "annotations and type checkers",
        {
            S: """
            from __future__ import annotations
            from dataclasses import dataclass
            from typing import TYPE_CHECKING

            if TYPE_CHECKING:
                from shapes import Shape, Other

            @dataclass
            class Options:
                shape: Shape

            def run():
                return Options(None)
            """,
            "shapes.py": "class Shape:\n    size = 1\n\nclass Other:\n    size = 2\n",
        },
    )
    .stale("class behind an annotation that counts", ("shapes.py", "size = 1", "size = 3"))
    .fresh("another class imported for type checkers", ("shapes.py", "size = 2", "size = 3"))
)

(
    Project(
        IMPORTS,
        "entry",
        {
            S: """
            from dataclasses import dataclass
            from api import exposed

            @dataclass
            class TrainParams:
                rate: float = 0.1

            @dataclass
            class Result:
                score: float = 0.0

            def run(params: TrainParams) -> Result:
                return params.rate
            """,
            "api.py": "def exposed():\n    return 1\n",
        },
    )
    .stale(
        "class that the entry's parameter is made into",
        (S, "rate: float = 0.1", "rate: float = 0.2"),
    )
    .fresh("class of the return annotation", (S, "score: float = 0.0", "score: float = 0.1"))
)

(
    Project(
        IMPORTS,
        "re-exports",
        {
            "pkg/__init__.py": """
            from .core import *
            from .lazy import __getattr__
            """,
            "pkg/core.py": "__all__ = ['run']\nfrom .work import work\n\ndef run():\n    from pkg import dynamic\n    return work(), dynamic()\n",
            "pkg/work.py": "def work():\n    return 1\n\ndef other():\n    return 2\n",
            "pkg/lazy.py": "from .more import target\n\ndef __getattr__(name):\n    return target\n",
            "pkg/more.py": "def target():\n    return 1\n",
        },
        entry="pkg.run",
    )
    .stale(
        "entry behind a star re-export",
        ("pkg/core.py", "return work(), dynamic()", "return dynamic(), work()"),
    )
    .stale("helper behind it", ("pkg/work.py", "return 1", "return 3"))
    .stale("module __getattr__", ("pkg/more.py", "return 1", "return 3"))
    .fresh("unused function", ("pkg/work.py", "return 2", "return 3"))
)

(
    Project(
        IMPORTS,
        "circular imports",
        {
            "a.py": "import b\nfrom b import g\n\ndef f(x):\n    return g(x) + b.h(x)\n\ndef k(x):\n    return x\n",
            "b.py": "import a\n\ndef g(x):\n    return a.k(x)\n\ndef h(x):\n    return x\n\ndef z(x):\n    return x\n",
        },
        entry="a.f",
    )
    .stale("through the circle", ("a.py", "def k(x):\n    return x", "def k(x):\n    return -x"))
    .fresh("unused in the circle", ("b.py", "def z(x):\n    return x", "def z(x):\n    return -x"))
)

(
    Project(
        IMPORTS,
        "layouts",
        {
            "src/mypkg/__init__.py": "",
            "src/mypkg/stage.py": "from mypkg.util import f\nfrom spaced.part import g\n\ndef run():\n    return f(), g()\n",
            "src/mypkg/util.py": "def f():\n    return 1\n",
            "spaced/part.py": "def g():\n    return 1\n\ndef h():\n    return 2\n",
        },
        entry="mypkg.stage.run",
    )
    .stale("src layout", ("src/mypkg/util.py", "return 1", "return 2"))
    .stale("namespace package", ("spaced/part.py", "return 1", "return 3"))
    .fresh(
        "unused function of a namespace package's module",
        ("spaced/part.py", "return 2", "return 3"),
    )
)

(
    Project(
        IMPORTS,
        "not project code",
        {
            S: "import pandas\nimport helpers\n\ndef run():\n    return pandas.DataFrame(), helpers.f()\n",
            "helpers.py": "def f():\n    return 1\n",
            "venv/pyvenv.cfg": "home = /usr\n",
            "venv/lib/python3.11/site-packages/pandas/__init__.py": "class DataFrame:\n    pass\n",
            "pandas_data/x.csv": "a\n",
            "conftest.py": "import helpers\n",
        },
    )
    .fresh(
        "library inside a virtual environment of the project",
        ("venv/lib/python3.11/site-packages/pandas/__init__.py", "    pass", "    x = 1"),
    )
    .fresh("file that nothing imports", ("conftest.py", "import helpers", "import helpers, os"))
    .fresh("new module nobody imports", ("newmodule.py", None, "x = 1\n"))
    .stale(
        "new module that shadows the library", ("pandas.py", None, "class DataFrame:\n    pass\n")
    )
)

(
    Project(
        IMPORTS,
        "modules as values",
        {
            S: """
            import helpers
            from pkg import steps

            MODULES = [steps]

            def run():
                return apply(helpers), [m.go() for m in MODULES]

            def apply(module):
                return module.anything()
            """,
            "helpers.py": "def anything():\n    return inner()\n\ndef inner():\n    return 1\n",
            "pkg/__init__.py": "",
            "pkg/steps.py": "from .more import extra\n\ndef go():\n    return 1\n",
            "pkg/more.py": "def extra():\n    return 1\n\ndef unused():\n    return 2\n",
        },
    )
    .stale("module handed to a function", ("helpers.py", "return 1", "return 2"))
    .stale("module in a list", ("pkg/steps.py", "return 1", "return 2"))
    .stale("name imported into a module used as a value", ("pkg/more.py", "return 1", "return 3"))
    .fresh("name not imported into it", ("pkg/more.py", "return 2", "return 3"))
)
