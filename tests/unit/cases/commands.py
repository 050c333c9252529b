"""What counts behind a command line."""

import json

from .builders import Case, Project

COMMANDS: list[Case] = []

SCRIPT = {
    "scripts/train.py": """
    import argparse
    from helpers import clean
    from src.model import fit
    import logging

    log = logging.getLogger(__name__)
    EPOCHS = 3
    UNUSED = 4

    def parse():
        return argparse.ArgumentParser().parse_args()

    def main():
        args = parse()
        return fit(clean(args), EPOCHS)

    def unused():
        return 1

    if __name__ == "__main__":
        main()
    """,
    "scripts/helpers.py": """
    def clean(x):
        return x

    def other(x):
        return x

    if __name__ == "__main__":
        print(clean(1))
    """,
    "src/__init__.py": "",
    "src/model.py": "def fit(x, n):\n    return x\n\ndef score(x):\n    return x\n",
    "conf/train.yaml": "lr: 1\n",
    "data/raw.csv": "a,b\n1,2\n",
    "query.sql": "-- all of it\nSELECT a, 'it''s -- no comment' FROM t /* where */ WHERE a > 1\n",
    "notes.txt": "nothing\n",
}
FIT = ("src/model.py", "def fit(x, n):\n    return x", "def fit(x, n):\n    return -x")
CLEAN = ("scripts/helpers.py", "def clean(x):\n    return x", "def clean(x):\n    return -x")

for how, cmd in {
    "python": "python scripts/train.py --epochs 3",
    "python3.12 -u": "python3.12 -u scripts/train.py",
    "python with options": "python -W ignore -X dev -B scripts/train.py",
    "virtual environment": ".venv/bin/python scripts/train.py",
    "uv run python": "uv run --with rich python scripts/train.py",
    "uv run script": "uv run scripts/train.py --epochs 3",
    "poetry run": "poetry run python scripts/train.py",
    "conda run": "conda run -n env python scripts/train.py",
    "env": "env A=1 B=2 python scripts/train.py",
    "assignment": "CUDA_VISIBLE_DEVICES=0 python scripts/train.py",
    "pipe": "cat data/raw.csv | python scripts/train.py > out.txt",
    "cd": "cd scripts && python train.py",
    "subshell": "(cd scripts && python train.py)",
    "bash -c": "bash -c 'cd scripts; python train.py'",
    "timeout": "timeout 60 python scripts/train.py",
    "torchrun": "torchrun --nproc_per_node 2 scripts/train.py --lr 1",
    "torch.distributed": "python -m torch.distributed.run --nnodes 1 scripts/train.py",
    "variable": "S=scripts/train.py; python $S",
    "if": "if true; then python scripts/train.py; fi",
    "substitution": "echo $(python scripts/train.py)",
    "coverage": "coverage run --source src scripts/train.py",
    "two lines": "echo start\npython scripts/train.py",
}.items():
    (
        Project(COMMANDS, f"script by {how}", SCRIPT, cmd=cmd)
        .stale("helper beside the script", CLEAN)
        .fresh("unused function", ("scripts/train.py", "return 1\n", "return 2\n"))
    )

(
    Project(
        COMMANDS,
        "scripts",
        SCRIPT,
        cmd="python scripts/train.py --config=conf/train.yaml data/raw.csv > notes.txt",
        deps=("scripts/train.py", "data/raw.csv"),
    )
    .stale("package that the script imports", FIT)
    .stale("main function", ("scripts/train.py", "fit(clean(args), EPOCHS)", "fit(clean(args), 2)"))
    .stale(
        "__main__ block of the script",
        ("scripts/train.py", "    main()\n", "    main()\n    main()\n"),
    )
    .stale("global constant", ("scripts/train.py", "EPOCHS = 3", "EPOCHS = 4"))
    .stale("file named by an option", ("conf/train.yaml", "lr: 1", "lr: 2"))
    .stale("a dep", ("data/raw.csv", "1,2", "1,3"))
    .fresh(
        "comment in a script that is a dep",
        ("scripts/train.py", "EPOCHS = 3", "EPOCHS = 3  # times"),
    )
    .fresh("unused constant", ("scripts/train.py", "UNUSED = 4", "UNUSED = 5"))
    .fresh(
        "unused function of the helper",
        ("scripts/helpers.py", "def other(x):\n    return x", "def other(x):\n    return -x"),
    )
    .fresh(
        "__main__ block of an imported module",
        ("scripts/helpers.py", "print(clean(1))", "print(clean(2))"),
    )
    .fresh("target of a redirection", ("notes.txt", "nothing", "something"))
    .fresh("file that the command does not name", ("query.sql", "a > 1", "a > 2"))
)

