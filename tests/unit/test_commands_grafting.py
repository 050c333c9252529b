"""A change made to one layout of a text, carried over to another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pivot.commands.grafting import graft

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n"]), max_size=8).map("".join)


def test_a_line_put_in_goes_behind_the_line_it_follows() -> None:
    assert graft("a:  1\nb: 2\nc:  3\n", "a: 1\nb: 2\nc: 3\n", "a: 1\nb: 2\nx: 9\nc: 3\n") == (
        "a:  1\nb: 2\nx: 9\nc:  3\n"
    )


def test_a_change_of_a_line_that_was_laid_out_otherwise_has_no_place() -> None:
    assert graft("a:  1\n", "a: 1\n", "a: 2\n") is None


@given(LINES, LINES)
def test_where_the_layout_is_the_same_the_edit_itself_comes_out(text: str, edited: str) -> None:
    assert graft(text, text, edited) == edited


@given(LINES, LINES)
def test_without_a_change_nothing_changes(text: str, plain: str) -> None:
    assert graft(text, plain, plain) == text
