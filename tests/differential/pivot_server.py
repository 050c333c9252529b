"""Pivot's command line, served: what the console script runs, each call in a fork of its own.

Reads JSON lines, `{"cwd": ..., "argv": [...]}`, and answers with exit code, output and errors. What
a command imports is loaded once, here: a call costs a quarter of a process of its own.
"""

import importlib
import json
import os
import sys
import tempfile

LOADED = (
    "pivot.cli.app", "pivot.cli.failures", "pivot.cli.status", "pivot.cli.listing",
    "pivot.cli.execution", "pivot.cli.artifacts", "pivot.commands.session", "pivot.config.loader",
    "pivot.commands.status", "pivot.commands.listing", "pivot.commands.dag", "pivot.commands.repro",
    "pivot.run.loop", "pivot.run.ledger", "pivot.run.baseline", "pivot.fingerprint", "jsonschema",
    "pivot.lockfile.data_records", "pivot.project.dvc_config",
)  # fmt: skip


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    for name in LOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
            child = os.fork()
            if child == 0:
                _call(request, out.fileno(), err.fileno())
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read().decode("utf-8", "replace"))
        answers.write(json.dumps({"code": code, "out": texts[0], "err": texts[1]}) + "\n")
        answers.flush()


def _call(request: dict[str, object], out: int, err: int) -> None:
    """The whole of one command, in a process that ends with it."""
    code = 70
    try:
        os.chdir(str(request["cwd"]))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        argv = request["argv"]
        assert isinstance(argv, list)
        sys.argv = ["pivot", *argv]
        from pivot.cli import run

        code = run(argv)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


main()
