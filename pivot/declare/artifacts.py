"""What a signature declares: `Annotated[T, Dep(...)]` for what comes, `Out` for what goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .loaders import Loader

    Path = str | os.PathLike[str]

#: What a plot says besides what every out does.
PLOT_OPTIONS = ("x", "y", "x_label", "y_label", "title", "template")


class Artifact:
    """A value object: equal where all that was given is."""

    __slots__ = ("loader", "path")

    def __init__(self, path: Path, loader: Loader | None = None) -> None:
        self.path = _one_path(path)
        self.loader = _checked(loader)

    def _given(self) -> dict[str, Any]:
        names = [name for kind in type(self).__mro__ for name in getattr(kind, "__slots__", ())]
        return {name: getattr(self, name) for name in sorted(names)}

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Artifact)
            and type(other) is type(self)
            and self._given() == other._given()
        )

    def __hash__(self) -> int:
        return hash((type(self).__name__, str(getattr(self, "path", ""))))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self._given().items())
        return f"{type(self).__name__}({given})"


class Dep(Artifact):
    """A file or folder that a stage reads: `data: Annotated[DataFrame, Dep("data.csv", CSV())]`.

    Of a list of paths a list arrives. Without a loader the file's suffix chooses one, except where
    `Path` or `str` is annotated: then the path arrives. `check="stat"` compares size and time
    instead of content, for very large inputs. Raises TypeError and ValueError for what is no path.
    """

    __slots__ = ("check", "path")

    path: str | tuple[str, ...]  # type: ignore[assignment]

    def __init__(
        self,
        path: Path | Sequence[Path],
        loader: Loader | None = None,
        *,
        check: Literal["content", "stat"] = "content",
    ) -> None:
        if isinstance(path, (list, tuple)):
            if not path:
                raise ValueError("a list of paths has at least one")
            self.path = tuple(_one_path(item) for item in path)
        else:
            self.path = _one_path(path)
        self.loader = _checked(loader)
        if check not in ("content", "stat"):
            raise ValueError(f"check takes 'content' or 'stat', not {check!r}")
        self.check = check


class PlaceholderDep(Artifact):
    """A dep whose path is given in `pivot.yaml`, or by the pipeline that the function is put in."""

    __slots__ = ()

    def __init__(self, loader: Loader | None = None) -> None:
        self.path = ""
        self.loader = _checked(loader)


class Out(Artifact):
    """A file or folder that a stage makes, in what it returns or as a parameter.

    What is returned is saved by `loader` (without one: as the path's suffix says). As a parameter
    the path arrives. The flags are those of `outs` in `pivot.yaml`.
    """

    __slots__ = ("cache", "desc", "persist", "push", "remote", "resume")

    def __init__(
        self,
        path: Path,
        loader: Loader | None = None,
        *,
        cache: bool = True,
        persist: bool = False,
        push: bool = True,
        remote: str | None = None,
        resume: bool = False,
        desc: str | None = None,
    ) -> None:
        super().__init__(path, loader)
        for name, value in (
            ("cache", cache),
            ("persist", persist),
            ("push", push),
            ("resume", resume),
        ):
            if not isinstance(value, bool):
                raise TypeError(f"{name} takes True or False, not {value!r}")
        self.cache = cache
        self.persist = persist
        self.push = push
        self.remote = remote
        self.resume = resume
        self.desc = desc


class Metric(Out):
    """An out that `pivot metrics` shows."""

    __slots__ = ()


class Plot(Out):
    """An out that `pivot plots` draws: columns `x` and `y`, a `template`."""

    __slots__ = ("template", "title", "x", "x_label", "y", "y_label")

    def __init__(
        self,
        path: Path,
        loader: Loader | None = None,
        *,
        x: str | None = None,
        y: str | list[str] | dict[str, Any] | None = None,
        template: str | None = None,
        title: str | None = None,
        x_label: str | None = None,
        y_label: str | None = None,
        cache: bool = True,
        persist: bool = False,
        push: bool = True,
        remote: str | None = None,
        resume: bool = False,
        desc: str | None = None,
    ) -> None:
        super().__init__(
            path,
            loader,
            cache=cache,
            persist=persist,
            push=push,
            remote=remote,
            resume=resume,
            desc=desc,
        )
        self.x = x
        self.y = y
        self.template = template
        self.title = title
        self.x_label = x_label
        self.y_label = y_label


class IncrementalOut(Out):
    """An out that a stage goes on with: its previous version is there when the stage starts.

    As a parameter with a loader, the previous value arrives (at first an empty one), and is saved
    after the call; annotated as a `Path`, the stage changes the file in place. A run that fails
    leaves the version from before.
    """

    __slots__ = ()


class DirectoryOut(Out):
    """A folder: what is returned is a mapping of relative paths to values, each saved by `loader`.

    Without a loader each file's suffix says how it is saved. As a parameter the path of the empty
    folder arrives, for the stage to fill.
    """

    __slots__ = ()


def _one_path(path: object) -> str:
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else path
    if not isinstance(text, str):
        raise TypeError(f"a path is a text, not {path!r}")
    if not text.strip() or any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise ValueError(f"{text!r} is not a path")
    return text


def _checked(loader: Any) -> Any:
    if loader is None or hasattr(loader, "load") or hasattr(loader, "save"):
        if isinstance(loader, type):
            raise TypeError(f"a loader is made by calling its class: {loader.__name__}()")
        return loader
    raise TypeError(f"a loader has load(path) and save(value, path); {loader!r} has not")
