"""Small projects that several tests of the command line start from."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from harness import Sandbox

#: count -> top, both Python, and a command beside them.
WORDS: dict[str, str | bytes] = {
    "pivot.yaml": """
        stages:
          count:
            python: steps.count
            deps: {text: data/text.txt}
            outs: {counts: build/counts.json}
          top:
            python: steps.top
            deps: {counts: build/counts.json}
            params: {limit: "${limit}"}
            outs: {report: build/top.md}
          size:
            cmd: wc -c < data/text.txt > build/size.txt
            deps: [data/text.txt]
            outs: [build/size.txt]
        """,
    "params.yaml": "# how many words\nlimit: 2  # at least one\nother: {deep: [1, 2]}\n",
    "steps.py": """
        import json

        from words import split


        def count(text, counts):
            found = {}
            for word in split(text.read_text()):
                found[word] = found.get(word, 0) + 1
            counts.write_text(json.dumps(found))


        def top(counts, limit, report):
            table = json.loads(counts.read_text())
            names = sorted(table, key=lambda name: (-table[name], name))[:limit]
            report.write_text("".join(f"- {name}\\n" for name in names))
        """,
    "words.py": """
        def split(text):
            return text.lower().split()
        """,
    "data/text.txt": "b a b c B a\n",
}


def words(project: Sandbox) -> Sandbox:
    """The project with its files, nothing run."""
    return project.write(WORDS)


@cache
def schema(checkout: Path, name: str) -> dict[str, Any]:
    """A JSON Schema of the repository."""
    text = (checkout / "schemas" / f"{name}.schema.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def validate(checkout: Path, value: Any, name: str) -> None:
    """Raise where `value` is not what the schema says."""
    import jsonschema

    jsonschema.validate(value, schema(checkout, name))
