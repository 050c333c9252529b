"""DVC, served: a script for the interpreter that has DVC installed.

Reads requests as JSON lines, and answers each in this one process (starting DVC takes half a
second, a command a tenth of that). `{"cwd": ..., "argv": [...]}` runs `dvc.cli.main`, and gives exit
code, output and errors; `{"load": [files, ...]}` gives what DVC makes of each project.
"""

import json
import os
import sys
import tempfile
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    import resolved_by_dvc
    from dvc.cli import main as dvc  # type: ignore[import-not-found,unused-ignore]

    for line in sys.stdin:
        request = json.loads(line)
        with Captured() as captured:
            if "load" in request:
                answer: Any = [resolved_by_dvc.resolved(files) for files in request["load"]]
            else:
                os.chdir(request["cwd"])
                try:
                    code = dvc(request["argv"])
                except SystemExit as end:
                    code = end.code
                os.chdir("/")
        if "load" not in request:
            answer = {"code": code or 0, "out": captured.out, "err": captured.err}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Captured:
    """What this process and its children print meanwhile."""

    def __enter__(self) -> "Captured":
        self._files = [tempfile.TemporaryFile("w+b") for _ in range(2)]  # noqa: SIM115 (closed on exit)
        self._kept = os.dup(1), os.dup(2)
        for number, file in enumerate(self._files, 1):
            os.dup2(file.fileno(), number)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        texts = []
        for number, file in enumerate(self._files, 1):
            os.dup2(self._kept[number - 1], number)
            os.close(self._kept[number - 1])
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
            file.close()
        self.out, self.err = texts


main()