(
    Project(
        COMMANDS,
        "deps",
        SCRIPT,
        cmd="python scripts/train.py",
        deps=("scripts/train.py", "notes.txt", "src/model.py", "query.sql"),
    )
    .fresh(
        "comment in a module that is a dep and is reached",
        ("src/model.py", "def score", "# scores\ndef score"),
    )
    .stale(
        "comment in a file that is a dep and is not reached",
        ("query.sql", "-- all of it", "-- all"),
    )
    .stale("reached module", FIT)
)

(
    Project(
        COMMANDS,
        "top level of a script",
        {
            "run.py": """
            import pandas as pd
            from pathlib import Path

            SOURCE = "in.csv"
            LABEL = "a"
            frame = pd.read_csv(SOURCE)
            frame = frame.dropna()
            written = Path("out.csv").write_text(frame.to_csv())
            for name in frame:
                print(name)
            with open("log") as f:
                f.write("done")
            """
        },
        cmd="python run.py",
    )
    .stale("constant on the way", ("run.py", '"in.csv"', '"in2.csv"'))
    .stale("step on the way", ("run.py", "frame.dropna()", "frame.fillna(0)"))
    .stale("call whose result nobody uses", ("run.py", '"out.csv"', '"out2.csv"'))
    .stale("loop", ("run.py", "print(name)", "print(name, 1)"))
    .stale("block", ("run.py", '"done"', '"finished"'))
    .fresh("constant nobody uses", ("run.py", 'LABEL = "a"', 'LABEL = "b"'))
    .fresh("comment", ("run.py", "import pandas as pd", "import pandas as pd  # tables"))
)

(
    Project(
        COMMANDS,
        "modules",
        {
            "pkg/__init__.py": "import os\nos.environ['A'] = '1'\nVERSION = 1\n",
            "pkg/train.py": "from .util import f\nfrom . import extra\n\ndef main():\n    return f()\n\nif __name__ == '__main__':\n    main()\n",
            "pkg/util.py": "def f():\n    return 1\n\ndef g():\n    return 2\n",
            "pkg/extra.py": "X = 1\n",
            "pkg/tool/__init__.py": "",
            "pkg/tool/__main__.py": "from ..util import g\nprint(g())\n",
        },
        cmd="python -m pkg.train --x 1",
    )
    .stale("module run by -m", ("pkg/train.py", "return f()", "return -f()"))
    .stale("its helper", ("pkg/util.py", "return 1", "return 3"))
    .stale("effect of its package", ("pkg/__init__.py", "'1'", "'2'"))
    .stale("its __main__ block", ("pkg/train.py", "    main()\n", "    print(main())\n"))
    .fresh("unused function", ("pkg/util.py", "return 2", "return 3"))
    .fresh("constant of its package", ("pkg/__init__.py", "VERSION = 1", "VERSION = 2"))
)

(
    Project(
        COMMANDS,
        "packages run by -m",
        {
            "pkg/__init__.py": "",
            "pkg/__main__.py": "from .util import g\nprint(g())\n",
            "pkg/util.py": "def g():\n    return 1\n\ndef h():\n    return 2\n",
        },
        cmd="uv run -m pkg",
    )
    .stale("helper of __main__.py", ("pkg/util.py", "return 1", "return 3"))
    .fresh("unused function", ("pkg/util.py", "return 2", "return 3"))
)

LIBRARY = {
    "lib/tools/__init__.py": "def f():\n    return 1\n\ndef g():\n    return 2\n",
    "run.py": "from tools import f\nprint(f())\n",
    "pyproject.toml": '[project.scripts]\nmytool = "cliapp.main:app"\n',
    "cliapp/__init__.py": "",
    "cliapp/main.py": "def app():\n    return 1\n\ndef other():\n    return 2\n",
    "run.sh": "#!/bin/bash\n# prepare\nset -e\npython run.py  # go\ncat <<EOF\n# kept\nEOF\n",
}
for how, cmd in {
    "export": "export PYTHONPATH=lib && python run.py",
    "assignment": "PYTHONPATH=lib:$PYTHONPATH python run.py",
}.items():
    (
        Project(COMMANDS, f"PYTHONPATH by {how}", LIBRARY, cmd=cmd)
        .stale("module found through it", ("lib/tools/__init__.py", "return 1", "return 3"))
        .fresh("unused function", ("lib/tools/__init__.py", "return 2", "return 3"))
    )

