"""The documented options of remotes are those there are."""

import re
from pathlib import Path

from pivot.store.remotes.options import BY_SCHEME

PAGE = Path(__file__).parents[2] / "docs" / "remotes.md"


def test_every_option_is_documented():
    named = set(re.findall(r"`([a-z_]+)`", PAGE.read_text()))
    options = {option for known in BY_SCHEME.values() for option in known}
    assert options <= named


def test_only_known_options_stand_in_the_table_of_s3():
    table = PAGE.read_text().partition("**S3.**")[2].partition("Bytes are moved")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert named <= set(BY_SCHEME["s3"])
