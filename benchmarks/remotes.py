"""Objects to and from a real S3 server: Pivot beside DVC and rclone, many small and one large."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from . import peers
from .measuring import Cost, Costs, in_turn, run
from .report import Report

sys.path.append(str(Path(__file__).parent.parent / "tests"))
import servers

SMALL, SMALL_BYTES = 2000, 10 << 10
#: rclone's settings that did best here.
BEST = (
    "--transfers", "32", "--checkers", "64", "--fast-list", "--s3-disable-checksum",
    "--s3-chunk-size", "16M", "--s3-upload-concurrency", "8", "--s3-no-check-bucket",
)  # fmt: skip


class Share:
    """One tool, with some data of its own to send and fetch; each time to an empty prefix."""

    def __init__(self, root: Path, server: servers.S3Server, name: str, data: Path) -> None:
        self.folder = root / f"{name}-{data.name}"
        self.folder.mkdir()
        self.server = server
        self.name = name
        self.data = data
        self._serial = count()
        self.url = ""

    def fresh(self) -> str:
        """A prefix that nothing was written to."""
        return f"bucket/{self.folder.name}-{next(self._serial)}"


class Tracker(Share):
    """Pivot or DVC, which share the words: track the data once, then push and pull."""

    def __init__(
        self, root: Path, server: servers.S3Server, name: str, data: Path, program: str
    ) -> None:
        super().__init__(root, server, name, data)
        self.program = program
        self.cache = ".pivot/cache/files" if name == "pivot" else ".dvc/cache/files"
        subprocess.run(["git", "init", "-q", self.folder], check=True)
        copy = shutil.copytree if data.is_dir() else shutil.copy
        copy(data, self.folder / "data")
        self.call("init", "-q" if name == "dvc" else "--force")
        self.call("track" if name == "pivot" else "add", "data")
        self.call("remote", "add", "-d", "origin", "s3://bucket/none")
        for option, value in (
            ("endpointurl", server.endpoint),
            ("region", "us-east-1"),
            ("access_key_id", servers.KEY),
            ("secret_access_key", servers.SECRET),
        ):
            self.call("remote", "modify", "origin", option, value)

    def call(self, *arguments: str) -> Cost:
        return run([self.program, *arguments], self.folder)

    def push(self) -> Cost:
        self.call("remote", "modify", "origin", "url", f"s3://{self.fresh()}")
        return self.call("push")

    def fetch(self) -> Cost:
        """Into the cache alone: as many bytes written as `rclone copy` writes."""
        self._clear()
        return self.call("fetch")

    def pull(self) -> Cost:
        """Into the cache, and from there into the work tree."""
        self._clear()
        return self.call("pull")

    def _clear(self) -> None:
        aside = self.folder.parent / f"gone-{next(self._serial)}-{self.folder.name}"
        aside.mkdir()
        for path in (self.cache, "data"):
            if (self.folder / path).exists():
                os.replace(self.folder / path, aside / path.replace("/", "-"))


class Rclone(Share):
    """`rclone copy` with its best settings, of the bare files."""

    def call(self, source: str, target: str) -> Cost:
        environment = {
            "RCLONE_CONFIG": os.devnull,
            "RCLONE_CONFIG_S_TYPE": "s3",
            "RCLONE_CONFIG_S_PROVIDER": "Rclone",
            "RCLONE_CONFIG_S_ENDPOINT": self.server.endpoint,
            "RCLONE_CONFIG_S_ACCESS_KEY_ID": servers.KEY,
            "RCLONE_CONFIG_S_SECRET_ACCESS_KEY": servers.SECRET,
        }
        command = [str(servers.RCLONE), "copy", *BEST, source, target]
        return run(command, self.folder, env=environment)

    def push(self) -> Cost:
        self.url = self.fresh()
        return self.call(str(self.data), f"s:{self.url}")

    def fetch(self) -> Cost:
        return self.call(f"s:{self.url}", str(self.folder / f"back-{next(self._serial)}"))


def measure(root: Path, report: Report, times: int, megabytes: int) -> None:
    """Push and pull by each tool in turn; the promises are about the clock and the processor."""
    place = root / "remotes"
    (place / "buckets" / "bucket").mkdir(parents=True)
    small, large = place / "small", place / "large"
    small.mkdir()
    for number in range(SMALL):
        (small / f"{number:05}.bin").write_bytes(os.urandom(SMALL_BYTES))
    with large.open("wb") as stream:
        for _ in range(megabytes):
            stream.write(os.urandom(1 << 20))
    pivot = str(Path(sys.executable).parent / "pivot")
    dvc = peers.program("dvc")
    with servers.s3_server(place / "buckets") as server:
        for data, what in ((small, f"{SMALL:,} x 10 KiB"), (large, f"1 x {megabytes} MiB")):
            tools: dict[str, Tracker | Rclone] = {
                "pivot": Tracker(place, server, "pivot", data, pivot),
                "rclone": Rclone(place, server, "rclone", data),
            }
            if dvc is not None:
                tools["dvc"] = Tracker(place, server, "dvc", data, dvc)
            for verb in ("push", "fetch", "pull"):
                works: dict[str, Callable[[], Cost]] = {
                    name: getattr(tool, verb) for name, tool in tools.items() if hasattr(tool, verb)
                }
                found = in_turn(works, times)
                for name, costs in found.items():
                    report.add(f"{verb} {what}: {name}", costs)
                _promise(report, verb, what, found, is_small=data is small)


def _promise(
    report: Report, verb: str, what: str, found: dict[str, Costs], *, is_small: bool
) -> None:
    ours = found["pivot"]
    if "dvc" in found and is_small:
        text = f"{verb} {what}: a third of DVC's time"
        report.promise(text, ours.wall / found["dvc"].wall, 1 / 3)
    # the large one is bound by the server: equal, but for what else the machine does
    if "rclone" not in found:
        return
    most = 1.0 if is_small else 1.15
    word = "faster than" if is_small else "equal to"
    report.promise(f"{verb} {what}: {word} rclone", ours.wall / found["rclone"].wall, most)
