"""A team that mixes both tools: a clone from end to end, and what each finds of the other's work."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from peers import DVC, Both
from test_migration_dvc import typical

pytestmark = pytest.mark.skipif(not Path(DVC).exists(), reason="PIVOT_TEST_DVC names no DVC")
Make = Callable[[str], Both]


def statuses(project: Both, *argv: str) -> dict[str, str]:
    """How each stage of a `pivot repro` ended."""
    lines = project.pivot("repro", "--json", *argv).well().out.splitlines()
    events = [json.loads(line) for line in lines]
    return {e["stage"]: e["status"] for e in events if e["event"] == "stage_finished"}


def clone_of(origin: Both, name: str) -> Both:
    clone = origin.beside(name)
    origin.git("clone", "-q", str(origin.root), str(clone.root))
    clone.git("config", "user.email", "b@example.org")
    clone.git("config", "user.name", "B")
    return clone


def test_a_clone_goes_all_the_way(both: Make) -> None:
    origin = typical(both("origin"))
    origin.dvc("repro", "-q", "-P").well()
    origin.commit()
    origin.dvc("push", "-q").well()
    clone = clone_of(origin, "clone")

    # nothing is here yet but what git has
    assert {state["state"] for state in clone.states().values()} == {"stale"}
    lacking = clone.pivot("repro")
    assert lacking.code == 1
    assert "it needs 'data/raw.csv', which is not there; `pivot pull data/raw.csv`" in lacking.err
    clone.pivot("pull").well()
    assert clone.pivot("status").well().out == "Everything is up to date (5 stages and 1 record).\n"
    assert set(statuses(clone, "-P").values()) == {"fresh"}
    assert clone.dvc_changed() == {}

    clone.write({"params.yaml": "prepare: {factor: 3}  # thrice\n"})
    clone.write({"src/train.py": clone.read("src/train.py").replace("kind + text", "text + kind")})
    ours = clone.pivot("params", "diff", "--json").well().json
    assert ours == clone.dvc("params", "diff", "--json").well().json
    assert statuses(clone, "-P")["prepare"] == "ran"
    for words in (["metrics", "show"], ["metrics", "diff"]):
        ours = clone.pivot(*words, "--json").well().json
        assert ours == clone.dvc(*words, "--json").well().json
    clone.pivot("push").well()

    assert clone.dvc_changed() == {}
    assert clone.dvc("status", "-c", "--json").well().json == {}
    clone.commit()
    clone.pivot("migrate").well()
    assert set(statuses(clone, "-P").values()) == {"fresh"}
    assert clone.pivot("status").well().out == "Everything is up to date (5 stages and 1 record).\n"
    clone.remove("data/raw.csv")
    clone.remove(".pivot/cache/files")
    clone.pivot("pull").well()
    assert set(statuses(clone, "-P").values()) == {"fresh"}


RUNS = {
    "a.csv": "1\n",
    "params.yaml": "lr: 1\nn: {a: [1, 2.5, null]}\n",
    "listed.py": "open('p', 'w').write('1')\n",
    "hidden.py": "import lib\nopen('q', 'w').write(lib.text())\n",
    "lib.py": "def text():\n    return '1'\n",
    "dvc.yaml": """\
stages:
  plain:
    cmd: cat a.csv > o; mkdir d; cat a.csv > d/x
    deps: [./a.csv]
    params: [lr, n]
    outs: [o, d/]
  listed:
    cmd: python listed.py
    deps: [listed.py]
    outs: [p]
  hidden:
    cmd: python hidden.py
    deps: [hidden.py, a.csv]
    outs: [q]
