"""What the script does by its arguments: serve jobs, or run one."""

from __future__ import annotations

import json
import os

from . import child, supervisor
from .preload import preload


def main(arguments: list[str], started_with: frozenset[str]) -> None:
    """Run as `--serve FD PARENT ROOT NAME...` or `--job FD RESULT_FD`; leaves the process."""
    child.STARTED_WITH.update(started_with)
    if arguments[0] == "--job":
        with open(int(arguments[1]), "rb") as stream:
            job = json.loads(stream.read())
        child.run_call(job, int(arguments[2]))
    descriptor, parent, root, *names = arguments[1:]
    supervisor.Supervisor(int(descriptor), int(parent)).serve(lambda: preload(names, root))
    os._exit(0)
