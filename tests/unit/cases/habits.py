"""Habits of real projects that are easily missed, or easily suspected wrongly."""

from .builders import Case, Project

HABITS: list[Case] = []
S = "stages.py"

(
    Project(
        HABITS,
        "methods as entries",
        {
            S: """
            from base import Base

            class Trainer(Base):
                rate = 1

                @staticmethod
                def run(x):
                    return x

                def other(self):
                    return 2

            class Evaluator(Base):
                rate = 3
            """,
            "base.py": "class Base:\n    def setup(self):\n        return 1\n",
        },
        entry="stages.Trainer.run",
    )
    .stale("the method", (S, "return x", "return -x"))
    .stale("attribute of its class", (S, "rate = 1", "rate = 2"))
    .stale("base of its class", ("base.py", "return 1", "return 2"))
    .fresh("sibling class", (S, "rate = 3", "rate = 4"))
)

(
    Project(
        HABITS,
        "values as entries",
        {
            S: """
            from functools import partial, wraps

            def logged(f):
                @wraps(f)
                def inner(*args, **kwargs):
                    return f(*args, **kwargs)
                return inner

            def impl(x, y):
                return x + y

            def unused():
                return 1

            run = logged(partial(impl, 3))
            """
        },
    )
    .stale("function behind a partial", (S, "x + y", "x - y"))
    .stale("argument of the partial", (S, "impl, 3", "impl, 4"))
    .stale("wrapper", (S, "return f(*args", "return not f(*args"))
    .fresh("another function", (S, "return 1", "return 2"))
)

(
    Project(
        HABITS,
        "globals set by functions",
        {
            S: """
            _model = None

            def load():
                global _model, _tool
                from tools import helper as _tool
                _model = 3

            def helper_value():
                return _tool(_model)

            def run():
                load()
                return helper_value()
            """,
            "tools.py": "def helper(x):\n    return x\n\ndef other(x):\n    return x\n",
        },
    )
    .stale("value set through global", (S, "_model = 3", "_model = 4"))
    .stale(
        "function imported through global",
        ("tools.py", "def helper(x):\n    return x", "def helper(x):\n    return -x"),
    )
    .fresh(
        "another function of that module",
        ("tools.py", "def other(x):\n    return x", "def other(x):\n    return -x"),
    )
)

(
    Project(
        HABITS,
        "names of the __main__ block",
        {
            "run.py": """
            def main():
                return work(args.n) + RATE

            def work(n):
                return n

            RATE = 1

            if __name__ == "__main__":
                args = parse()
                main()
            """
        },
        cmd="python run.py",
    )
    .stale(
        "value made in the block and read by a function",
        ("run.py", "args = parse()", "args = parse(1)"),
    )
    .stale("function called by main", ("run.py", "return n\n", "return -n\n"))
    .stale("constant read by main", ("run.py", "RATE = 1", "RATE = 2"))
)

(
    Project(
        HABITS,
        "fire and typer",
        {
            "run.py": """
            import typer

            def main(n: int = 3, name: str = ""):
                return helper(n)

            def helper(n: int):
                return n

            if __name__ == "__main__":
                typer.run(main)
            """,
            "fired.py": "import fire\n\ndef one(n):\n    return n\n\ndef two(n):\n    return n\n\nif __name__ == '__main__':\n    fire.Fire()\n",
        },
        cmd="python run.py; python fired.py one",
    )
    .stale("annotation that typer reads", ("run.py", "main(n: int", "main(n: float"))
    .fresh("annotation of a helper", ("run.py", "helper(n: int)", "helper(n: float)"))
    .stale(
        "function that fire offers",
        ("fired.py", "def two(n):\n    return n", "def two(n):\n    return -n"),
    )
)

(
    Project(
        HABITS,
        "class bodies with effects",
        {
            S: "import impl\nfrom registry import REG, hook, Hook\n\ndef run():\n    return REG, hook\n",
            "registry.py": "REG = {}\n\nclass Hook:\n    def on(self, f):\n        REG[f.__name__] = f\n        return f\n\nhook = Hook()\n",
            "impl.py": """
            from dataclasses import dataclass, field
            from registry import REG, hook

            class Writes:
                REG["writes"] = 1
                size = 10

            class Hooked:
                @hook.on
                def method(self):
                    return 2

            class Quiet:
                def __init__(self):
                    self._value = 3

                @property
                def value(self):
                    return self._value

                @value.setter
                def value(self, new):
                    self._value = new + 4

            class Inner:
                size = 5

            @dataclass
            class Options:
                inner: Inner = field(default_factory=Inner)
                rate: float = 0.6
            """,
        },
    )
    .stale("class body that fills a registry", ("impl.py", '["writes"] = 1', '["writes"] = 9'))
    .stale("method registered by a project object", ("impl.py", "return 2", "return 9"))
    .fresh("unused class with properties", ("impl.py", "new + 4", "new + 9"))
    .fresh("unused dataclass", ("impl.py", "rate: float = 0.6", "rate: float = 0.9"))
    .fresh("class that only an unused dataclass names", ("impl.py", "size = 5", "size = 9"))
)