""",
}


def test_what_dvc_has_computed_is_restored_from_its_run_cache(both: Make) -> None:
    project = both("project")
    project.write(RUNS)
    project.dvc("repro", "-q").well()
    kept = sorted((project.root / ".dvc/cache/runs").rglob("*"))
    changed = {"a.csv": "2\n", "listed.py": "open('p', 'w').write('2')\n"}
    project.write({**changed, "lib.py": RUNS["lib.py"].replace("'1'", "'2'")})
    project.dvc("repro", "-q").well()
    project.commit()
    project.write({name: RUNS[name] for name in changed})

    # the code that `hidden` imports is not what its earlier result was made by
    assert statuses(project) == {"plain": "restored", "listed": "restored", "hidden": "ran"}
    assert [project.read(name) for name in ("o", "d/x", "p", "q")] == ["1\n", "1\n", "1", "2"]
    assert project.dvc_changed() == {}
    assert set(kept) <= set((project.root / ".dvc/cache/runs").rglob("*"))


CONFIG = """\
[core]
    analytics = false
    check_update = false
    hardlink_lock = true
    experiments = true
[cache]
    type = "reflink,hardlink,copy"
    shared = group
    slow_link_warning = false
[hydra]
    config_dir = conf
[feature]
    machine = true
['remote "r"']
    url = ../remote
    jobs = 3
"""


def test_every_setting_of_dvc_is_taken(both: Make) -> None:
    project = both("project")
    project.write({**RUNS, ".dvc/config": CONFIG})
    for runner in ("dvc", "pivot", "dvc", "pivot"):
        getattr(project, runner)("repro", "-q") if runner == "dvc" else project.pivot("repro")
        assert project.dvc_changed() == {}
        assert {state["state"] for state in project.states().values()} == {"fresh"}
        project.write({"a.csv": project.read("a.csv") * 2})
    project.pivot("repro").well()
    linked = (project.root / "o").stat()
    assert linked.st_nlink > 1 or (linked.st_mode & 0o200)  # a hard link, or a reflink
    folders = [path for path in (project.root / ".dvc/cache/files").rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o7777 for path in folders} == {0o2775}
    assert not (project.root / ".dvc/tmp/lock").exists()


FROZEN = """\
stages:
  f: {{cmd: cat i > f.txt, deps: [i], outs: [f.txt], frozen: {frozen}}}
  g: {{cmd: cat f.txt > g.txt, deps: [f.txt], outs: [g.txt]}}
"""


@pytest.mark.parametrize("runner", ["dvc", "pivot"])
def test_outs_of_frozen_stages_may_be_changed_by_hand(both: Make, runner: str) -> None:
    project = both("project")
    project.write({"i": "1\n", "dvc.yaml": FROZEN.format(frozen="false")})
    project.dvc("repro", "-q").well()
    project.write({"i": "2\n", "dvc.yaml": FROZEN.format(frozen="true")})
    (project.dvc if runner == "dvc" else project.pivot)("repro").well()
    assert project.read("g.txt") == "1\n"
    project.write({"f.txt": "by hand\n"})
    (project.dvc if runner == "dvc" else project.pivot)("repro").well()
    assert project.read("g.txt") == "by hand\n"
    assert project.dvc_changed() == {}
    assert {state["state"] for state in project.states().values()} == {"fresh"}
    lock = project.read("dvc.lock")
    project.dvc("repro", "-q", "-f", "g").well()
    assert project.read("dvc.lock") == lock


# --- three projects as people have them, both tools taking turns ----------------------------

TEMPLATED = {
    "config.yaml": "sizes: {small: 1, big: 3}\nkinds: [a, b]\nopts: {fast: true, n: 3, names: [x, y]}\n",
    "params.yaml": "lr: 0.1\nseed: 1\n",
    "pipelines/params.yaml": "lr: 9\ndepth: 2\n",
    "pipelines/dvc.yaml": """\
