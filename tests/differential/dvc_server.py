"""DVC's command line, served: a script for the interpreter that has DVC installed.

Reads requests as JSON lines, `{"cwd": ..., "argv": [...]}`, runs `dvc.cli.main` on each in this one
process (starting DVC takes half a second, a command a tenth of that), and answers with exit code,
output and errors.
"""

import json
import os
import sys
import tempfile


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    from dvc.cli import main as dvc  # type: ignore[import-not-found,unused-ignore]

    for line in sys.stdin:
        request = json.loads(line)
        os.chdir(request["cwd"])
        with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
            kept = os.dup(1), os.dup(2)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            try:
                code = dvc(request["argv"])
            except SystemExit as end:
                code = end.code
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os.dup2(kept[0], 1)
                os.dup2(kept[1], 2)
                os.close(kept[0])
                os.close(kept[1])
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read().decode("utf-8", "replace"))
        os.chdir("/")
        answers.write(json.dumps({"code": code or 0, "out": texts[0], "err": texts[1]}) + "\n")
        answers.flush()


main()
