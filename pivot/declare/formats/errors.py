"""What is said of a file that cannot be read or written as asked."""

from __future__ import annotations


class LoaderError(Exception):
    """Something the user has to change or install, said in full."""