vars:
- ../config.yaml
- base: out
stages:
  make:
    foreach: ${sizes}
    do:
      wdir: ..
      cmd: mkdir -p ${base}/${key} && python src/make.py ${item} ${lr} ${opts} > ${base}/${key}/v
      deps: [src/make.py]
      params: [seed, pipelines/params.yaml: [depth]]
      outs: ["${base}/${key}"]
  fit:
    matrix: {kind: "${kinds}", size: [small, big]}
    wdir: ../work/${item.kind}
    cmd: cat ../../out/${item.size}/v > ${item.size}.txt && echo ${key} >> ${item.size}.txt
    deps: ["../../out/${item.size}"]
    outs: ["${item.size}.txt"]
  report:
    wdir: ..
    cmd:
    - cat work/a/*.txt work/b/*.txt > report.txt
    - wc -l report.txt > n.txt
    deps: [work/a/small.txt, work/a/big.txt, work/b/small.txt, ./work/b/big.txt]
    params: [lr]
    outs: [report.txt]
    metrics: [n.txt: {cache: false}]
""",
    "src/make.py": "import sys\nimport helper\nprint(sys.argv[1:], helper.f(int(sys.argv[1])))\n",
    "src/helper.py": "def f(x):\n    return x * 2\n",
    "work/a/.gitignore": "",
    "work/b/.gitignore": "",
}
TEMPLATED_EDITS = [
    {"params.yaml": "lr: 0.2\nseed: 1\n"},
    {"params.yaml": "lr: 0.1\nseed: 2\n"},
    {"pipelines/params.yaml": "lr: 8\ndepth: 2\n"},
    {"pipelines/params.yaml": "lr: 9\ndepth: 3\n"},
    {"config.yaml": TEMPLATED["config.yaml"].replace("small: 1", "small: 2")},
    {"config.yaml": TEMPLATED["config.yaml"].replace("true", "false")},
    {"src/make.py": "# a comment\n" + TEMPLATED["src/make.py"]},
    {"work/a/big.txt": "by hand\n"},
    {"report.txt": None},
    {"out/small/v": None},
]

DATA = {
    "data/raw/a.csv": "1\n",
    "data/raw/b.csv": "2\n",
    "single.txt": "s\n",
    "params.yaml": "a: {b: 1}\nall: 1\n",
    "params.toml": "[t]\nx = 1\ny = [1, 2]\n",
    "conf.py": "lr = 0.5\nclass M:\n    depth = 3\n    def __init__(self):\n        self.w = 4\n",
    "dvc.yaml": """\
plots: [loss.csv: {x: step, y: loss}]
metrics: [m.json]
stages:
  once: {cmd: echo x > once.txt, outs: [once.txt]}
  each_time: {cmd: echo hello}
  always:
    cmd: cat data/raw/a.csv > stable.txt
    deps: [data/raw]
    outs: [stable.txt]
    always_changed: true
  clean:
    cmd: [mkdir -p clean, cat data/raw/*.csv > clean/all.csv, cat single.txt >> clean/all.csv]
    deps: [data/raw/, single.txt]
    params: [a.b, params.toml: [t.x, t.y], conf.py: [lr, M.depth, M.w]]
    outs: [clean/]
  train:
    cmd: echo m >> model.bin; wc -l clean/all.csv > n.txt; wc -c < n.txt > m.json; printf 's,l' > loss.csv
    deps: [clean/all.csv, stable.txt]
    params:
    - params.yaml:
    outs: [model.bin: {persist: true}, n.txt]
    metrics: [m.json: {cache: false}]
    plots: [loss.csv]
  kept: {cmd: cat n.txt > f.txt, deps: [n.txt], outs: [f.txt], frozen: false}
  after: {cmd: cat f.txt > g.txt, deps: [f.txt], outs: [g.txt]}
""",
}
DATA_EDITS = [
    {"data/raw/a.csv": "7\n"},
    {"data/raw/c.csv": "new\n"},
    {"single.txt": "t\n"},
    {"params.yaml": "a: {b: 2}\nall: 1\n"},
    {"params.yaml": "a: {b: 1}\nall: 1.0\n"},
    {"params.toml": "[t]\nx = 2\ny = [1, 2]\n"},
    {"conf.py": DATA["conf.py"].replace("self.w = 4", "self.w = 5")},
    {"conf.py": "# a comment\n" + DATA["conf.py"]},
    {"clean": None},
    {"model.bin": None},
    {"g.txt": None},
    {"once.txt": None},
    {"f.txt": "by hand\n"},
    {"m.json": "{}"},
    {"dvc.yaml": DATA["dvc.yaml"].replace("frozen: false", "frozen: true")},
    {"dvc.yaml": DATA["dvc.yaml"]},
    {"dvc.lock": None},
]

SUBFOLDER = {
    "data.csv": "3\n",
    "train.py": "import sys; sys.path.insert(0, '../lib')\nimport common\n"
    "text = open('data.csv').read() + open('../shared.csv').read()\n"
    "open('m.txt', 'w').write(text + str(common.f(1)))\n",
    "dvc.yaml": "stages:\n  train:\n    cmd: python train.py\n"
    "    deps: [data.csv, ../shared.csv, train.py, ../lib/common.py]\n    outs: [m.txt]\n",
    "inner/dvc.yaml": "stages:\n  count:\n    cmd: wc -l ../m.txt > r.txt\n    deps: [../m.txt]\n"
    "    outs: [r.txt]\n",
    "../shared.csv": "1\n",
    "../lib/common.py": "def f(x):\n    return x + 1\n",
}
SUBFOLDER_EDITS = [
    {"data.csv": "4\n"},
    {"../shared.csv": "2\n"},
    {"../lib/common.py": "def f(x):\n    return x + 2\n"},
    {"train.py": "# a comment\n" + SUBFOLDER["train.py"]},
    {"inner/r.txt": None},
    {"m.txt": "by hand\n"},
]

Edit = dict[str, str | None]
PROJECTS: dict[str, tuple[dict[str, str], list[Edit], list[str]]] = {
    "templated": (TEMPLATED, TEMPLATED_EDITS, []),  # type: ignore[dict-item]
    "data": (DATA, DATA_EDITS, ["data/raw", "single.txt"]),  # type: ignore[dict-item]
    "subfolder": (SUBFOLDER, SUBFOLDER_EDITS, ["data.csv"]),  # type: ignore[dict-item]
}
#: Stages that run whatever is known of them.
RESTLESS = {"each_time", "always"}


@pytest.mark.parametrize(
    ("name", "seed", "turns"),
    [
        *((name, 1, 4) for name in PROJECTS),
        *(
            pytest.param(name, seed, 25, marks=pytest.mark.thorough)
            for name in PROJECTS
            for seed in (2, 3, 4)
        ),
    ],
)
def test_both_take_turns(both: Make, name: str, seed: int, turns: int) -> None:
    files, edits, tracked = PROJECTS[name]
    project = both("project")
    if name == "subfolder":
        project.remove(".dvc")
        project = project.beside("project/alpha")
        project.root.mkdir()
        project.dvc("init", "-q", "--subdir").well()
    project.write(files)
    for path in tracked:
        project.dvc("add", "-q", path).well()
    project.commit()
    rnd = random.Random(seed)
    for _ in range(turns):
        for path, text in rnd.choice(edits).items():
            project.write({path: text}) if text is not None else project.remove(path)
        if rnd.random() < 0.3:
            project.commit()
        runner = project.pivot if rnd.random() < 0.6 else project.dvc
        assert runner("repro", "-P").code == 0, "\n".join(project.told)
        unlike = {name for name in project.dvc_changed() if name not in RESTLESS}
        assert not unlike, "\n".join(project.told)
        states = project.states()
        causes = {
            name: {reason["kind"] for reason in stage["reasons"]} - {"upstream", "always"}
            for name, stage in states.items()
        }
        assert not any(causes.values()), "\n".join(project.told)
        assert all(stage["action"] != "checkout" for stage in states.values())
