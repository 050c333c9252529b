"""Write report.html and delays.png from the tables of delays."""

import argparse
import csv
import html
import json
from pathlib import Path

import charts

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<h1>{title}</h1>
<p>{flights:,} flights; those that arrived were {mean_delay} minutes late on average,
{late:.1%} of them late.</p>
<img src="delays.png" alt="Mean delay by month and by wind">
{tables}
</html>
"""


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def table(name: str, rows: list[dict[str, str]]) -> str:
    """One HTML table, the longest delays first."""
    lines = [f"<h2>By {html.escape(name)}</h2>", "<table>"]
    lines.append("<tr><th></th><th>flights</th><th>mean delay</th><th>late</th></tr>")
    for row in sorted(rows, key=lambda row: -float(row["delay"] or 0)):
        lines.append(
            f"<tr><td>{html.escape(row['group'])}</td><td>{int(row['flights']):,}</td>"
            f"<td>{float(row['delay']):.1f}</td><td>{float(row['late']):.1%}</td></tr>"
        )
    return "\n".join([*lines, "</table>"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", type=Path)
    parser.add_argument("metrics", type=Path)
    parser.add_argument("--title", required=True)
    options = parser.parse_args()
    rows = {path.stem: read(path) for path in sorted(options.tables.glob("*.csv"))}
    charts.draw(rows, Path("delays.png"))
    numbers = json.loads(options.metrics.read_text())
    text = "\n".join(table(name, some) for name, some in rows.items())
    page = PAGE.format(title=html.escape(options.title), tables=text, **numbers)
    Path("report.html").write_text(page)


if __name__ == "__main__":
    main()
