"""What the YAML parser complains about, in words that say what to change."""

from __future__ import annotations

import re
from typing import Any

from ..errors import ConfigError, Where

_CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
_EXPRESSION = re.compile(r"\$\{[^}\n]*\}")

#: (part of the parser's problem, what is wrong, what to do)
_WORDS = (
    (
        "mapping values are not allowed",
        "a second ':' on this line cannot start a value",
        "quote a text that holds ': ', and check that nested keys are indented on their own lines",
    ),
    (
        "did not find expected key",
        "this line does not fit the mapping around it",
        "indent keys of one mapping alike",
    ),
    (
        "did not find expected '-' indicator",
        "this line does not fit the list around it",
        "indent the items of one list alike, each with '- '",
    ),
    ("could not find expected ':'", "a key without ':' after it", "write 'key: value'"),
    (
        "block sequence entries are not allowed",
        "a list item cannot stand here",
        "start the list on its own line below the key",
    ),
    ("block mapping values", "a mapping cannot stand here", None),
    (
        "did not find expected ',' or '}'",
        "'{' is not closed, or a ',' is missing",
        "quote texts that hold braces or commas",
    ),
    (
        "did not find expected ',' or ']'",
        "'[' is not closed, or a ',' is missing",
        "quote texts that hold brackets or commas",
    ),
    (
        "did not find expected node content",
        "a value is missing here",
        "quote texts that begin with one of [ ] { } , & * # ? | - < > = ! % @ `",
    ),
    (
        "found unknown escape character",
        "an unknown escape in a double-quoted text",
        "use single quotes",
    ),
    ("did not find expected hexdecimal number", "a broken \\x or \\u escape", "use single quotes"),
    (
        "did not find expected comment or line break",
        "text after '|' or '>'",
        "start it on the next line",
    ),
    (
        "found undefined tag handle",
        "an unknown tag",
        "remove the tag, or quote a text that begins with '!'",
    ),
    ("found duplicate anchor", "an anchor is defined twice", None),
    ("exceeded maximum", "nested too deep", None),
    ("control characters are not allowed", "a control character", "remove it"),
    ("special characters are not allowed", "a control character", "remove it"),
)


def refuse_conflict(text: str, file: str) -> None:
    """Raise ConfigError where a text that is not well formed has what an unfinished merge left."""
    found = _CONFLICT.search(text)
    if found is not None:
        raise ConfigError(
            "it has conflict markers",
            hint="finish the merge: keep what is meant, and remove the markers",
            where=Where(file, text.count("\n", 0, found.start()) + 1, 1),
        )


def syntax_error(error: Any, text: str, file: str) -> ConfigError:
    """The ConfigError for what `yaml` raised while parsing `text`."""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    mark: Any = getattr(error, "problem_mark", None)
    context_mark: Any = getattr(error, "context_mark", None) or mark
    if mark is None:
        return _at_character(error, problem, text, file)
    lines = [*text.split("\n"), ""]
    unquoted = _unquoted_expression(lines, context_mark.line, mark.line, file)
    if unquoted:
        return unquoted
    where = Where(file, mark.line + 1, mark.column + 1)
    context = str(getattr(error, "context", None) or "")
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "unexpected end of stream" in problem or "unexpected document indicator" in problem:
        start = Where(file, context_mark.line + 1, context_mark.column + 1)
        return ConfigError("the quote that opens here is never closed", where=start)
    tab = _tab(line, mark.column)
    if tab and ("cannot start any token" in problem or "tab" in problem):
        return ConfigError(
            "a tab; YAML is indented with spaces",
            hint="replace the tab by spaces",
            where=Where(file, mark.line + 1, tab),
        )
    if "cannot start any token" in problem:
        character = line[mark.column : mark.column + 1]
        return ConfigError(
            f"a value cannot begin with '{character}'", hint="quote the text", where=where
        )
    at_end = mark.line >= len(lines) or not "".join(lines[mark.line :])[mark.column :].strip()
    opened = lines[context_mark.line][context_mark.column : context_mark.column + 1]
    if at_end and opened and opened in "[{":
        where = Where(file, context_mark.line + 1, context_mark.column + 1)
        return ConfigError(f"the '{opened}' that opens here is never closed", where=where)
    if at_end and "expected node content" in problem:
        return ConfigError(
            "the file ends where a value is missing", hint="close '[' or '{'", where=where
        )
    if "scanning an alias" in context or "scanning an anchor" in context:
        return ConfigError(
            f"'{line[context_mark.column : context_mark.column + 1]}' must be followed by a name",
            hint="quote a text that begins with '*' or '&'",
            where=Where(file, context_mark.line + 1, context_mark.column + 1),
        )
    for part, words, hint in _WORDS:
        if part in problem:
            return ConfigError(_with_text(words, line), hint=hint, where=where)
    said = f"{problem} {context}".strip()
    return ConfigError(_with_text(f"not valid YAML: {said}", line), where=where)


def _with_text(words: str, line: str) -> str:
    shown = line.strip()
    if len(shown) > 60:
        shown = shown[:57] + "..."
    return f"{words}: {shown}" if shown else words


def _tab(line: str, column: int) -> int:
    """The column (from 1) of a tab in the indentation or where the parser stopped, else 0."""
    if line[column : column + 1] == "\t":
        return column + 1
    indentation = line[: len(line) - len(line.lstrip())]
    return indentation.find("\t") + 1


def _at_character(error: Any, problem: str, text: str, file: str) -> ConfigError:
    """The parser's reader stops at characters that YAML does not allow, by position alone."""
    position = int(getattr(error, "position", 0) or 0)
    # the position may count bytes: find the character that is meant
    for index, character in enumerate(text):
        if (character < " " and character not in "\t\n\r") or character in "\x7f\ufffe\uffff":
            position = index
            break
    before = text[:position]
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    code = f" (U+{ord(text[position]):04X})" if position < len(text) else ""
    del problem
    return ConfigError(
        f"a character that YAML does not allow{code}",
        hint="remove it, or write it as an escape in double quotes",
        where=Where(file, line, column),
    )


def _unquoted_expression(lines: list[str], first: int, last: int, file: str) -> ConfigError | None:
    """`[${x}]` without quotes: to YAML its braces are those of a mapping."""
    for number in range(min(first, last), min(last + 1, len(lines))):
        line = lines[number]
        for found in _EXPRESSION.finditer(line):
            before = line[: found.start()]
            if before.count('"') % 2 or before.count("'") % 2 or "#" in before:
                continue
            if not (set("[{") & set(before)) and number == first == last:
                continue
            start = max(before.rfind(mark) for mark in "[{,: ") + 1
            end = min(
                (
                    place
                    for place in (line.find(mark, found.end()) for mark in ",]} ")
                    if place >= 0
                ),
                default=len(line),
            )
            whole = line[start:end]
            return ConfigError(
                f"{found.group()} inside [...] or {{...}} needs quotes, since braces belong to "
                "YAML there",
                hint=f'write "{whole}"',
                where=Where(file, number + 1, start + 1),
            )
    return None
