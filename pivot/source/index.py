"""What is kept of a module after reading it: plain tuples that can be cached and moved.

An index depends on the file's content alone: not on its path, its module name, the project, or
the Python version that read it.
"""

from __future__ import annotations

import marshal
from typing import Any, NamedTuple

#: Bump whenever an index of the same content would come out differently.
INDEX_VERSION = 6

#: Bits of Unit.flags.
READS_DOC = 1  # an attribute `__doc__`, inspect.getdoc
READS_ANNOTATIONS = 2  # __annotations__, get_type_hints, inspect.signature
READS_SUBCLASSES = 4  # __subclasses__
WHOLE_MODULE = 8  # globals()[computed], eval(computed), vars() of the module itself

FLAG_ATTRIBUTES = {
    "__doc__": READS_DOC,
    "__annotations__": READS_ANNOTATIONS,
    "__subclasses__": READS_SUBCLASSES,
}


class Executed(NamedTuple):
    """An import that runs: `import module` or `from module import name`, as it was written."""

    level: int
    module: str
    name: str  # '' for `import module`, '*' for a star
    line: int
    optional: bool  # within try: its absence is provided for
    when: str = ""  # '' | 'main' | 'typing'


class Imported(NamedTuple):
    """A module-level name bound by an import: to a module (`name` '') or to something in it."""

    level: int
    module: str
    name: str
    line: int
    when: str
    guard: str  # hash of the conditions it stands under, '' without any


class Unit(NamedTuple):
    """A top-level statement (below `if`: one for each branch's statements), normalized.

    `refs` are the global names it uses as dotted chains ('np.linalg.norm'); a chain on a name that
    a function imported itself is written '@level|module|name|rest'.
    """

    line: int
    kind: str  # 'def' | 'class' | 'other'
    binds: tuple[str, ...]
    hash: str
    docs: str  # hash of the docstrings that do not count, '' without any
    notes: str  # hash of the annotations that do not count, '' without any
    refs: tuple[str, ...]
    note_refs: tuple[str, ...]
    parameter_refs: tuple[str, ...]  # types in a function's parameters, or in `X = Annotated[...]`
    imports: tuple[Executed, ...]  # run when this unit's code runs
    when: str  # '' | 'main' | 'typing'
    effect: int  # 0: none, 1: if a chain below is project code, 2: always
    calls: tuple[str, ...]  # chains called when the module is imported
    passes: tuple[str, ...]  # chains handed to those calls
    decorators: tuple[str, ...]
    bases: tuple[str, ...]
    hooks: bool  # a class with __init_subclass__, a metaclass or class keywords
    runs_calls: bool  # any call at all at module level (what counts in a script)
    flags: int
    exposed: tuple[str, ...]  # chains handed to calls that read annotations (typer.run(main))
    environ: tuple[tuple[str, int], ...]
    opaque: tuple[tuple[str, int], ...]
    fields: str = ""  # of a class with literal defaults: its hash without them
    makes: tuple[str, ...] = ()  # chains called with literals alone for the defaults of fields
    plain: bool = False  # a class of nothing but fields and constants


class ParameterFact(NamedTuple):
    """One parameter as written; `annotation` is a text or (line, column, end line, end column)."""

    name: str
    kind: str
    required: bool
    annotation: str | tuple[int, int, int, int] | None


class SignatureFact(NamedTuple):
    """A `def` as written: `known` is False where a decorator may change what callers see."""

    line: int
    parameters: tuple[ParameterFact, ...]
    returns: str | tuple[int, int, int, int] | None
    known: bool


class ModuleIndex(NamedTuple):
    """Everything later steps ask about one module's text."""

    doc: str  # hash of the module's docstring
    units: tuple[Unit, ...]
    names: dict[str, tuple[int | Imported, ...]]  # name -> what binds it, in order
    stars: tuple[Imported, ...]
    imports: tuple[Executed, ...]  # module level, in order
    exports: tuple[str, ...] | None  # __all__ where literal
    exports_computed: bool
    signatures: dict[str, SignatureFact]  # 'f', 'Class' and 'Class.method'
    skeleton: str = ""  # digest of the text without the bodies of functions


def dump(index: ModuleIndex) -> bytes:
    """The index as bytes (marshal version 4, which every supported Python reads)."""
    plain: Any = (
        index.doc,
        tuple(
            (*unit[:9], tuple(tuple(item) for item in unit.imports), *unit[10:])
            for unit in index.units
        ),
        {
            name: tuple(b if isinstance(b, int) else tuple(b) for b in bindings)
            for name, bindings in index.names.items()
        },
        tuple(tuple(star) for star in index.stars),
        tuple(tuple(item) for item in index.imports),
        index.exports,
        index.exports_computed,
        {
            name: (fact.line, tuple(tuple(p) for p in fact.parameters), fact.returns, fact.known)
            for name, fact in index.signatures.items()
        },
        index.skeleton,
    )
    return marshal.dumps(plain, 4)


def load(data: bytes) -> ModuleIndex | None:
    """The index that `dump` wrote; None for anything else (a damaged cache is a miss)."""
    try:
        # written by this program into its own state; never data from elsewhere
        doc, units, names, stars, imports, exports, computed, facts, rest = marshal.loads(data)  # noqa: S302
        return ModuleIndex(
            doc,
            tuple(
                Unit._make((*unit[:9], tuple(Executed(*item) for item in unit[9]), *unit[10:]))
                for unit in units
            ),
            {
                name: tuple(b if isinstance(b, int) else Imported(*b) for b in bindings)
                for name, bindings in names.items()
            },
            tuple(Imported(*star) for star in stars),
            tuple(Executed(*item) for item in imports),
            exports,
            computed,
            {
                name: SignatureFact(line, tuple(ParameterFact(*p) for p in parameters), back, known)
                for name, (line, parameters, back, known) in facts.items()
            },
            rest,
        )
    except (ValueError, TypeError, EOFError, AttributeError):
        return None
