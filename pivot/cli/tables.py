"""Shows how one file differs: a summary, rows as text, Markdown or JSON, lines, or sizes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..tables.memory import text_of
from ..tables.model import Comparison, Query, RowChange, Summary
from ..values import dataclass
from .output import note, plain, say, styled

if TYPE_CHECKING:
    from ..commands.tables import FileDiff
    from ..tables.content import ContentDiff, Facts

#: Rows shown where nobody says how many.
ROWS = 100
_PAGE = 500
_CELL = 60  # characters of a value in text and Markdown
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_STYLES = {"added": "green", "removed": "red", "changed": "yellow"}


@dataclass(frozen=True, slots=True)
class FileView:
    """How to show it: `limit` rows (0: all), or numbers alone with `summary`."""

    as_json: bool = False
    markdown: bool = False
    summary: bool = False
    limit: int = ROWS


def say_file_diff(found: FileDiff, view: FileView) -> None:
    """Print the difference of one file; a row at a time, so that its length costs no memory."""
    for remark in found.notes:
        note(remark)
    if view.as_json:
        for piece in _json(found, view):
            sys.stdout.write(piece)
    elif found.table is not None:
        lines = _table_markdown if view.markdown else _table_text
        for line in lines(found, found.table, view):
            say(line)
    elif found.content is not None:
        for line in _content(found, found.content, view):
            say(line)


# --- numbers -------------------------------------------------------------------------------


def _status(found: FileDiff) -> str:
    if found.old is None:
        return "added"
    return "removed" if found.new is None else "changed" if found.differs else "unchanged"


def summary_lines(summary: Summary) -> Iterator[str]:
    """The numbers of a comparison, in words."""
    how = f"matched by {', '.join(summary.key)}" if summary.key else "matched by position"
    yield f"{summary.old_rows} -> {summary.new_rows} rows, {how}"
    counts = {"added": summary.added, "removed": summary.removed, "changed": summary.changed}
    listed = [f"{count} {kind}" for kind, count in counts.items() if count]
    yield ", ".join([*(listed or ["none differ"]), f"{summary.unchanged} unchanged"])
    for column in summary.columns:
        if column.old is None:
            yield f"column '{column.name}' added ({column.new})"
        elif column.new is None:
            yield f"column '{column.name}' removed ({column.old})"
        else:
            yield f"column '{column.name}' was {column.old}, is {column.new}"
    if summary.is_reordered:
        yield "columns stand in another order"
    if summary.changed_in:
        ordered = sorted(summary.changed_in.items(), key=lambda item: -item[1])
        yield "changed in " + ", ".join(f"{name} ({count})" for name, count in ordered)
    if summary.repeated:
        keys = "1 key is" if summary.repeated == 1 else f"{summary.repeated} keys are"
        yield f"{keys} not unique: rows of the same key are matched in their order"


def _changes(table: Comparison, limit: int) -> Iterator[RowChange]:
    offset = 0
    while not limit or offset < limit:
        wanted = min(_PAGE, limit - offset) if limit else _PAGE
        rows = table.rows(Query(), offset, wanted)
        yield from rows
        if len(rows) < wanted:
            return
        offset += wanted


def _rest(summary: Summary, limit: int) -> int:
    total = summary.added + summary.removed + summary.changed
    return max(0, total - limit) if limit else 0


# --- text ----------------------------------------------------------------------------------


def _table_text(found: FileDiff, table: Comparison, view: FileView) -> Iterator[str]:
    summary = table.summary
    yield f"{found.path}: {_status(found)}"
    for line in summary_lines(summary):
        yield f"  {line}"
    if view.summary:
        return
    for change in _changes(table, view.limit):
        yield styled(row_text(change, summary.key), _STYLES[change.kind], sys.stdout)
    rest = _rest(summary, view.limit)
    if rest:
        yield f"  ... and {rest} more; `--limit 0` shows all"


def row_text(change: RowChange, key: Sequence[str]) -> str:
    """One row as a line: its sign, what it is known by, and its values, those that changed."""
    head = f"{_SIGNS[change.kind]} {_known_by(change, key)}"
    if change.kind == "changed":
        assert change.old is not None
        assert change.new is not None
        cells = [
            f"{name}: {_short(change.old[name])} -> {_short(change.new[name])}"
            for name in change.columns
        ]
    else:
        cells = [f"{name}={_short(v)}" for name, v in change.values.items() if name not in key]
    return "  ".join([head, *cells])


def _known_by(change: RowChange, key: Sequence[str]) -> str:
    if key:
        return " ".join(f"{name}={_short(change.values[name])}" for name in key)
    return f"row {change.new_row if change.new_row is not None else change.old_row}"


def _short(value: Any) -> str:
    if value is None:
        return "(none)"
    text = text_of(value)
    if text == "" or text != text.strip() or not text.isprintable():
        text = json.dumps(text, ensure_ascii=False)
    return text if len(text) <= _CELL else f"{text[: _CELL - 3]}..."


# --- Markdown ------------------------------------------------------------------------------


def _table_markdown(found: FileDiff, table: Comparison, view: FileView) -> Iterator[str]:
    summary = table.summary
    yield f"**`{found.path}`** {_status(found)}"
    yield ""
    for line in summary_lines(summary):
        yield f"- {_escaped(line)}"
    if view.summary or not summary.differs:
        return
    shown = _columns_shown(table)
    names = [*(summary.key or ("row",)), *shown]
    yield ""
    yield f"| | {' | '.join(map(_escaped, names))} |"
    yield f"|{' --- |' * (len(names) + 1)}"
    for change in _changes(table, view.limit):
        known = (
            [_markdown_cell(change.values[name]) for name in summary.key]
            if summary.key
            else [str(change.new_row if change.new_row is not None else change.old_row)]
        )
        cells = [_markdown_change(change, name) for name in shown]
        yield f"| {_SIGNS[change.kind]} | {' | '.join([*known, *cells])} |"
    rest = _rest(summary, view.limit)
    if rest:
        yield ""
        yield f"... and {rest} more."


def _columns_shown(table: Comparison) -> list[str]:
    """Columns in which anything differs; all of them where whole rows come or go."""
    summary = table.summary
    others = [name for name in table.columns if name not in summary.key]
    if summary.added or summary.removed:
        return others
    return [name for name in others if name in summary.changed_in]


def _markdown_change(change: RowChange, name: str) -> str:
    if change.kind != "changed" or name not in change.columns:
        return _markdown_cell(change.values.get(name))
    assert change.old is not None
    assert change.new is not None
    return f"~~{_markdown_cell(change.old[name])}~~ **{_markdown_cell(change.new[name])}**"


def _markdown_cell(value: Any) -> str:
    return "" if value is None or value == "" else _escaped(_short(value))


def _escaped(text: str) -> str:
    for character in "\\`*_~|<[]":
        text = text.replace(character, f"\\{character}")
    return text


# --- JSON ----------------------------------------------------------------------------------


def _json(found: FileDiff, view: FileView) -> Iterator[str]:
    """The difference as one JSON object, a piece at a time."""
    head: dict[str, Any] = {"path": found.path, "status": _status(found)}
    if found.content is not None:
        head |= _content_data(found.content)
        yield json.dumps(head, indent=2, ensure_ascii=False) + "\n"
        return
    assert found.table is not None
    head |= _summary_data(found.table.summary)
    rest = _rest(found.table.summary, view.limit)
    text = json.dumps({**head, "omitted": rest}, indent=2, ensure_ascii=False)
    if view.summary:
        yield json.dumps(head, indent=2, ensure_ascii=False) + "\n"
        return
    yield text.removesuffix("\n}") + ',\n  "changes": ['
    separator = "\n    "
    for change in _changes(found.table, view.limit):
        data = json.dumps(_change_data(change), default=plain, ensure_ascii=False)
        yield f"{separator}{data}"
        separator = ",\n    "
    yield ("]" if separator == "\n    " else "\n  ]") + "\n}\n"


def _summary_data(summary: Summary) -> dict[str, Any]:
    return {
        "kind": "table",
        "key": list(summary.key),
        "rows": {
            "old": summary.old_rows,
            "new": summary.new_rows,
            "added": summary.added,
            "removed": summary.removed,
            "changed": summary.changed,
            "unchanged": summary.unchanged,
        },
        "columns": [
            {"name": column.name, "old": column.old, "new": column.new}
            for column in summary.columns
        ],
        "reordered": summary.is_reordered,
        "changed_in": dict(summary.changed_in),
        "repeated_keys": summary.repeated,
    }


def _change_data(change: RowChange) -> dict[str, Any]:
    data: dict[str, Any] = {
        "kind": change.kind,
        "old_row": change.old_row,
        "new_row": change.new_row,
        "old": change.old,
        "new": change.new,
    }
    return {**data, "columns": list(change.columns)} if change.columns else data


def _content_data(content: ContentDiff) -> dict[str, Any]:
    return {
        "kind": content.kind,
        "old": _facts_data(content.old),
        "new": _facts_data(content.new),
        **({"diff": list(content.lines)} if content.kind == "text" else {}),
    }


def _facts_data(facts: Facts | None) -> dict[str, Any] | None:
    if facts is None:
        return None
    data: dict[str, Any] = {"size": facts.size, "digest": facts.digest}
    if facts.dimensions is not None:
        data |= {"width": facts.dimensions.width, "height": facts.dimensions.height}
    return data


# --- other files ---------------------------------------------------------------------------


def _content(found: FileDiff, content: ContentDiff, view: FileView) -> Iterator[str]:
    quote = f"**`{found.path}`**" if view.markdown else found.path
    yield f"{quote}: {_status(found)}" if not view.markdown else f"{quote} {_status(found)}"
    if content.differs and (view.summary or content.kind != "text"):
        yield f"  {_facts(content.old)} -> {_facts(content.new)}"
    if view.summary or not content.lines:
        return
    fence = "```"
    while any(fence in line for line in content.lines):
        fence += "`"
    if view.markdown:
        yield f"\n{fence}diff"
    for line in content.lines:
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        yield styled(line, style, sys.stdout) if style and not view.markdown else line
    if view.markdown:
        yield fence


def _facts(facts: Facts | None) -> str:
    if facts is None:
        return "(none)"
    algorithm, _, value = facts.digest.partition(":")
    parts = [f"{facts.size} bytes", f"{algorithm}:{value[:8]}"]
    return ", ".join([*([str(facts.dimensions)] if facts.dimensions else []), *parts])
