"""What the exit code tells of an error, and what is said of it."""

from __future__ import annotations

import sys

import pytest

from pivot.cli.failures import exit_code_of
from pivot.errors import EXIT_DEFECT, EXIT_INPUT, EXIT_INTERRUPTED, ConfigError


class _Interrupting:
    """As where a signal arrives while a class is being made."""

    def __set_name__(self, owner: type, name: str) -> None:
        raise KeyboardInterrupt


def test_an_interruption_is_one_whatever_python_makes_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises((KeyboardInterrupt, RuntimeError)) as caught:
        type("Made", (), {"field": _Interrupting()})
    if sys.version_info < (3, 12):
        assert isinstance(caught.value, RuntimeError)
    for error in (KeyboardInterrupt(), caught.value):
        assert exit_code_of(error, ["repro"]) == EXIT_INTERRUPTED
        assert capsys.readouterr().err == "interrupted\n"


def test_other_errors_keep_their_codes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pivot.cli.failures._log", lambda *_: None)
    assert exit_code_of(ConfigError("it is wrong", hint="mend it"), []) == EXIT_INPUT
    assert capsys.readouterr().err == "error: it is wrong\n  mend it\n"
    while_interrupted = RuntimeError("while cleaning up")
    while_interrupted.__context__ = KeyboardInterrupt()
    assert exit_code_of(while_interrupted, []) == EXIT_DEFECT
    assert "a defect of Pivot's own: RuntimeError: while cleaning up" in capsys.readouterr().err