(
    Project(COMMANDS, "shell scripts", LIBRARY, cmd="PYTHONPATH=lib bash run.sh")
    .stale("command of the script", ("run.sh", "set -e", "set -eu"))
    .stale("text of a here-document", ("run.sh", "# kept", "# changed"))
    .stale("python code that the script runs", ("lib/tools/__init__.py", "return 1", "return 3"))
    .fresh("comment of the script", ("run.sh", "# prepare", "# set up"))
    .fresh("trailing comment", ("run.sh", "  # go", ""))
    .fresh("unused function behind the script", ("lib/tools/__init__.py", "return 2", "return 3"))
)

(
    Project(COMMANDS, "console scripts", LIBRARY, cmd="uv run mytool train")
    .stale("function behind the project's own command", ("cliapp/main.py", "return 1", "return 3"))
    .fresh("another function of its module", ("cliapp/main.py", "return 2", "return 3"))
)

(
    Project(
        COMMANDS,
        "code on the command line",
        LIBRARY,
        cmd='PYTHONPATH=lib python -c "from tools import f; print(f())"',
    )
    .stale("function called by -c", ("lib/tools/__init__.py", "return 1", "return 3"))
    .fresh("another function", ("lib/tools/__init__.py", "return 2", "return 3"))
)

(
    Project(
        COMMANDS,
        "SQL",
        SCRIPT,
        cmd="duckdb db < query.sql",
    )
    .stale("condition", ("query.sql", "a > 1", "a > 2"))
    .stale("text that looks like a comment", ("query.sql", "-- no comment", "-- not one"))
    .fresh("comment", ("query.sql", "-- all of it", "-- everything"))
    .fresh("block comment", ("query.sql", "/* where */", ""))
    .fresh("line breaks", ("query.sql", " FROM t", "\n  FROM t"))
)

(
    Project(
        COMMANDS,
        "R",
        {
            "analysis/main.R": '# main\nsource("analysis/util.R")\nsource(file.path("analysis", "more.R"))\nx <- f("# no comment")\nprint(x)\n',
            "analysis/util.R": "# util\nf <- function(x) {\n  x\n}\n",
            "analysis/more.R": "y <- 1\n",
            "analysis/apart.R": "z <- 1\n",
        },
        cmd="Rscript analysis/main.R --out x.csv",
        deps=("analysis/main.R",),
    )
    .stale("script", ("analysis/main.R", "print(x)", "print(y)"))
    .stale("sourced file", ("analysis/util.R", "  x\n", "  x + 1\n"))
    .stale("sourced by a joined path", ("analysis/more.R", "y <- 1", "y <- 2"))
    .stale("text that looks like a comment", ("analysis/main.R", "# no comment", "# none"))
    .fresh("comment", ("analysis/main.R", "# main", "# the main part"))
    .fresh("comment in a sourced file", ("analysis/util.R", "# util", "# tools"))
    .fresh("file that nothing sources", ("analysis/apart.R", "z <- 1", "z <- 2"))
)


def notebook(*cells: str, output: str = "") -> str:
    code = [
        {
            "cell_type": "code",
            "source": cell.splitlines(keepends=True),
            "outputs": [output],
            "execution_count": 1,
        }
        for cell in cells
    ]
    text = {"cell_type": "markdown", "source": ["About"]}
    return json.dumps({"cells": [text, *code], "metadata": {"kernelspec": {"language": "python"}}})


CELLS = ("%matplotlib inline\nfrom src.model import fit\nLR = 1", "print(fit(1, LR))")
for how, cmd in {
    "papermill": "papermill nb/explore.ipynb out.ipynb -p x 1",
    "nbconvert": "jupyter nbconvert --execute --to html nb/explore.ipynb",
}.items():
    (
        Project(
            COMMANDS,
            f"notebooks by {how}",
            {**SCRIPT, "nb/explore.ipynb": notebook(*CELLS)},
            cmd=cmd,
        )
        .stale("code cell", ("nb/explore.ipynb", None, notebook(CELLS[0], "print(fit(2, LR))")))
        .stale(
            "constant of a cell",
            ("nb/explore.ipynb", None, notebook(CELLS[0].replace("LR = 1", "LR = 2"), CELLS[1])),
        )
        .stale("function that a cell calls", FIT)
        .fresh(
            "output and text",
            ("nb/explore.ipynb", None, notebook(*CELLS, output="changed").replace("About", "On")),
        )
        .fresh(
            "comment in a cell",
            ("nb/explore.ipynb", None, notebook(CELLS[0] + "  # rate", CELLS[1])),
        )
        .fresh(
            "function that no cell calls",
            ("src/model.py", "def score(x):\n    return x", "def score(x):\n    return -x"),
        )
    )
