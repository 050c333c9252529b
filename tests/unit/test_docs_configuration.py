"""The documented configuration is the one there is."""

import re
from pathlib import Path

from pivot.settings import KEYS

TABLE = Path(__file__).parents[2] / "docs" / "configuration.md"


def rows():
    for line in TABLE.read_text().splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_every_key_is_documented_with_its_type_and_dvc_equivalent():
    documented = {row[0].strip("`"): row for row in rows()}
    assert set(documented) == {spec.name for spec in KEYS}
    for spec in KEYS:
        kind = documented[spec.name][1]
        assert kind.partition(":")[0] == spec.type
        if spec.choices:
            assert tuple(re.split(r",\s*", kind.partition(": ")[2])) == spec.choices
        if spec.dvc:
            assert spec.dvc in documented[spec.name][4]


def test_constant_defaults_are_the_documented_ones():
    documented = {row[0].strip("`"): row[2] for row in rows()}
    for spec in KEYS:
        if spec.default is not None:
            expected = str(spec.default).lower() if spec.type == "bool" else str(spec.default)
            assert documented[spec.name] == expected