(
    Project(
        HABITS,
        "packages as namespaces of plugins",
        {
            S: """
            import models
            import models.linear
            from models import forest

            def run(kind):
                return getattr(models, kind).fit()
            """,
            "models/__init__.py": "",
            "models/linear.py": "def fit():\n    return 1\n",
            "models/forest.py": "def fit():\n    return 2\n",
            "models/idle.py": "def fit():\n    return 3\n",
        },
    )
    .stale(
        "submodule imported beside a computed getattr", ("models/linear.py", "return 1", "return 9")
    )
    .stale("submodule imported from the package", ("models/forest.py", "return 2", "return 9"))
    .fresh("submodule that nobody imports", ("models/idle.py", "return 3", "return 9"))
)

(
    Project(
        HABITS,
        "star import of submodules",
        {
            S: "from models import *\n\ndef run():\n    return linear.fit()\n",
            "models/__init__.py": "__all__ = ['linear', 'forest']\n",
            "models/linear.py": "def fit():\n    return 1\n\ndef other():\n    return 2\n",
            "models/forest.py": "REG = {}\nREG['forest'] = 3\n",
        },
    )
    .stale("submodule that __all__ names", ("models/linear.py", "return 1", "return 9"))
    .stale("effect of another that __all__ names", ("models/forest.py", "= 3", "= 9"))
    .fresh("unused function of the submodule", ("models/linear.py", "return 2", "return 9"))
    .stale(
        "submodule taken out of __all__",
        ("models/__init__.py", "['linear', 'forest']", "['linear']"),
    )
)

(
    Project(
        HABITS,
        "computed __all__",
        {
            S: "from lib import *\n\ndef run():\n    return one()\n",
            "lib.py": "import sub\nfrom sub import *\n__all__ = ['one'] + sub.__all__\n\ndef one():\n    return two()\n\ndef three():\n    return 3\n",
            "sub.py": "__all__ = ['two']\n\ndef two():\n    return 2\n",
        },
    )
    .stale("through a computed __all__", ("sub.py", "return 2", "return 9"))
    .fresh("unused", ("lib.py", "return 3", "return 9"))
)

(
    Project(
        HABITS,
        "lists of exports",
        {
            S: "from lib import one\n\ndef run():\n    return one()\n",
            "lib.py": "__all__ = ['one']\n\ndef one():\n    return 1\n\ndef two():\n    return 2\n",
        },
    ).fresh("name added to an __all__ that no star reads", ("lib.py", "['one']", "['one', 'two']"))
)

(
    Project(
        HABITS,
        "shadowed stars",
        {
            S: "from lib import *\n\ndef helper():\n    return 1\n\ndef run():\n    return helper()\n",
            "lib.py": "def helper():\n    return 2\n",
        },
    )
    .fresh("function that a later definition replaces", ("lib.py", "return 2", "return 9"))
    .stale("the definition that replaces it", (S, "return 1", "return 9"))
    .stale("definition removed, the star's is meant", (S, "def helper():\n    return 1\n\n", ""))
)

(
    Project(
        HABITS,
        "loggers and paths",
        {
            S: """
            import logging
            import warnings
            from pathlib import Path
            from lib import helper

            ROOT = Path(__file__).resolve().parent
            DATA = ROOT.joinpath("data")
            OUT = ROOT / "out"
            logger = logging.getLogger(__name__)
            COLUMNS = ["a", "b"]
            SORTED = sorted(COLUMNS)

            def run():
                logger.info("start")
                return DATA, helper()

            if not OUT.exists():
                OUT.mkdir()
            """,
            "lib.py": "from pathlib import Path\nHERE = Path(__file__)\nNAME = HERE.with_suffix('.x')\n\ndef helper():\n    return 1\n",
        },
    )
    .stale("path that is used", (S, '"data"', '"raw"'))
    .stale("path used by a call at import", (S, '"out"', '"output"'))
    .fresh("unused columns", (S, '["a", "b"]', '["a", "c"]'))
    .fresh("unused path of another module", ("lib.py", "'.x'", "'.y'"))
)

