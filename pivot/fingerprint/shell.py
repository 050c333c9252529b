"""Command lines as a shell would read them: simple commands, their words and redirections.

A reader, not a shell: variables are substituted where the text itself sets them, command
substitutions are read as commands, and what cannot be known stays as it is written.
"""

from __future__ import annotations

from typing import NamedTuple

_OPERATORS = ("&&", "||", ";;", "|&", ";", "|", "&", "\n", "(", ")")
#: Words that may stand before a command without being one.
_KEYWORDS = frozenset(("if", "then", "else", "elif", "while", "until", "do", "!", "time", "{"))
_DEEPEST = 50  # substitutions within substitutions
_SENTINEL = "\0"  # around the name of a variable within a word


class Simple(NamedTuple):
    """One simple command: words (program first), and its redirections.

    `assignments` stand before the program; `reads` are files its input comes from, `writes` files
    its output goes to; `text` is the body of a here-document. A subshell's parentheses come as
    commands of their own, `(` and `)`.
    """

    words: tuple[str, ...]
    assignments: tuple[tuple[str, str], ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    text: str | None = None


class _Tokens:
    """Splits a text into words, operators and redirections."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.nested: list[str] = []  # texts of command substitutions
        self.items: list[tuple[str, str]] = []  # ('word' | 'op' | 'redirect' | 'here', text)
        self._pending: list[tuple[int, str, bool]] = []  # here-documents whose body is to come

    def read(self) -> list[tuple[str, str]]:
        text = self.text
        while self.at < len(text):
            char = text[self.at]
            if char in " \t\r":
                self.at += 1
            elif text.startswith("\\\n", self.at):
                self.at += 2
            elif char == "#":
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end
            elif self._redirection() or self._operator():
                continue
            else:
                self.items.append(("word", self._word()))
        return self.items

    def _operator(self) -> bool:
        for operator in _OPERATORS:
            if self.text.startswith(operator, self.at):
                self.at += len(operator)
                self.items.append(("op", operator))
                if operator == "\n":
                    self._bodies()
                return True
        return False

    def _redirection(self) -> bool:
        text, at = self.text, self.at
        start = at
        while at < len(text) and text[at].isdigit():
            at += 1
        if text.startswith("&>", at):
            at += 1
        if at >= len(text) or text[at] not in "<>":
            return False
        if text.startswith(("<(", ">("), at):
            return False
        operator = text[at]
        at += 1
        while at < len(text) and text[at] in "<>&|-" and len(operator) < 3:
            operator += text[at]
            at += 1
        self.at = at
        if operator.endswith("&"):  # 2>&1
            self._word()
            return True
        while self.at < len(text) and text[self.at] in " \t":
            self.at += 1
        del start
        if operator in ("<<", "<<-"):
            word = self._word()
            self.items.append(("here", ""))
            self._pending.append((len(self.items) - 1, word, operator == "<<-"))
        elif operator == "<<<":
            self._word()
        elif operator == "<":
            self.items.append(("reads", self._word()))
        else:
            self.items.append(("writes", self._word()))
        return True

    def _bodies(self) -> None:
        for place, delimiter, tabs in self._pending:
            body = []
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = min(end + 1, len(self.text))
                if (line.lstrip("\t") if tabs else line) == delimiter:
                    break
                body.append(line)
            self.items[place] = ("here", "\n".join(body) + "\n")
        self._pending.clear()

    def _word(self) -> str:
        text, out = self.text, []
        while self.at < len(text):
            char = text[self.at]
            if char in " \t\r\n;|&()<>":
                if char in "<>" and text.startswith("(", self.at + 1):  # <(command)
                    self.at += 1
                    self._substitution()
                    out.append("$(")
                    continue
                break
            if char == "'":
                end = text.find("'", self.at + 1)
                end = len(text) if end < 0 else end
                out.append(text[self.at + 1 : end])
                self.at = end + 1
            elif char == '"':
                self.at += 1
                while self.at < len(text) and text[self.at] != '"':
                    out.append(self._piece(quoted=True))
                self.at += 1
            else:
                out.append(self._piece(quoted=False))
        return "".join(out)

    def _piece(self, *, quoted: bool) -> str:
        text, char = self.text, self.text[self.at]
        if char == "\\" and self.at + 1 < len(text):
            following = text[self.at + 1]
            self.at += 2
            if following == "\n":
                return ""
            return following if not quoted or following in '"\\$`' else char + following
        if char == "`":
            end = text.find("`", self.at + 1)
            end = len(text) if end < 0 else end
            self.nested.append(text[self.at + 1 : end])
            self.at = end + 1
            return "$("
        if char == "$":
            return self._dollar()
        self.at += 1
        return char

    def _dollar(self) -> str:
        text = self.text
        self.at += 1
        if text.startswith("(", self.at):
            self._substitution()
            return "$("
        if text.startswith("{", self.at):
            end = text.find("}", self.at)
            end = len(text) if end < 0 else end
            name = text[self.at + 1 : end]
            self.at = end + 1
            return f"{_SENTINEL}{name}{_SENTINEL}"
        start = self.at
        while self.at < len(text) and (text[self.at].isalnum() or text[self.at] == "_"):
            self.at += 1
        name = text[start : self.at]
        return f"{_SENTINEL}{name}{_SENTINEL}" if name else "$"

    def _substitution(self) -> None:
        """Keep the text inside the parentheses that begin here."""
        depth, start = 0, self.at + 1
        while self.at < len(self.text):
            char = self.text[self.at]
            depth += (char == "(") - (char == ")")
            self.at += 1
            if depth == 0:
                break
        self.nested.append(self.text[start : self.at - 1])


def parse(text: str, depth: int = 0) -> list[Simple]:
    """The simple commands of a text, in order; those of command substitutions after the rest."""
    if depth > _DEEPEST:
        return []
    tokens = _Tokens(text)
    commands: list[Simple] = []
    words: list[str] = []
    redirections: dict[str, list[str]] = {"reads": [], "writes": [], "here": []}

    def finish() -> None:
        simple = _simple(words, redirections)
        if simple is not None:
            commands.append(simple)
        words.clear()
        for found in redirections.values():
            found.clear()

    for kind, value in tokens.read():
        if kind == "word":
            words.append(value)
        elif kind == "op":
            if value == "(" and words and not redirections["reads"]:
                words.clear()  # a function's name, or an array
            finish()
            if value in "()":
                commands.append(Simple((value,)))
        else:
            redirections[kind].append(value)
    finish()
    for inner in tokens.nested:
        commands.extend(parse(inner, depth + 1))
    return commands


def _simple(words: list[str], redirections: dict[str, list[str]]) -> Simple | None:
    rest = list(words)
    while rest and rest[0] in _KEYWORDS:
        rest.pop(0)
    assignments = []
    while rest:
        name, equals, value = rest[0].partition("=")
        if not equals or not name.isidentifier():
            break
        assignments.append((name, value))
        rest.pop(0)
    here = redirections["here"]
    if not rest and not assignments and not redirections["reads"]:
        return None
    return Simple(
        tuple(rest),
        tuple(assignments),
        tuple(redirections["reads"]),
        tuple(redirections["writes"]),
        here[-1] if here else None,
    )


def expand(word: str, variables: dict[str, str]) -> str:
    """The word with the variables substituted that are known; others are written `$NAME`."""
    if _SENTINEL not in word:
        return word
    parts = word.split(_SENTINEL)
    for place in range(1, len(parts), 2):
        name, _, default = parts[place].partition(":-")
        parts[place] = variables.get(name, default or f"${name}")
    return "".join(parts)
