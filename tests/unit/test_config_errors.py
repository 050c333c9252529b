"""What people get wrong in pipeline files, and what they are told: where, what, what next."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pivot.config import dump_pipeline, load, load_partial, load_pipeline, schemas
from pivot.errors import ConfigError, InstallationError, PivotError, PivotErrors
from pivot.tree import DictTree

S = "stages:\n  train:\n    cmd: x\n"
PATHS = "a list of paths, or a mapping of names to paths"

BAD = [
    # keys
    (S + "    dep: [a]\n", "4:5: stage 'train': unknown key 'dep'; did you mean 'deps'?"),
    (S + "    ouputs: [a]\n", "4:5: stage 'train': unknown key 'ouputs'; did you mean 'outs'?"),
    (S + "    param: [a]\n", "4:5: stage 'train': unknown key 'param'; did you mean 'params'?"),
    (S + "    Deps: [a]\n", "4:5: stage 'train': unknown key 'Deps'; did you mean 'deps'?"),
    (S + "    zzz: 1\n", "4:5: stage 'train': unknown key 'zzz'; known: python, cmd, deps"),
    ("stagse: {}\n", "1:1: unknown key 'stagse'; did you mean 'stages'?"),
    ("stages: {a: {comand: x}}\n", "1:14: stage 'a': unknown key 'comand'; did you mean 'cmd'?"),
    ("stages:\n  1: {cmd: x}\n", "2:3: the key 1 is not a text; write \"1\""),
    ("stages:\n  a: {cmd: x, 1: y}\n", "2:15: stage 'a': the key 1 is not a text"),
    ("stages:\n  a: {cmd: x, on: y}\n", "2:15: stage 'a': unknown key 'on'; known: python"),
    (S + "    cmd: y\n", "4:5: the key 'cmd' appears twice (first on line 3)"),
    (S + "  train:\n    cmd: y\n", "4:3: the key 'train' appears twice (first on line 2)"),
    # what old DVC files have
    (S + "    live: x\n", "4:5: stage 'train': 'live' is no longer a key; DVC dropped it"),
    (S + "    md5: x\n", "4:5: stage 'train': 'md5' is no longer a key"),
    (S + "    outs_persist: [a]\n", "4:5: stage 'train': 'outs_persist' is no longer a key"),
    # entries
    ("stages:\n  a: {deps: [a]}\n", "2:3: stage 'a': needs python or cmd"),
    ("stages:\n  a: {cmd: x, python: a.b}\n", "2:3: stage 'a': has both python and cmd; keep one"),
    ("stages:\n  a: x\n", "2:6: stage 'a': its definition is a mapping, not 'x'"),
    ("stages:\n  a:\n", "2:5: stage 'a': its definition is a mapping, not nothing"),
    ("stages:\n  a: {cmd: ''}\n", "2:12: stage 'a': cmd is empty"),
    ("stages:\n  a: {cmd: []}\n", "2:12: stage 'a': cmd is empty"),
    ("stages:\n  a: {cmd: '  '}\n", "2:12: stage 'a': cmd is empty"),
    ("stages:\n  a: {cmd: 3}\n", "2:12: stage 'a': cmd takes a text or a list of texts, not 3"),
    ("stages:\n  a: {cmd: [3]}\n", "2:13: stage 'a': cmd[0] takes a text, not 3"),
    ("vars: [{m: {a: 1}}]\nstages:\n  a: {cmd: '${m}'}\n", "3:12: stage 'a': cmd is only a mapping"),
    ("stages:\n  a: {python: 3}\n", "2:15: stage 'a': python takes module.function, not 3"),
    ("stages:\n  a: {python: nodots}\n", "2:7: stage 'a': 'nodots' does not name a function"),
    ("stages:\n  a: {python: a.b-c}\n", "2:7: stage 'a': 'a.b-c' does not name a function"),
    ("stages:\n  a: {python: a.b.py}\n", None),
    ("stages:\n  'a:b': {cmd: x}\n", "2:3: 'a:b' cannot name a stage"),
    ("stages:\n  '': {cmd: x}\n", "2:3: '' cannot name a stage"),
    ("stages: [a]\n", "1:9: stages takes a mapping of stages, not a list"),
    ("stages:\n", "1:8: stages takes a mapping of stages, not nothing"),
    ("[1]", "1:1: the file takes a mapping, not a list"),
    ("train", "1:1: the file takes a mapping, not 'train'"),
    # deps and outs
    (S + "    deps: a.csv\n", f"4:11: stage 'train': deps takes {PATHS}, not 'a.csv'; write [a.csv]"),
    (S + "    deps: 3\n", f"4:11: stage 'train': deps takes {PATHS}, not 3"),
    (S + "    deps:\n", f"4:10: stage 'train': deps takes {PATHS}, not nothing"),
    (S + "    deps: [3]\n", "4:12: stage 'train': deps[0] takes a path, or 'path: {options}', not 3; quote"),
    (S + "    deps: [2020-01-01]\n", "4:12: stage 'train': deps[0] takes a path, or 'path: {options}', not the date"),
    (S + "    deps: ['']\n", "4:12: stage 'train': deps[0] is empty"),
    (S + "    deps: {a: ''}\n", "4:15: stage 'train': deps.a is empty"),
    (S + "    deps: {a: []}\n", "4:15: stage 'train': deps.a is empty"),
    (S + "    deps: {3: a}\n", "4:12: stage 'train': deps: a name is a text, not 3; quote it"),
    (S + "    deps: {a: {check: stat}}\n", "4:12: stage 'train': deps.a: needs 'path'"),
    (S + "    deps: {a: {path: b, check: stst}}\n", "4:32: stage 'train': deps.a.check takes content or stat, not 'stst'; did you mean 'stat'?"),
    (S + "    deps: [{a: {cache: false}}]\n", "4:17: stage 'train': deps[0].a: unknown key 'cache'"),
    (S + "    outs: [{a: {cahce: true}}]\n", "4:17: stage 'train': outs[0].a: unknown key 'cahce'; did you mean 'cache'?"),
    (S + "    outs: [{a: {cache: maybe}}]\n", "4:24: stage 'train': outs[0].a.cache takes true or false, not 'maybe'"),
    (S + "    outs: [{a: {cache: no}}]\n", "4:24: stage 'train': outs[0].a.cache takes true or false, not 'no'; write true or false"),
    (S + "    outs: [{a: 3}]\n", "4:16: stage 'train': outs[0].a takes a mapping of options, not 3"),
    (S + "    outs: {m: {pth: a}}\n", "4:16: stage 'train': outs.m: unknown key 'pth'; did you mean 'path'?"),
    (S + "    outs: {m: {path: a, persist: 1}}\n", "4:34: stage 'train': outs.m.persist takes true or false, not 1"),
    (S + "    plots: [{a: {xx: 1}}]\n", "4:18: stage 'train': plots[0].a: unknown key 'xx'; did you mean 'x'?"),
    ("vars: [{o: {cahce: 1}}]\n" + S + "    outs: [{a: '${o}'}]\n", "5:12: stage 'train': outs: 'a' has the unknown key 'cahce'; did you mean 'cache'?"),
    ("vars: [{o: 1}]\n" + S + "    outs: [{a: {cache: '${o}'}}]\n", "5:12: stage 'train': cache of 'a' takes true or false, not 1"),
    ("vars: [{o: 1}]\n" + S + "    deps: ${o}\n", "5:11: stage 'train': deps takes a list or a mapping, not 1"),
    ("vars: [{o: 1}]\n" + S + "    deps: ['${o}']\n", "5:12: stage 'train': deps: a path is a text, not 1"),
    ("vars: [{o: c}]\n" + S + "    deps: [{a: {check: '${o}'}}]\n", "5:12: stage 'train': check takes content or stat, not 'c'"),
    (S + "    outs: [a]\n    metrics: [a]\n", "5:15: stage 'train': 'a' is listed twice, as out on line 4 and here"),
    # params
    (S + "    params: 3\n", "4:13: stage 'train': params takes a list of keys, or a mapping of names to values, not 3"),
    (S + "    params: [3]\n", "4:14: stage 'train': params[0] takes a key, or 'file: [keys]', not 3"),
    (S + "    params: [{f.yaml: {a: 1}}]\n", "4:23: stage 'train': params[0].f.yaml takes a list of keys, or nothing for the whole file, not a mapping"),
    (S + "    params: [{f.yaml: [1.5]}]\n", "4:24: stage 'train': params[0].f.yaml[0] takes a key, not 1.5"),
    (S + "    params: {1: x}\n", "4:14: stage 'train': the name of a param is a text, not 1"),
    ("vars: [{o: 1}]\n" + S + "    params: ${o}\n", "5:13: stage 'train': params takes a list or a mapping, not 1"),
    ("vars: [{o: 1}]\n" + S + "    params: ['${o}']\n", "5:14: stage 'train': params takes keys and 'file: [keys]', not 1"),
    ("vars: [{o: 1.5}]\n" + S + "    params: [{f: ['${o}']}]\n", "5:14: stage 'train': params of f are texts, not 1.5"),
    # the rest
    (S + "    frozen: yes\n", "4:13: stage 'train': frozen takes true or false, not 'yes'; write true or false"),
    (S + "    frozen: 1\n", "4:13: stage 'train': frozen takes true or false, not 1"),
    ("vars: [{o: 1}]\n" + S + "    frozen: ${o}\n", "5:13: stage 'train': frozen takes true or false, not 1"),
    (S + "    timeout: 2x\n", "4:14: stage 'train': timeout takes seconds or a text like 90s, 10m, 2h, 1h30m, not '2x'"),
    (S + "    timeout: -1\n", "4:14: stage 'train': timeout takes seconds above 0"),
    (S + "    resources: [gpu]\n", "4:16: stage 'train': resources takes a mapping of names to whole numbers, not a list"),
    (S + "    resources: {gpu: 1.5}\n", "4:22: stage 'train': resources.gpu takes a whole number, not 1.5"),
    ("vars: [{o: x}]\n" + S + "    resources: {gpu: '${o}'}\n", "5:5: stage 'train': resources: gpu takes a whole number, not 'x'"),
    (S + "    env: [A=1]\n", "4:11: stage 'train': env[0] takes the name of a variable, not 'A=1'"),
    (S + "    env: {A: [1]}\n", "4:14: stage 'train': env.A takes a text, not a list"),
    (S + "    env: {A-B: 1}\n", "4:5: stage 'train': env: 'A-B' is not the name of a variable"),
    (S + "    mutex: {a: 1}\n", "4:12: stage 'train': mutex takes a name or a list of names, not a mapping"),
    ("vars: [{o: 1}]\n" + S + "    mutex: ['${o}']\n", "5:5: stage 'train': mutex takes names, not [1]"),
    (S + "    wdir: 3\n", "4:11: stage 'train': wdir takes a path, not 3; quote it"),
    ("vars: [{o: 1}]\n" + S + "    wdir: ${o}\n", "5:5: stage 'train': wdir takes a path, not 1"),
    # foreach and matrix
    ("stages:\n  a: {foreach: [1], do: {cmd: x}, deps: [a]}\n", "2:35: stage 'a': unknown key 'deps'; known: foreach, do"),
    ("stages:\n  a: {foreach: [1]}\n", "2:3: stage 'a': needs 'do'"),
    ("stages:\n  a: {foreach: [1], do: }\n", "2:25: stage 'a': do takes a mapping, not nothing"),
    ("stages:\n  a: {foreach: [1], do: x}\n", "2:25: stage 'a': do takes a mapping, not 'x'"),
    ("stages:\n  a: {do: {cmd: x}}\n", "2:7: stage 'a': 'do' needs 'foreach'"),
    ("stages:\n  a: {foreach: 3, do: {cmd: x}}\n", "2:16: stage 'a': foreach takes a list, a mapping or ${...}, not 3"),
    ("stages:\n  a: {foreach: [1], do: {comd: x}}\n", "2:26: stage 'a': do: unknown key 'comd'; did you mean 'cmd'?"),
    ("stages:\n  a: {matrix: {m: 3}, cmd: x}\n", "2:19: stage 'a': matrix.m takes a list, not 3"),
    ("stages:\n  a: {matrix: [], cmd: x}\n", "2:15: stage 'a': matrix is empty"),
    ("stages:\n  a@1: {cmd: x}\n  a: {foreach: [1], do: {cmd: x}}\n", "3:3: two stages are named 'a@1' (the first on line 2)"),
    # the top of a file
    ("vars: {a: 1}\n", "1:7: vars takes a list of mappings and file names, not a mapping"),
    ("vars: [3]\n", "1:8: vars[0] takes a mapping or a file name, not 3"),
    ("plots: 3\n", "1:8: plots takes a list or a mapping of plots, not 3"),
    ("metrics: [3]\n", "1:11: metrics[0] takes a path, not 3"),
    ("metrics: ['${x}']\n", "1:10: '${x}' names no known key"),
    ("vars: [{x: 1}]\nmetrics: ['${x}']\n", "2:11: metrics: a path is a text, not 1"),
    ("artifacts: {m: {type: model}}\n", "1:13: artifacts.m: needs 'path'"),
    ("artifacts: {m: {path: x, typ: model}}\n", "1:26: artifacts.m: unknown key 'typ'; did you mean 'type'?"),
    # templating
    (S.replace("x", "${a.b}"), "3:10: stage 'train': '${a.b}' names no known key; there are no vars"),
    ("vars: [{train: {C: 1}}]\n" + S.replace("x", "x ${trian.C}"), "4:10: stage 'train': '${trian.C}' names no known key; did you mean 'train.C'?"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), [case for case in BAD if case[1]])
def test_errors_say_where_what_and_what_next(text: str, said: str) -> None:
    with pytest.raises(PivotError) as caught:
        load(DictTree({"pivot.yaml": text}))
    assert any(line.startswith("pivot.yaml:" + said) for line in str(caught.value).splitlines()), (
        str(caught.value)
    )


DVC_BAD = [
    ("stages:\n  a: {python: a.b}\n", "2:7: stage 'a': 'python' is a key of pivot.yaml; DVC does not know it"),
    (S + "    mutex: a\n", "4:5: stage 'train': 'mutex' is a key of pivot.yaml"),
    (S + "    deps: {a: b}\n", "4:11: stage 'train': deps takes a list of paths, not a mapping"),
    (S + "    deps: a\n", "4:11: stage 'train': deps takes a list of paths, not 'a'; write [a]"),
    (S + "    outs: [{a: {loader: csv}}]\n", "4:17: stage 'train': outs[0].a: unknown key 'loader'"),
    (S + "    params: {a: 1}\n", "4:13: stage 'train': params takes a list, not a mapping"),
    ("stages:\n  a: {deps: [x]}\n", "2:3: stage 'a': needs 'cmd'"),
    ("stages:\n  a: {cmd: x, wdri: y}\n", "2:15: stage 'a': unknown key 'wdri'; did you mean 'wdir'?"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), DVC_BAD)
def test_a_dvc_file_is_held_to_what_dvc_knows(text: str, said: str) -> None:
    with pytest.raises(PivotError) as caught:
        load(DictTree({"dvc.yaml": text}))
    assert any(line.startswith("dvc.yaml:" + said) for line in str(caught.value).splitlines()), str(
        caught.value
    )


def test_several_errors_are_told_in_one_go() -> None:
    text = "stages:\n  a: {cmd: x, dep: [1]}\n  b: {cmd: '${q}'}\n  c: {cmd: x}\n  d: {cmd: 3}\n"
    with pytest.raises(PivotErrors) as caught:
        load(DictTree({"pivot.yaml": text}))
    places = [str(error.where) for error in caught.value.errors]
    assert sorted(places) == ["pivot.yaml:2:15", "pivot.yaml:3:12", "pivot.yaml:5:12"]
    assert caught.value.exit_code == 2


def test_one_broken_file_does_not_take_the_others_down() -> None:
    tree = DictTree({
        "pivot.yaml": "stages:\n  a: {cmd: x}\n",
        "broken/pivot.yaml": "stages: [",
        "half/pivot.yaml": "stages:\n  bad: {cmdd: x}\n  good: {cmd: y}\n",
    })  # fmt: skip
    pipeline = load_partial(tree)
    assert list(pipeline.stages) == ["a", "half/pivot.yaml:good"]
    found = [(problem.source, problem.stage, str(problem.error)) for problem in pipeline.problems]
    assert [pair[:2] for pair in found] == [
        ("broken/pivot.yaml", None),
        ("half/pivot.yaml", "bad"),
    ]
    assert [text.split(": ")[0] for *_, text in found] == [
        "broken/pivot.yaml:2:1",
        "half/pivot.yaml:2:9",
    ]
    assert load_pipeline(dump_pipeline(pipeline)) == pipeline
    with pytest.raises(PivotErrors):
        load(tree)


def test_a_params_file_that_cannot_be_read_is_named_itself() -> None:
    tree = DictTree({"pivot.yaml": S, "params.yaml": "a: 1\na: 2\n"})
    with pytest.raises(ConfigError, match=r"^params.yaml:2:1: the key 'a' appears twice"):
        load(tree)


PIECES = st.lists(
    st.sampled_from([
        "stages:", "  a:", "  b:", "    cmd: x", "    python: m.f", "    deps:", "      - a", "      x: y",
        "    outs: [o]", "    params: [p]", "    foreach: [1]", "    do:", "      cmd: ${item}", "    matrix:",
        "      m: [1]", "vars:", "  - v: 1", "    wdir: ${v}", "    frozen: 1", "    deps: ${v}", "plots:", "- x", "3: 4",
        "    timeout: 5", "    env: {A: }", "    outs: [{a: {cache: 3}}]", "    deps: {'${v}': z}", "    cmd: ${v.w}",
    ]),
    max_size=12,
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(PIECES)
def test_any_file_loads_or_gives_placed_errors(lines: list[str]) -> None:
    problems = load_partial(DictTree({"pivot.yaml": "\n".join(lines)})).problems
    assert all(problem.where is not None and problem.where[1] for problem in problems)


def test_what_is_wrong_with_the_installation_is_no_problem_of_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would be kept with the compiled pipeline, and told when all is well again."""
    tree = DictTree({"pivot.yaml": "stages: {}\nstagse: {}\n"})
    with monkeypatch.context() as patched:
        patched.setattr(schemas, "_FOLDERS", ())
        schemas._validator.cache_clear()
        with pytest.raises(InstallationError, match="is not installed; reinstall Pivot"):
            load_partial(tree)
    [problem] = load_partial(tree).problems
    assert "did you mean 'stages'" in str(problem.hint)
