"""The page of `plots`, in a real browser: charts are drawn, nothing is fetched, nothing fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from harness import Sandbox

#: A folder that `install_browser.sh` filled: `browser`, or the `reason` why there is none.
PLACE = os.environ.get("PIVOT_TEST_BROWSER", "")
TEMPLATES = {
    # name: (columns of x and y, marks of one symbol a row or a line a revision, how many)
    "simple": ("epoch", "loss", "line", 2),
    "linear": ("epoch", "loss", "line", 2),
    "smooth": ("epoch", "loss", "line", 4),
    "scatter": ("epoch", "loss", "symbol", 24),
    "scatter_jitter": ("guess", "truth", "symbol", 24),
    "bar_horizontal": ("loss", "name", "rect", 24),
    "bar_horizontal_sorted": ("loss", "name", "rect", 24),
    "confusion": ("guess", "truth", "rect", 8),
    "confusion_normalized": ("guess", "truth", "text", 8),
    "own": ("epoch", "loss", "arc", 24),
}


def browser() -> str:
    if PLACE and os.path.exists(f"{PLACE}/browser"):
        return f"{PLACE}/browser"
    if PLACE and os.path.exists(f"{PLACE}/reason"):
        pytest.skip(f"no browser: {Path(PLACE, 'reason').read_text().strip()}")
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no browser: none is installed; `make test` gets one")
    return found


def look(page: Path, folder: Path) -> tuple[str, list[str]]:
    """The document after its scripts have run, and what they said on the console."""
    done = subprocess.run(
        [
            browser(), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            "--virtual-time-budget=20000", "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder}", "--dump-dom", page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )  # fmt: skip
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def png(width: int, height: int, grey: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes([grey]) * width) * height)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def data(seed: int) -> dict[str, str | bytes]:
    rows = [
        f"{i},{1 / (i + seed):.4f},</script><b>{i},{'cat' if i % 3 else 'dog'},{'cat' if i % 2 else 'dog'}"
        for i in range(12)
    ]
    return {
        "data.csv": "\n".join(["epoch,loss,name,truth,guess", *rows]) + "\n",
        "images/1.png": png(30, 20, 40 * seed),
        "images/10.png": png(30, 20, 50 * seed),
        "images/2.png": png(30, 20, 60 * seed),
        "broken.json": "{",
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    sandbox = Sandbox(tmp_path_factory.mktemp("plots") / "project")
    own = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": "<DVC_METRIC_DATA>"},
        "title": "mine: <DVC_METRIC_TITLE>",
        "mark": "arc",
        "encoding": {
            "theta": {"field": "<DVC_METRIC_Y>", "type": "quantitative"},
            "color": {"field": "<DVC_METRIC_X>", "type": "nominal"},
        },
    }
    plots = [
        {name: {"template": name, "x": {"data.csv": x}, "y": {"data.csv": y}}}
        for name, (x, y, _, _) in TEMPLATES.items()
    ]
    plots += ["images", "broken.json"]  # type: ignore[list-item]
    sandbox.write(
        {
            "pivot.yaml": json.dumps({"plots": plots}),
            ".pivot/plots/own.json": json.dumps(own),
            **data(1),
        }
    )
    sandbox.commit()
    sandbox.write(data(3))
    return sandbox


def test_every_template_draws_its_marks(project: Sandbox, tmp_path: Path) -> None:
    done = project.run("plots", "diff", "HEAD", "-o", "charts.html").ended(0)
    assert done.stdout == (project.root / "charts.html").as_uri() + "\n"
    assert "'broken.json' at HEAD" in done.stderr

    document, said = look(project.root / "charts.html", tmp_path)

    assert not [line for line in said if "WARN" not in line], said
    charts = re.findall(r'<div class="view[^>]*id="plot-\d+".*?</section>', document, re.DOTALL)
    assert len(charts) == len(TEMPLATES)
    for chart, (name, (_, _, mark, count)) in zip(charts, TEMPLATES.items(), strict=True):
        groups = re.findall(
            rf'<g class="mark-{mark} role-mark [^"]*marks"[^>]*>(.*?)</g>', chart, re.DOTALL
        )
        drawn = sum(len(re.findall(r"<(?:path|text)\b", group)) for group in groups)
        assert drawn == count, (name, drawn)
        assert f"mine: {name}" in chart if name == "own" else name in chart

    # images: a row each, in the order of their numbers, side by side by revision
    pictures = re.findall(
        r'<figcaption>(\w+)</figcaption><img src="data:image/png;.*?alt="(.*?)"', document
    )
    assert pictures == [
        (label, f"images/{number}.png") for number in (1, 2, 10) for label in ("workspace", "HEAD")
    ]
    # what could not be shown is said
    assert "broken.json" in document.split('class="failures"')[1]


def test_a_page_holds_all_it_needs(project: Sandbox) -> None:
    project.run("plots", "show", "-o", "out").ended(0)

    page = project.read("out/index.html")

    tags = re.findall(
        r"<(?:script|link|img|iframe)\b[^>]*>",
        re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL),
    )
    assert tags
    assert not [tag for tag in tags if "http" in tag]
    assert os.listdir(project.root / "out") == ["index.html"]
