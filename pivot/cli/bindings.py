"""What a parameter of a stage's function receives, in words: `keep=2 -> keep=3`."""

from __future__ import annotations

from typing import Any

_OPTIONS = " options={"


def binding_change(old: str | None, new: str | None) -> tuple[str, str]:
    """Of two bindings (`dep a.txt loader=x options={...}`) the parts that differ, as people read
    them; '(none)' for a side that has nothing else.
    """
    before, after = _parts(old), _parts(new)
    return (
        " ".join(part for part in before if part not in after) or "(none)",
        " ".join(part for part in after if part not in before) or "(none)",
    )


def _parts(text: str | None) -> list[str]:
    """What is bound, then its loader, each option, and flags."""
    if not text:
        return []
    head, found, rest = text.partition(_OPTIONS)
    options: list[str] = []
    if found:
        try:
            value, end = _value("{" + rest, 0)
            options = [f"{name}={_shown(item)}" for name, item in value.items()]
            rest = rest[end - 1 :]
        except (ValueError, IndexError, AttributeError):
            return [text]  # of another version
    what, found, loader = head.partition(" loader=")
    named = [f"loader={loader}"] if found else []
    return [what, *named, *options, *rest.split()]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _value(text: str, at: int) -> tuple[Any, int]:
    """The value whose canonical form (see `digest.canonical`) begins at a place, and its end."""
    sign = text[at]
    if sign == "s":
        colon = text.index(":", at)
        end = colon + 1 + int(text[at + 1 : colon])
        return text[colon + 1 : end], end
    if sign in "nt":
        return (None if sign == "n" else True), at + 2
    if sign == "f":
        return False, at + 2
    if sign in "id":
        end = text.index(";", at)
        return (int if sign == "i" else float)(text[at + 1 : end]), end + 1
    if sign == "{":
        found = {}
        at += 1
        while text[at] != "}":
            key, at = _value(text, at)
            found[key], at = _value(text, at)
        return found, at + 1
    if sign == "[":
        items = []
        at += 1
        while text[at] != "]":
            item, at = _value(text, at)
            items.append(item)
        return items, at + 1
    raise ValueError(f"no canonical form: {text[at : at + 20]}")
