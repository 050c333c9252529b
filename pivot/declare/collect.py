"""Runs a pipeline in Python and tells which stages it declares: the program of a child process."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from .loaders import FileLoader
from .lowering import as_yaml, instance
from .pipelines import MARK, Pipeline, Registered

_CODE = (".py", ".pyc", ".pyi", ".so", ".pth")


def main(encode: Callable[[Any], Any]) -> None:
    """Read {file, module, roots, root} from argv, write what was found to the named descriptor.

    `encode` says values in JSON without loss. At the end of file on the descriptor `alive` the
    parent is gone, and so is this process.
    """
    request = json.loads(sys.argv[1])
    threading.Thread(target=_end_with_parent, args=(request["alive"],), daemon=True).start()
    answer = collect(request["root"], request["file"], request["module"], request["roots"], encode)
    with os.fdopen(request["answer"], "w", encoding="utf-8") as stream:
        json.dump(answer, stream)


def _end_with_parent(alive: int) -> None:
    os.read(alive, 1)
    os._exit(1)


def collect(
    root: str, file: str, module: str, roots: list[str], encode: Callable[[Any], Any]
) -> dict[str, Any]:
    """Run `file` (absolute, importable as `module` from `roots`).

    Returns `entries`, as `config.programs.Entry` has them with `body` and the pairs of `classes`
    encoded, and the project's files and folders that were `read`; or `error`, with the `line` of
    the file where it happened.
    """
    sys.path[:0] = roots
    read: set[str] = set()
    prefix = root.rstrip("/") + "/"

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("open", "os.listdir", "os.scandir") or not arguments:
            return
        path = arguments[0]
        if isinstance(path, (str, bytes, os.PathLike)):
            place = os.path.abspath(os.fsdecode(path))
            if place.startswith(prefix) and not place.endswith(_CODE):
                read.add(place[len(prefix) :])
        elif path is None:
            read.add(os.path.relpath(os.getcwd(), root))

    sys.addaudithook(note)
    try:
        loaded = _loaded(file, module)
        entries = [_entry(item, folder, root, encode) for folder, item in found_in(loaded)]
    except BaseException as error:
        return {"error": _said(error), "line": _line(error, file), "trace": traceback.format_exc()}
    kept = sorted(path for path in read if not _is_cache(path))
    return {"entries": entries, "read": [path for path in kept if os.path.exists(prefix + path)]}


def _is_cache(path: str) -> bool:
    return "__pycache__" in path.split("/") or path.startswith(".pivot/")


def _loaded(file: str, module: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(module, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no module")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def found_in(module: ModuleType) -> list[tuple[str, Registered]]:
    """(folder, stage) of all that a module declares.

    Of pipelines made in it or called `pipeline`, without those that others of them include, and of
    functions that are decorated.
    """
    values = list(vars(module).items())
    pipelines = [
        value
        for name, value in values
        if isinstance(value, Pipeline) and (value.file == module.__file__ or name == "pipeline")
    ]
    pipelines = list({id(item): item for item in pipelines}.values())
    included = {id(other) for item in pipelines for other in item.included}
    found = [
        (os.path.dirname(owner.file), item)
        for pipeline in pipelines
        if id(pipeline) not in included
        for owner, item in pipeline.stages()
    ]
    marked: dict[int, Registered] = {}
    for _, value in values:
        mark = getattr(value, MARK, None)
        if isinstance(mark, Registered) and callable(value):
            marked[id(mark)] = mark
    return found + [(os.path.dirname(item.file), item) for item in marked.values()]


def _entry(
    item: Registered, folder: str, root: str, encode: Callable[[Any], Any]
) -> dict[str, Any]:
    function = item.function
    qualname = getattr(function, "__qualname__", "")
    module = getattr(function, "__module__", "")
    where = f"{os.path.relpath(item.file, root)}:{item.line}"
    if not module or not qualname or "<" in qualname:
        raise TypeError(
            f"stage '{item.name}' ({where}): a stage is a function that can be imported by name"
        )
    try:
        body, classes = as_yaml(item.settings, _loading, instance)
    except TypeError as error:
        raise TypeError(f"stage '{item.name}' ({where}): {error}") from None
    return {
        "name": item.name,
        "module": module,
        "qualname": qualname,
        "body": encode(body),
        "classes": encode([[list(path), name] for path, name in classes.items()]),
        "file": os.path.relpath(item.file, root).replace(os.sep, "/"),
        "line": item.line,
        "folder": os.path.relpath(folder, root).replace(os.sep, "/"),
    }


def _loading(loader: Any) -> tuple[str, Mapping[str, Any]]:
    if isinstance(loader, FileLoader):
        return loader.format, loader.options
    raise TypeError(
        f"{type(loader).__name__} is a loader of the project's; declare it in the function's "
        "signature, or register the stage with literals"
    )


def _said(error: BaseException) -> str:
    listed = getattr(error, "errors", None)
    if callable(listed) and hasattr(error, "title"):  # pydantic's, of several lines
        found = [
            ": ".join([".".join(map(str, item["loc"])), item["msg"]]).removeprefix(": ")
            for item in listed()
        ]
        return f"{error.title} does not accept these values: {'; '.join(found)}"
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _line(error: BaseException, file: str) -> int:
    """The line of `file` where an error arose; 0 where none of it was running."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 0
    lines = [
        frame.lineno or 0
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == file
    ]
    return lines[-1] if lines else 0
