"""The same .dvcignore rules, asked of DVC (`dvc check-ignore`) and of Pivot."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from peers import DVC, Both

from pivot.project.dvcignore import DvcIgnore
from pivot.tree import DictTree

pytestmark = pytest.mark.skipif(not Path(DVC).exists(), reason="PIVOT_TEST_DVC names no DVC")

NAMES = ["a", "b", "a.tmp", "b.csv", "ab", "x y", ".h", "d"]
PATTERNS = [
    "a", "/a", "a/", "*.tmp", "!a.tmp", "!a", "a/b", "/a/b", "**/b", "a/**", "a/**/b", "d/*",
    "?b", "[ab]", "[!a].csv", "b.*", "\\!a", "# note", "", "x y", "d/", "!d/a", "*", "!*.csv",
    "/d/**/a.tmp", "**", "a/*/b", ".h", "**/d/", "/*/a", "[a-c]*", "*b*",
]  # fmt: skip


def rules(chance: random.Random) -> str:
    return "\n".join(chance.sample(PATTERNS, chance.randint(1, 5))) + "\n"


@pytest.mark.parametrize(
    "seed", [*range(12), *(pytest.param(n, marks=pytest.mark.thorough) for n in range(100, 300))]
)
def test_the_same_paths_are_ignored(both: Callable[[str], Both], seed: int) -> None:
    chance = random.Random(seed)
    project = both("project")
    paths = [
        "/".join(path) for depth in (1, 2, 3) for path in itertools.product(NAMES, repeat=depth)
    ]
    chosen = chance.sample(paths, 60)
    files = [p for p in chosen if not any(q.startswith(p + "/") for q in chosen)]
    texts = {".dvcignore": rules(chance)}
    for folder in chance.sample(["a", "d", "d/b"], chance.randint(0, 2)):
        if not any(folder == p or folder.startswith(p + "/") for p in files):
            texts[f"{folder}/.dvcignore"] = rules(chance)
    files = [p for p in files if not any(t.startswith(p + "/") for t in texts)]
    project.write({**dict.fromkeys(files, "x"), **texts})
    answer = project.dvc("check-ignore", *files)
    assert answer.code in (0, 1), answer
    said = set(answer.out.splitlines())
    ours = DvcIgnore(DictTree({**dict.fromkeys(files, "x"), **texts}), str(project.root))
    mine = {path for path in files if ours.ignores(path, False)}
    assert mine == said, (texts, sorted(mine ^ said))
