"""The line that tells of long hashing: patient, and gone when it is over."""

import io
import sys

import pytest

from pivot.cli import meter
from pivot.cli.meter import Meter, size_text


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    ticking = Clock()
    monkeypatch.setattr(meter, "time", ticking)
    return ticking


def work(meter, clock, seconds, *, bytes_a_step=1_000_000):
    for _ in range(int(seconds * 10)):
        meter(bytes_a_step)
        clock.now += 0.1


def test_nothing_is_said_within_a_second(clock):
    counting = Meter()
    work(counting, clock, 0.5)
    assert counting.text() == ""


def test_after_a_second_the_bytes_and_their_rate_are_told(clock):
    counting = Meter()
    work(counting, clock, 2)
    assert counting.text() == "hashing and storing 20 MB (10 MB/s)"


def test_what_was_done_before_a_pause_does_not_count(clock):
    counting = Meter()
    work(counting, clock, 2)
    clock.now += 5
    assert counting.text() == ""
    work(counting, clock, 2, bytes_a_step=100)
    assert counting.text() == "hashing and storing 2.0 kB (1.0 kB/s)"


def test_a_line_of_its_own_is_taken_away(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    counting = Meter(draws=True)
    work(counting, clock, 2)
    drawn = sys.stderr.getvalue()
    assert "\rhashing and storing" in drawn
    counting.yield_line()
    assert sys.stderr.getvalue().endswith(" \r")
    work(counting, clock, 2)
    assert sys.stderr.getvalue().endswith(" \r")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (14_200, "14 kB"),
        (2e9, "2.0 GB"),
        (3e12, "3.0 TB"),
    ],
)
def test_sizes_for_people(size, text):
    assert size_text(size) == text
