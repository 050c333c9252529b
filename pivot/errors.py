"""Every error that Pivot raises on purpose: what is wrong, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

EXIT_FAILED = 1  # a stage or a check failed
EXIT_INPUT = 2  # the user's input is wrong
EXIT_DEFECT = 70  # a defect of Pivot's own
EXIT_BUSY = 75  # another run holds the project
EXIT_INTERRUPTED = 130  # Ctrl-C or SIGTERM


class Where:
    """A place in a user's file: project-relative path, 1-based line and column (0: unknown)."""

    __slots__ = ("column", "file", "line")

    def __init__(self, file: str, line: int = 0, column: int = 0) -> None:
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        text = self.file
        if self.line:
            text += f":{self.line}"
            if self.column:
                text += f":{self.column}"
        return text

    def __repr__(self) -> str:
        return f"Where({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Where) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class PivotError(Exception):
    """The base of all deliberate errors.

    `message` says what is wrong in one line, `hint` what to do next, `where` points into the
    user's file. Only `cli` catches, prints and exits (with `exit_code`).
    """

    exit_code = EXIT_INPUT

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        where: Where | None = None,
        exit_code: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        if exit_code is not None:
            self.exit_code = exit_code

    @property
    def errors(self) -> tuple[PivotError, ...]:
        """Each thing that is wrong: this one, and of PivotErrors those found in one go."""
        return (self,)

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}; {self.hint}" if self.hint else head


class ConfigError(PivotError):
    """A pipeline, params or configuration file that cannot be used."""


class InstallationError(PivotError):
    """Something that Pivot brings along is not there: says nothing of the files it was to read."""


class SourceError(PivotError):
    """Project code that cannot be read: a syntax error, a missing module or definition."""


class GraphError(PivotError):
    """Stages that do not form a graph: cycles, overlapping outs, unknown targets."""


class StoreError(PivotError):
    """Bytes that cannot be stored, found or trusted."""

    exit_code = EXIT_FAILED


class RunError(PivotError):
    """A stage that failed, or a run that could not go on."""

    exit_code = EXIT_FAILED


class BusyError(PivotError):
    """Another process holds the project."""

    exit_code = EXIT_BUSY


class PivotErrors(PivotError):
    """Several errors found in one go; each stays an error of its own in `errors`."""

    def __init__(self, errors: Sequence[PivotError]) -> None:
        self._errors = tuple(errors)
        super().__init__(
            "\n".join(map(str, errors)),
            exit_code=max((error.exit_code for error in errors), default=EXIT_INPUT),
        )

    @property
    def errors(self) -> tuple[PivotError, ...]:
        return self._errors

    def __str__(self) -> str:
        return self.message


def raise_all(errors: Sequence[PivotError]) -> None:
    """Raise nothing, the one error, or all of them together."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise PivotErrors(errors)


def shown_value(value: object) -> str:
    """What a file holds in the place of something else, in few words: `a list`, `'abc'`."""
    import datetime  # what only errors need

    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "an empty list" if not value else "a list"
    if isinstance(value, datetime.date):
        return f"the date {value}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most likely meant by `name`, or None where nothing is close."""
    # difflib costs 5 ms to import and is needed only once something is wrong already
    import difflib

    candidates = list(known)
    folded = {candidate.lower(): candidate for candidate in candidates}
    if name.lower() in folded:
        return folded[name.lower()]
    found = difflib.get_close_matches(name, candidates, n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """`did you mean 'x'?` for a name a person typed, or None where nothing is close."""
    found = nearest(name, known)
    return f"did you mean '{found}'?" if found else None
