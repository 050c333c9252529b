"""What DVC makes of dvc.yaml files: a script for the interpreter that has DVC installed.

Reads a list of {path: text} as JSON from standard input, and prints for each the stages that DVC
sees (paths relative to the project), or the text of its error.
"""

import json
import os
import sys
import tempfile
from typing import Any


def resolved(files: dict[str, str]) -> Any:
    from dvc.repo import Repo  # type: ignore[import-not-found,unused-ignore]

    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, ".dvc"))
        write(folder, {".dvc/config": "[core]\nno_scm = true\n", **files})
        os.chdir(folder)
        try:
            found = {
                stage.addressing: described(stage, folder) for stage in Repo(folder).index.stages
            }
            return json.loads(json.dumps(found, default=repr))
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        finally:
            os.chdir("/")


def write(folder: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)


def described(stage: Any, folder: str) -> dict[str, Any]:
    def relative(item: Any) -> str:
        external = "://" in item.def_path or item.def_path.startswith("/")
        return str(item.def_path) if external else os.path.relpath(item.fs_path, folder)

    params = [dep for dep in stage.deps if type(dep).__name__ == "ParamsDependency"]
    return {
        "cmd": stage.cmd,
        "wdir": os.path.relpath(stage.wdir, folder),
        "deps": sorted({relative(dep) for dep in stage.deps if dep not in params}),
        "outs": sorted(
            [
                relative(out),
                "metric" if out.metric else "plot" if out.plot else "out",
                out.use_cache,
                out.persist,
                out.can_push,
                out.remote,
                out.annot.desc,
            ]
            for out in stage.outs
        ),
        "params": {relative(dep): sorted(map(str, dep.params)) for dep in params},
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "desc": stage.desc,
        "meta": stage.meta,
    }


if __name__ == "__main__":
    print(json.dumps([resolved(files) for files in json.load(sys.stdin)]))
