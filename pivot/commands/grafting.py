"""Carries a change over to a text that differs from the changed one in its layout alone."""

from __future__ import annotations

from difflib import SequenceMatcher


def graft(text: str, plain: str, edited: str) -> str | None:
    """`text` with what leads from `plain` to `edited`; None where the place is not clear.

    A YAML editor writes a document its own way (`plain`), so that its edit (`edited`) lays out
    anew what nobody touched. Only the lines that the edit itself made differ are taken over.
    """
    ours, theirs, wanted = (part.splitlines(keepends=True) for part in (text, plain, edited))
    place: dict[int, int] = {len(theirs): len(ours)}
    for theirs_at, ours_at, size in _matches(theirs, ours):
        place |= {theirs_at + step: ours_at + step for step in range(size)}
    merged: list[str] = []
    done = 0
    for start, end, new_start, new_end in _changes(theirs, wanted):
        # a line put in goes behind the one it follows, which has to be known
        first = place.get(start) if start < end else _behind(place, start)
        if first is None or first < done:
            return None
        if any(place.get(start + step) != first + step for step in range(end - start)):
            return None
        merged += [*ours[done:first], *wanted[new_start:new_end]]
        done = first + end - start
    return "".join([*merged, *ours[done:]])


def _behind(place: dict[int, int], line: int) -> int | None:
    if line == 0:
        return 0
    before = place.get(line - 1)
    return None if before is None else before + 1


def _matches(one: list[str], other: list[str]) -> list[tuple[int, int, int]]:
    return [
        (found.a, found.b, found.size)
        for found in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    ]


def _changes(one: list[str], other: list[str]) -> list[tuple[int, int, int, int]]:
    return [
        (start, end, new_start, new_end)
        for tag, start, end, new_start, new_end in SequenceMatcher(
            None, one, other, autojunk=False
        ).get_opcodes()
        if tag != "equal"
    ]