(
    Project(
        HABITS,
        "defaults and closures",
        {
            S: """
            from lib import DEFAULT, factory, tool

            def make(n=DEFAULT, call=tool):
                def inner(x, scale=factory()):
                    return x * scale * n
                return inner

            class Config:
                step = staticmethod(tool)
                table = {k: factory() for k in "ab"}

            run = make()
            """,
            "lib.py": "DEFAULT = 1\n\ndef factory():\n    return 2\n\ndef tool():\n    return 3\n\nOTHER = 4\n",
        },
    )
    .stale("constant as a default", ("lib.py", "DEFAULT = 1", "DEFAULT = 9"))
    .stale("call as a default of an inner function", ("lib.py", "return 2", "return 9"))
    .stale("function as a default", ("lib.py", "return 3", "return 9"))
    .fresh("another constant", ("lib.py", "OTHER = 4", "OTHER = 9"))
)

(
    Project(
        HABITS,
        "class machinery",
        {
            S: """
            from collections import namedtuple
            from functools import cached_property, total_ordering
            from typing import Generic, NamedTuple, TypedDict, TypeVar
            from lib import convert, NAMES, Validator

            T = TypeVar("T")
            Row = namedtuple("Row", NAMES)

            class Point(NamedTuple):
                x: int = 0

            class Record(TypedDict, total=False):
                name: str

            @total_ordering
            class Version(Generic[T]):
                checks = [Validator(1)]

                def __lt__(self, other):
                    return convert(self) < other

                @cached_property
                def parts(self):
                    return [convert(p) for p in self.raw]

                class Meta:
                    ordering = 1

            def run():
                return Row(1), Point(), Record(), Version()
            """,
            "lib.py": "NAMES = 'a b'\n\ndef convert(x):\n    return x\n\nclass Validator:\n    def __init__(self, n):\n        self.n = n\n\ndef unused():\n    return 1\n",
        },
    )
    .stale("names of a namedtuple", ("lib.py", "'a b'", "'a c'"))
    .stale("function called in methods", ("lib.py", "    return x", "    return -x"))
    .stale("class instantiated in a class body", ("lib.py", "self.n = n", "self.n = -n"))
    .stale("field type of a NamedTuple", (S, "x: int = 0", "x: float = 0"))
    .stale("keyword of a class", (S, "total=False", "total=True"))
    .stale("nested class", (S, "ordering = 1", "ordering = 2"))
    .fresh("unused", ("lib.py", "return 1", "return 9"))
)

(
    Project(
        HABITS,
        "redefinition order",
        {
            S: "def f():\n    return 1\n\nX = 1\n\ndef f():\n    return 2\n\ndef run():\n    return f()\n",
        },
    )
    .stale(
        "two definitions of a name swapped",
        (S, "return 1", "return 0"),
        (S, "return 2", "return 1"),
        (S, "return 0", "return 2"),
    )
    .fresh("something else between them", (S, "X = 1", "X = 2"))
)

(
    Project(
        HABITS,
        "imports in functions and branches",
        {
            S: """
            def run(fast):
                if fast:
                    from lib import quick as work
                else:
                    from lib import slow as work
                try:
                    import extra
                except ImportError:
                    extra = None
                return work(), extra.go(), backend().go()

            def backend():
                import engine
                return engine
            """,
            "lib.py": "def quick():\n    return 1\n\ndef slow():\n    return 2\n\ndef idle():\n    return 3\n",
            "extra.py": "def go():\n    return 4\n\ndef idle():\n    return 5\n",
            "engine.py": "def go():\n    return 6\n",
        },
    )
    .stale("first branch", ("lib.py", "return 1", "return 9"))
    .stale("second branch", ("lib.py", "return 2", "return 9"))
    .stale("optional module", ("extra.py", "return 4", "return 9"))
    .stale("module that a function returns", ("engine.py", "return 6", "return 9"))
    .fresh("unused function", ("lib.py", "return 3", "return 9"))
    .fresh("unused function of the optional module", ("extra.py", "return 5", "return 9"))
)

