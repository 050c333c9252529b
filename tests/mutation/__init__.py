"""Mutates the examples' code systematically and runs it: changed output needs a changed fingerprint.

`python -m tests.mutation` (from the repository root) prints the counts; `--sample N` takes every
N-th mutant, `--json` prints them as JSON.
"""
