"""Waiting for what will come true, and the one bound after which a test counts as hung."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from typing import Any

#: Seconds; far above what anything takes on a busy machine, since no test is about speed.
PATIENCE = float(os.environ.get("PIVOT_TEST_PATIENCE", "120"))


def until(
    condition: Callable[[], object],
    process: subprocess.Popen[Any] | None = None,
    what: Callable[[], object] = lambda: "it never came true",
) -> None:
    """Return once `condition` is true; fail after `PATIENCE`, or when `process` ends before it.

    `what` is asked then for what to say.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, what()
        time.sleep(0.005)
