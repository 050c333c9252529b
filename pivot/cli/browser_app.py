"""The application behind the interactive view of `diff`. Imported where textual is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, Input, Static

from ..tables.memory import text_of
from ..tables.model import KINDS, Comparison, Kind, Query, RowChange
from .tables import summary_lines

if TYPE_CHECKING:
    from rich.text import Text

_PAGE = 200  # rows loaded at a time
_AHEAD = 50  # more are loaded when the cursor is as near to the end
_WIDTH = 40  # characters of a cell
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_STYLES = {"added": "green", "removed": "red", "changed": "yellow"}


class Browser(App[None]):
    """Rows that differ, with keys to choose kinds, search, and look at one column."""

    CSS = """
    #summary { padding: 0 1; height: auto; max-height: 6; background: $panel; }
    #state { padding: 0 1; height: 1; color: $text-muted; }
    #search { display: none; }
    #search.shown { display: block; }
    DataTable { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "show_kind('added')", "Added"),
        Binding("r", "show_kind('removed')", "Removed"),
        Binding("c", "show_kind('changed')", "Changed"),
        Binding("slash", "search", "Search"),
        Binding("f", "focus_column", "Only this column"),
        Binding("n", "next_change", "Next change"),
        Binding("escape", "clear", "Show all"),
        Binding("q", "quit", "Quit"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, path: str, comparison: Comparison) -> None:
        super().__init__()
        self._path = path
        self._comparison = comparison
        self._key = comparison.summary.key
        self._names = [name for name in comparison.columns if name not in self._key]
        self._query = Query()
        self._total = 0
        self._rows: list[RowChange] = []

    def compose(self) -> ComposeResult:
        yield Static(self._headline(), id="summary", markup=False)
        yield DataTable(id="rows", zebra_stripes=True, fixed_columns=1 + max(1, len(self._key)))
        yield Static(id="state", markup=False)
        yield Input(placeholder="search in all columns", id="search")
        yield Footer()

    def on_mount(self) -> None:
        """Fill the table."""
        self.title = self._path
        self._table.add_columns(" ", *(self._key or ("row",)), *self._names)
        self._table.focus()
        self._reload()

    # --- what keys do ---------------------------------------------------------------------

    def action_show_kind(self, kind: Kind) -> None:
        """Hide rows of a kind, or show them again."""
        kinds = set(self._query.kinds) ^ {kind}
        chosen = tuple(each for each in KINDS if each in kinds)
        self._ask(Query(chosen, self._query.column, self._query.search))

    def action_search(self) -> None:
        """Ask for a text to look for."""
        field = self.query_one("#search", Input)
        field.add_class("shown")
        field.focus()

    def action_focus_column(self) -> None:
        """Show the rows that changed in the column under the cursor, or all again."""
        name = self.column_under_cursor
        if name is None or self._query.column == name:
            name = None
        self._ask(Query(self._query.kinds, name, self._query.search))

    def action_next_change(self) -> None:
        """Move the cursor to the next cell that changed."""
        row, column = self._table.cursor_coordinate
        first = 1 + max(1, len(self._key))
        while row < len(self._rows):
            changed = [first + self._names.index(name) for name in self._rows[row].columns]
            later = [place for place in sorted(changed) if place > column]
            if later:
                self._table.move_cursor(row=row, column=later[0])
                return
            row, column = row + 1, -1
            self._load_towards(row)

    def action_clear(self) -> None:
        """Leave the search, or show everything again."""
        field = self.query_one("#search", Input)
        field.remove_class("shown")
        field.value = ""
        self._table.focus()
        self._ask(Query())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search for what was typed."""
        self.query_one("#search", Input).remove_class("shown")
        self._table.focus()
        self._ask(Query(self._query.kinds, self._query.column, event.value))

    def on_data_table_cell_highlighted(self, event: DataTable.CellHighlighted) -> None:
        """Load more rows before the cursor gets to the last one."""
        self._load_towards(event.coordinate.row)
        self._say_state()

    # --- what is shown --------------------------------------------------------------------

    @property
    def column_under_cursor(self) -> str | None:
        """The column that the cursor stands in; None in those that rows are known by."""
        place = self._table.cursor_column - 1 - max(1, len(self._key))
        return self._names[place] if 0 <= place < len(self._names) else None

    @property
    def shown(self) -> list[RowChange]:
        """The rows that are loaded."""
        return list(self._rows)

    @property
    def _table(self) -> DataTable[Any]:
        return self.query_one("#rows", DataTable)

    def _headline(self) -> str:
        return "\n".join([self._path, *summary_lines(self._comparison.summary)])

    def _ask(self, query: Query) -> None:
        if query != self._query:
            self._query = query
            self._reload()

    def _reload(self) -> None:
        self._total = self._comparison.count(self._query)
        self._rows = []
        column = self._table.cursor_column
        self._table.clear()
        self._load()
        self._table.move_cursor(row=0, column=column)
        self._say_state()

    def _load_towards(self, row: int) -> None:
        if row + _AHEAD >= len(self._rows) and len(self._rows) < self._total:
            self._load()

    def _load(self) -> None:
        for change in self._comparison.rows(self._query, len(self._rows), _PAGE):
            self._table.add_row(*self._cells(change))
            self._rows.append(change)

    def _cells(self, change: RowChange) -> list[Text]:
        from rich.text import Text

        style = _STYLES[change.kind]
        known = (
            [_short(change.values.get(name)) for name in self._key]
            if self._key
            else [str(change.new_row if change.new_row is not None else change.old_row)]
        )
        head = [Text(text, style) for text in (_SIGNS[change.kind], *known)]
        return head + [self._cell(change, name, style) for name in self._names]

    def _cell(self, change: RowChange, name: str, style: str) -> Text:
        from rich.text import Text

        if change.kind != "changed":
            return Text(_short(change.values.get(name)), style)
        assert change.old is not None
        assert change.new is not None
        if name not in change.columns:
            return Text(_short(change.new.get(name, change.old.get(name))), "dim")
        return Text.assemble(
            (_short(change.old[name]), "red strike"), " ", (_short(change.new[name]), "green bold")
        )

    def _say_state(self) -> None:
        query = self._query
        parts = [f"{self._total} of {self._comparison.count(Query())} differences"]
        if len(query.kinds) < len(KINDS):
            parts.append(f"kinds: {', '.join(query.kinds) or 'none'}")
        if query.column:
            parts.append(f"changed in '{query.column}'")
        if query.search:
            parts.append(f"with '{query.search}'")
        if self.column_under_cursor:
            parts.append(f"at '{self.column_under_cursor}'")
        self.query_one("#state", Static).update(" · ".join(parts))


def _short(value: Any) -> str:
    text = text_of(value).replace("\n", "⏎")
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
