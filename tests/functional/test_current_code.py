"""A stage runs the code that its fingerprint was made from, whatever Python has cached."""

from __future__ import annotations

import os

from harness import Sandbox

SECOND = 1_700_000_000


def test_an_edit_within_a_second_and_of_the_same_size_is_run_as_it_stands(
    project: Sandbox,
) -> None:
    """Bytecode files are valid by whole seconds and size: such an edit would run the old code."""
    project.write(
        {
            "pivot.yaml": """
                stages:
                  one:
                    python: steps.one
                    outs: {out: out.txt}
                """,
            "steps.py": """
                from values import VALUE

                def one(out):
                    out.write_text(str(VALUE))
                """,
            "values.py": "VALUE = 1\n",
        }
    )
    set_time(project, "values.py", nanoseconds=1)
    assert project.ran() == {"one"}

    project.edit("values.py", "1", "2")
    set_time(project, "values.py", nanoseconds=500_000_000)

    assert project.ran() == {"one"}
    assert project.read("out.txt") == "2"


def set_time(project: Sandbox, path: str, *, nanoseconds: int) -> None:
    time = SECOND * 10**9 + nanoseconds
    os.utime(project.root / path, ns=(time, time))