(
    Project(
        HABITS,
        "stdlib names in the project",
        {
            S: "import random\nimport time\n\ndef run():\n    return random.choice([1]), time.time()\n",
        },
    )
    .stale(
        "project module that shadows the standard library",
        ("random.py", None, "def choice(x):\n    return 4\n"),
    )
    .fresh(
        "project module that cannot shadow a built-in one",
        ("time.py", None, "def time():\n    return 4\n"),
    )
)

(
    Project(
        HABITS,
        "data folders that look like packages",
        {
            S: "import datasets\nfrom wandb import init\n\ndef run():\n    return datasets.load_dataset('x'), init()\n",
            "datasets/raw.csv": "a\n",
            "wandb/run-1/files/config.yaml": "a: 1\n",
        },
    ).fresh("file in a data folder", ("datasets/raw.csv", "a", "b"))
)

(
    Project(
        HABITS,
        "commands that write",
        {
            "run.py": "print(1)\n",
            "out.log": "a\n",
            "report.html": "a\n",
            "result.txt": "a\n",
            "model.yaml": "a: 1\n",
        },
        cmd="rm -f out.log && python run.py --config model.yaml --output report.html | tee out.log && cp model.yaml result.txt",
        outs=("result.txt",),
    )
    .fresh("log that the command removes and writes", ("out.log", "a", "b"))
    .fresh("file given as the output", ("report.html", "a", "b"))
    .fresh("an out", ("result.txt", "a", "b"))
    .stale("configuration that is named", ("model.yaml", "a: 1", "a: 2"))
)

(
    Project(
        HABITS,
        "working folders",
        {
            "sub/run.py": "from local import f\nfrom shared.lib import g\nprint(f(), g())\n",
            "sub/local.py": "def f():\n    return 1\n",
            "shared/__init__.py": "",
            "shared/lib.py": "def g():\n    return 2\n\ndef h():\n    return 3\n",
            "sub/query.sql": "SELECT 1\n",
        },
        cmd="export PYTHONPATH=$PWD && cd sub && python run.py --query query.sql",
    )
    .stale("module beside the script", ("sub/local.py", "return 1", "return 9"))
    .stale("package of the project root", ("shared/lib.py", "return 2", "return 9"))
    .stale("file named relative to the folder", ("sub/query.sql", "SELECT 1", "SELECT 2"))
    .fresh("unused function", ("shared/lib.py", "return 3", "return 9"))
)

(
    Project(
        HABITS,
        "two scripts",
        {
            "a/run.py": "from util import f\nprint(f())\n",
            "a/util.py": "def f():\n    return 1\n",
            "b/run.py": "from util import f\nprint(f())\n",
            "b/util.py": "def f():\n    return 2\n",
        },
        cmd="python a/run.py && python b/run.py",
    )
    .stale("helper of the first", ("a/util.py", "return 1", "return 9"))
    .stale("helper of the second, of the same name", ("b/util.py", "return 2", "return 9"))
)

(
    Project(
        HABITS,
        "try with effects",
        {
            S: """
            from lib import setup, reset

            try:
                setup("a")
                READY = True
            except Exception:
                reset()
                READY = False

            def run():
                return 1
            """,
            "lib.py": "def setup(x):\n    return x\n\ndef reset():\n    return 1\n\ndef idle():\n    return 2\n",
        },
    )
    .stale("call in a try", ("lib.py", "return x", "return -x"))
    .stale("call in an except", ("lib.py", "return 1", "return 9"))
    .fresh("unused", ("lib.py", "return 2", "return 9"))
)

(
    Project(
        HABITS,
        "annotations and defaults of scripts",
        {
            S: """
            from typing import Literal, Optional
            import pandas as pd

            Mode = Literal["a", "b"]

            def load(path: str, mode: Mode = "a") -> pd.DataFrame:
                frame: Optional[pd.DataFrame] = None
                return frame

            def run(x: "pd.DataFrame", *, verbose: bool = False) -> None:
                load("x")
            """
        },
    )
    .fresh("alias used only in annotations", (S, '["a", "b"]', '["a", "c"]'))
    .fresh(
        "annotations removed from the entry",
        (S, 'run(x: "pd.DataFrame", *, verbose: bool = False) -> None', "run(x, *, verbose=False)"),
    )
    .fresh(
        "annotation of a local variable removed",
        (S, "frame: Optional[pd.DataFrame] = None", "frame = None"),
    )
    .stale("default changed", (S, "verbose: bool = False", "verbose: bool = True"))
    .stale("default of a helper", (S, 'mode: Mode = "a"', 'mode: Mode = "b"'))
)
