"""Print a metrics.json of {name: {metric: number}} as a table: python metrics_table.py FILE"""

import json
import sys
from pathlib import Path


def table(metrics: dict[str, dict[str, float]]) -> str:
    """One line a name, one column a metric."""
    columns = list(dict.fromkeys(metric for scores in metrics.values() for metric in scores))
    rows = [["", *columns]]
    for name, scores in metrics.items():
        rows.append([name, *(str(scores.get(column, "")) for column in columns)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text())))
