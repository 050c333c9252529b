"""What people get wrong: one change a case to a sketch, by corner. DVC decides whether it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from corners import CORNERS, md5
from sketch import Sketch

# fmt: off

Body = dict[str, Any]

COMMANDS: tuple[Any, ...] = (
    None, 1, 1.5, True, {}, {"a": "b"}, "", " ", [], [""], [1], [None], ["a", 1], ["a", ["b"]], ["a", {"b": "c"}],
    [[]], "\n", ["a", ""], [True], "${flat}", ["${flat}"], "${l}", ["${i}"], "${i}", "${n}", "${b}", "${empty}",
)
EXPRESSIONS = (
    "${nope}", "x ${nope}", "${m.nope}", "${l[9]}", "${l[-9]}", "${i.x}", "${}", "x ${ }", "${${s}}", "${l[x]}",
    "${m..a}", "${.m}", "${m.}", "${[0]}", "${l[0}", "${l]0[}", "${m", "x ${m} y", "x ${l}", "${l}", "${m}",
    "x ${names} ${i}", "${i}${m}", "${n.x}", "${s.upper}", "${m.a.b[0][1]}", "${item}", "${key}", "${item.x}",
    "${I}", "${ i i }", "${5}", "${i}}", "${{i}}", "${names[0].x}", "${params.i}", "${k-}", "${m[a}", "${i:1}",
    "${a1}", "\\${nope} ${nope}", "${lists}", "${flat.tags}",
)


def command(s: Sketch) -> None:
    body: Body = {"cmd": s.pick(*COMMANDS), **s.pick({}, {"deps": ["a"]}, {"outs": [s.name("o")]})}
    if "$" in repr(body):
        s.values()
    if s.often(10):
        body.pop("cmd")
    if s.often(10):
        s.raw.setdefault(s.folder, []).append(f"{s.name()}: {{cmd: x, cmd: y}}")
    s.stage(body)


def expression(s: Sketch) -> None:
    s.values()
    wrong = s.pick(*EXPRESSIONS)
    s.stage(
        s.pick(
            {"cmd": wrong}, {"cmd": ["x", wrong]}, {"cmd": "x", "deps": [wrong]},
            {"cmd": "x", "outs": [wrong + s.name()]}, {"cmd": "x", "wdir": wrong}, {"cmd": "x", "desc": wrong},
            {"cmd": "x", "meta": {"a": [wrong]}}, {"cmd": "x", "params": [wrong]},
            {"cmd": "x", "params": [{wrong: ["a"]}]}, {"cmd": "x", "outs": [{wrong: {"cache": False}}]},
            {"cmd": "x", "outs": [{s.name("o"): {"desc": wrong}}]}, {"cmd": "x", "meta": {wrong: 1}},
            {"cmd": "x", "frozen": wrong}, {"cmd": "x", "plots": [{s.name("p"): {"x": wrong}}]},
            {"cmd": "x", "metrics": [wrong]},
        ),
    )
    if s.often(15):
        s.params.pop(s.folder)  # without params.yaml there is nothing to name


def variables(s: Sketch) -> None:
    s.file("v.yaml", "a: 1\nb: {c: 2}\nl: [1]\n")
    document = s.document()
    if s.often(40):
        s.values()
    wrong: Any = s.pick(
        ["gone.yaml"], ["v.yaml:gone"], ["v.yaml:b.c"], ["v.yaml:"], ["v.yaml:a,,b"], ["v.yaml:a, b"],
        ["v.yaml", "v.yaml:a"], ["v.yaml:a", "v.yaml"], ["v.yaml:a", "v.yaml:a"], ["v.yaml:a", "./v.yaml:b"],
        [{"a": 1}, {"a": 1}], [{"a": 1}, "v.yaml"], [{"b": 1}, "v.yaml"], [{"b": {"c": 1}}, "v.yaml"],
        [{"b": {"d": 1}}, "v.yaml"], [{"a": {"x": 1}}, {"a": {"x": {"y": 1}}}], [{"a": {"x": 1}}, {"a": 2}],
        [{"a": [1]}, {"a": [2]}], [{"a": {}}, {"a": {}}], [{"a": None}, {"a": {"b": 1}}], "v.yaml", {"a": 1},
        [["v.yaml"]], [1], [None], None, [{"v": "${i}"}], ["${s}.yaml"], [{"${s}": 1}], [{"i": 2}],
        [{"m": {"t": 1}}], [{"m": {"new": 1}}], ["sub"], ["params.yaml:i"], ["params.yaml", "params.yaml"],
        [{"item": 1}], [{"key": 1}], [{}], [""], [{1: 2}, {1: 3}], [{"a": {"x": None}}, {"a": {"x": None}}],
        ["v.yaml:l[0]"], ["v.yaml:a:b"], [True], [{"a": 1}, {"b": 1, "a": 2}],
    )
    place = s.pick("file", "stage", "loop", "content")
    if place == "file":
        document["vars"] = wrong
        s.stage({"cmd": "x"})
    elif place == "stage":
        if s.often(30):
            document["vars"] = [{"a": 1}]
        s.stage({"cmd": "x", "vars": wrong, **s.pick({}, {"wdir": "w"})})
    elif place == "loop":
        s.stage({"foreach": [1], "do": {"cmd": "x ${item}", "vars": wrong}})
    else:
        text = s.pick("[1, 2]", "text", "a: [", "", "1", "a: 1\na: 2", "- a", "null", "\ta: 1", "a: 2020-01-01", "{1: 2}", "a: !x 1")
        name = s.pick("v.yaml", "params.yaml")
        s.file(name, text)
        s.params.pop(s.folder, None)
        document.setdefault("vars", ["v.yaml"] if name == "v.yaml" else [])
        s.stage({"cmd": "x"})


def two_params(s: Sketch) -> None:
    CORNERS[4](s)
    broken = s.pick("keys", "dir", "text", "redefined", "wdir file")
    if broken == "keys":
        s.stage({"wdir": "w", "cmd": "x ${only.there}", "params": ["i"]})
    elif broken == "dir":
        s.files[s.at("w/params.yaml/x")] = "1"
        s.files.pop(s.at("w/params.yaml"), None)
        s.stage({"wdir": "w", "cmd": "x", "vars": ["params.yaml"]})
    elif broken == "text":
        s.files[s.at("params.yaml")] = s.pick("- 1\n", "x\n", "a: b: c\n", "{", "i: 1\ni: 2\n")
        s.params.pop(s.folder, None)
    elif broken == "redefined":
        s.files.setdefault(s.at("w/params.yaml"), "i: 9\n")
        s.stage({"wdir": "w", "cmd": "x", "vars": ["params.yaml"]})
    else:
        s.stage({"wdir": s.pick(None, 1, [], "${nope}"), "cmd": "x ${i}", "params": ["i"]})


def params(s: Sketch) -> None:
    s.file("p.yaml", "a: 1\n")
    s.stage(
        {"cmd": "x", "params": s.pick(
            "a", {"a": 1}, {"p.yaml": ["a"]}, [1], [None], [["a"]], [{"p.yaml": "a"}], [{"p.yaml": {"a": 1}}],
            [{"p.yaml": [1]}], [{"p.yaml": [["a"]]}], [{"p.yaml": 1}], [{1: ["a"]}], [True], [1.5],
            [{"p.yaml": [None]}], [{"p.yaml": True}], [{"p.yaml": ["a"]}, {"p.yaml": "b"}], [{}],
            [{"p.yaml": False}], [{"p.yaml": 0}], [{"p.yaml": ""}], None, [], [""], [{"p.yaml": {}}],
            [{"p.yaml": [""]}],
        )},
    )


SYNTAX = (
    "a: b: c", "a: [", "a: {", "'", 'a: "x', "\t- a", "a:\n\t- b", "a: *none", "a: &x", "a: 1\na: 2", "- a", "? a",
    "a: |\nx", "%X", "a: !!int x", "a: !!float x", "a: !unknown x", "a: !!bool maybe", "{a, b", "a: @x", "a: `x",
    "<<: 1", "<<: [1]", "<<: x", "[a]: b", "{a: b}: c", "a: 'x' y", "a\n  b: c", 'a: "\\q"', "a: }", "a: ]",
    "a: ,", "a:- b", "a: - b", "---\n...", "a: !!timestamp x", "x: &a [*a]", "x: &a {b: *a}", "\x07: 1",
    'a: "\x01"', "a: !!python/object:os.system x", "a: '\ud7ff'", "~: 1", "1: {cmd: x}",
)


def syntax(s: Sketch) -> None:
    wrong = s.pick(*SYNTAX)
    s.notes.append(wrong)
    place = s.pick("stage", "body", "file", "params", "end")
    lines = s.raw.setdefault(s.folder, [])
    if place == "stage":
        lines.append(wrong)
    elif place == "body":
        lines.append(f"{s.name()}:\n  cmd: x\n  meta:\n" + "\n".join("    " + line for line in wrong.splitlines()))
    elif place == "params":
        s.file("params.yaml", wrong + "\n")
        s.params.pop(s.folder, None)
        lines.append(f"{s.name()}: {{cmd: x}}")
    elif place == "end":
        lines.append(f"{s.name()}: {{cmd: x}}")
        lines.append("\n".join(wrong.splitlines()))
    else:
        s.raw.pop(s.folder)
        s.documents.pop(s.folder, None)
        s.file("dvc.yaml", wrong + "\n")


def loops(s: Sketch) -> None:
    s.values()
    x: Body = {"cmd": "x ${item}"}
    s.stage(
        s.pick(
            {"foreach": "${i}", "do": x}, {"foreach": "${s}", "do": x}, {"foreach": "${n}", "do": x},
            {"foreach": "text", "do": x}, {"foreach": 1, "do": x}, {"foreach": None, "do": x}, {"foreach": [1]},
            {"do": x}, {"foreach": [1], "do": x, "cmd": "y"}, {"foreach": [1], "do": {}},
            {"foreach": [1], "do": None}, {"foreach": [1], "do": [x]}, {"foreach": [1], "do": "x"},
            {"foreach": [1], "do": {"cmd": "${key}"}}, {"foreach": [1], "do": {"cmd": "${item.x}"}},
            {"foreach": {"a": 1}, "do": {"cmd": "${item.x}"}}, {"foreach": ["${nope}"], "do": x},
            {"foreach": "${nope}", "do": x}, {"foreach": [1], "do": {"foreach": [2], "do": x}},
            {"foreach": [1], "matrix": {"a": [1]}, "do": x}, {"matrix": {"a": [1]}, "do": x},
            {"matrix": [1], "cmd": "x"}, {"matrix": {"a": 1}, "cmd": "x"}, {"matrix": {"a": "${i}"}, "cmd": "x"},
            {"matrix": {"a": "${s}"}, "cmd": "x"}, {"matrix": {}, "cmd": "x"}, {"matrix": None, "cmd": "x"},
            {"matrix": {"a": ["${nope}"]}, "cmd": "x"}, {"matrix": {"a": [1]}, "cmd": "${item.b}"},
            {"matrix": {"a": [1]}}, {"matrix": {"a": {"b": 1}}, "cmd": "x"}, {"matrix": "${items}", "cmd": "x"},
            {"matrix": {"${s}": [1]}, "cmd": "x ${item.text}"},
            {"foreach": [{"a": 1}, {"b": 1}], "do": {"cmd": "${item.a}"}}, {"foreach": ["x ${m}"], "do": x},
            {"foreach": [1, 2], "do": {"cmd": "x", "outs": ["same-o"]}},
            {"foreach": [1], "do": {"matrix": {"a": [1]}, "cmd": "x"}}, {"foreach": "${l", "do": x},
            {"foreach": True, "do": x}, {"matrix": {"a": None}, "cmd": "x"}, {"matrix": {1: ["a"]}, "cmd": "x"},
            {"matrix": {"a": [1], "b": "${empty}"}, "cmd": "x"}, {"foreach": [1], "do": {**x, "zzz": 1}},
            {"foreach": {"a": None}, "do": {"cmd": "x ${item}"}}, {"foreach": [None], "do": x},
            {"foreach": "${empty}", "do": x}, {"foreach": ["${l}"], "do": x},
            {"matrix": {"a": [None, ""]}, "cmd": "x ${item.a}"}, {"foreach": [1], "in": [2], "do": x},
            {"foreach": "${names[0]}", "do": x}, {"matrix": {"a": "${names}x"}, "cmd": "x"},
            {"matrix": {"a": [[1, 2]]}, "cmd": "x ${item.a}"}, {"foreach": "${items} ", "do": x},
        ),
    )


def graph(s: Sketch) -> None:
    a, b, c = s.name("ga"), s.name("gb"), s.name("gc")
    kind = s.pick(
        "twice", "nested", "own", "cycle", "self", "same stage", "tracked", "file inside", "outside",
        "tracked twice", "cycle below", "own nested", "own above", "between files", "duplicate", "lock out",
        "stage name", "dep twice", "type", "absolute", "url", "wdir", "params cycle",
    )
    s.notes.append(kind)
    record = "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: {}\n"
    bodies: list[Body] = []
    if kind == "twice":
        bodies = [{"cmd": "x", "outs": [a]}, {"cmd": "y", s.pick("outs", "metrics", "plots"): [s.pick(a, f"./{a}", f"q/../{a}")]}]
    elif kind == "nested":
        bodies = [{"cmd": "x", "outs": [a]}, {"cmd": "y", "outs": [s.pick(f"{a}/b", f"{a}/b/c", {f"{a}/b": {"cache": False}})]}]
        bodies = bodies[:: s.pick(1, -1)]
    elif kind == "own":
        bodies = [{"cmd": "x", "deps": [a], "outs": [s.pick(a, f"./{a}", {a: {"persist": True}})]}]
    elif kind == "own nested":
        bodies = [{"cmd": "x", "deps": [a], "outs": [f"{a}/b"]}]
    elif kind == "own above":
        bodies = [{"cmd": "x", "deps": [f"{a}/b"], "outs": [a]}]
    elif kind == "cycle":
        bodies = [
            {"cmd": "x", "deps": [a], "outs": [b]},
            {"cmd": "y", "deps": [b], "outs": [s.pick(a, c)]},
            {"cmd": "z", "deps": [c], "outs": [a + "z"]},
        ]
        if s.often():
            bodies[0]["deps"] = [a + "z"]
    elif kind == "cycle below":
        bodies = [{"cmd": "x", "deps": [a], "outs": [b]}, {"cmd": "y", "deps": [f"{b}/q"], "outs": [f"{a}/z"]}]
    elif kind == "params cycle":
        bodies = [{"cmd": "x", "params": [{a: None}], "outs": [b]}, {"cmd": "y", "deps": [b], "outs": [a]}]
    elif kind == "self":
        bodies = [{"cmd": "x", "params": [{a: None}], "outs": [a]}]
    elif kind == "same stage":
        bodies = [
            {
                "cmd": "x",
                "outs": s.pick([a, f"./{a}"], [a, f"{a}/b"], [a, {a: {"cache": False}}], [f"{a}/", a], [{a: None}, a]),
                **s.pick({}, {"metrics": [a]}, {"plots": [{a: {"x": "q"}}]}),
            },
        ]
    elif kind == "tracked":
        s.files[s.at(f"{a}.dvc")] = record.format(a)
        bodies = [{"cmd": "x", "outs": [s.pick(a, f"{a}/b", a + "-other")]}]
    elif kind == "tracked twice":
        s.files[s.at(f"{a}.dvc")] = record.format(a)
        s.files[s.at(f"{b}.dvc")] = record.format(s.pick(a, f"{a}/x", b))
        bodies = [{"cmd": "x", "deps": [a]}]
    elif kind == "file inside":
        s.files[s.at(f"{a}/dvc.yaml")] = f"stages: {{{s.name()}: {{cmd: y}}}}\n"
        bodies = [{"cmd": "x", "outs": [s.pick(a, f"{a}/dvc.yaml", f"{a}/other", ".", "dvc.yaml", "./")]}]
    elif kind == "outside":
        bodies = [{"cmd": "x", "outs": [s.pick("../away", "/tmp/away", {"/tmp/away2": {"cache": False}}, "../../..")]}]
    elif kind == "between files":
        s.files[f"other{a}/dvc.yaml"] = f"stages: {{{s.name()}: {{cmd: y, outs: [{s.pick('here', '../there', '../there/x')}]}}}}\n"
        s.folder = "."
        bodies = [{"cmd": "x", "outs": [s.pick(f"other{a}/here", "there", f"other{a}")]}]
    elif kind == "duplicate":
        s.raw.setdefault(s.folder, []).extend([f"{a}: {{cmd: x}}", f"{a}: {{cmd: y}}"])
    elif kind == "lock out":
        bodies = [{"cmd": "x", "outs": [s.pick("dvc.lock", ".dvc/x", ".git/x", "params.yaml", ".dvcignore")]}]
    elif kind == "stage name":
        name: Any = s.pick(
            "a:b", "a@b", "a b", "", "a/b", "a\\b", ".a", "a.dvc", "é", "a'b", "-a", "a$b", "a@", "@a", "${s}",
            "a#b", 1, None, True, "a,b", " ",
        )
        s.document().setdefault("stages", {})[name] = {"cmd": "x"}
    elif kind == "dep twice":
        bodies = [{"cmd": "x", "deps": s.pick([a, a], [a, f"./{a}"], [a, f"{a}/"], [a, f"{a}/b"])}]
    elif kind == "type":
        key = s.pick("deps", "outs", "metrics", "plots")
        bodies = [
            {"cmd": "x", key: s.pick(
                None, "a", 1, {"a": "b"}, [1], [None], [["a"]], [True], [""], [{}], [" "], [{"a": "b"}],
                [{"a": None}], [{"a": []}], [{"a": {}}], [], [{1: {}}], [1.5], {},
            )},
        ]
    elif kind == "absolute":
        bodies = [
            {"cmd": "x", "deps": [s.pick("/opt/../opt/x", "//tmp/x", "file:///tmp/x", "local://x", "http:/x", "C:\\x", "nope://x/y")]}
        ]
    elif kind == "url":
        bodies = [
            {
                "cmd": "x",
                "outs": [s.pick("s3://b/k", "https://e.org/x", {"https://b/k": {"cache": False}}, {"ssh://h/x": {"cache": False}})],
            }
        ]
    else:
        bodies = [{"cmd": "x", "wdir": s.pick("", "../../..", "gone", 1, None, [], {}, "params.yaml", "~", "a\\b", " ", "${dir}", True)}]
    for body in bodies:
        s.stage(body)


def outs(s: Sketch) -> None:
    key = s.pick("outs", "metrics", "plots")
    name = s.name("o")
    wrong = s.pick(
        {"cach": True}, {"cache": "true"}, {"cache": 1}, {"cache": None}, {"persist": "no"}, {"push": 0},
        {"remote": 1}, {"remote": None}, {"desc": 1}, {"desc": None}, {"type": ["a"]}, {"labels": "a"},
        {"labels": [1]}, {"labels": None}, {"meta": 1}, {"x": "a"}, {"x": 1}, {"template": 1}, {"header": "yes"},
        {"title": None}, {"md5": "abc"}, {"hash": "md5"}, {"path": "q"}, {"incremental": True}, {"loader": "csv"},
        {"options": {"a": 1}}, {"resume": True}, {"checkpoint": 1}, {"checkpoint": True}, {1: 2},
        {"y": ["a", "b"]}, {"y": {"f": "g"}}, {"fs_config": {}}, {"cloud": {}}, "text", 1, [], [{"x": "a"}], ["a"],
        True, {"header": True}, {"x_label": 3}, {"type": "directory"}, {"type": None}, {"size": 1},
    )
    choice = s.pick("options", "options", "top", "top", "key")
    document = s.document()
    if choice == "options":
        s.stage({"cmd": "x", key: [{name: wrong}]})
    elif choice == "key":
        s.stage(
            {"cmd": "x", **s.pick(
                {"out": [name]}, {"outs_no_cache": [name]}, {"metric": [name]}, {"x-note": 1}, {"python": "a.b"},
                {"env": ["A"]}, {"timeout": 3}, {"frozen": "yes"}, {"frozen": None}, {"frozen": 1},
                {"always_changed": "x"}, {"desc": 1}, {"desc": None}, {"meta": None}, {"mutex": "a"},
                {"code": False}, {"Deps": ["a"]}, {1: 2}, {"name": "x"}, {"locked": True}, {"md5": "x"},
                {"resources": {"gpu": 1}},
            )},
        )
    else:
        s.stage({"cmd": "x"})
        document.update(
            s.pick(
                {"plots": {"a.csv": {"x": "a"}}}, {"plots": ["a", {"b": {"xx": 1}}]}, {"plots": [{"b": {"x": 1}}]},
                {"plots": [{"b": {"y": 1}}]}, {"plots": [1]}, {"plots": [{"b": []}]}, {"plots": [{"b": "x"}]},
                {"plots": None}, {"plots": "a"}, {"plots": [{}]}, {"plots": [{"a": {"x": ["q"]}}]},
                {"plots": [{"b": {"title": 1}}]}, {"metrics": "m.json"}, {"metrics": [1]}, {"metrics": {"a": 1}},
                {"metrics": [{"a": {"cache": False}}]}, {"metrics": None}, {"metrics": [""]}, {"metrics": [["a"]]},
                {"params": "p"}, {"params": [1]}, {"params": [{"p.yaml": ["a"]}]}, {"params": None},
                {"params": {"a": 1}}, {"artifacts": []}, {"artifacts": {"a": "b"}}, {"artifacts": {"a": {}}},
                {"artifacts": {"a": {"path": 1}}}, {"artifacts": {"a": {"path": "x", "zzz": 1}}},
                {"artifacts": {"a": {"path": "x", "labels": "q"}}}, {"artifacts": None},
                {"artifacts": {"a": None}}, {"artifacts": {1: {"path": "x"}}},
                {"artifacts": {"a": {"path": "x", "desc": 1}}}, {"artifacts": {"a": {"path": "x", "type": None}}},
                {"zzz": 1}, {"stage": {}}, {"stages ": {}}, {"metrics": ["${nope}"]}, {"plots": ["${nope}"]},
                {"params": ["${nope}"]}, {"artifacts": {"a": {"path": "${nope}"}}}, {"x-note": 1}, {1: 2},
                {"datasets": []}, {"schema": "2.0"}, {"artifacts": {"a b": {"path": "x"}}},
                {"artifacts": {"A_": {"path": "x"}}}, {"artifacts": {"a": {"path": ""}}},
                {"plots": [{"a": {"template": 1}}]}, {"plots": [{"a": {"y": {"f": 1}}}]}, {"plots": [{1: {}}]},
                {"plots": [{"a": {"x": {"f": ["q"]}}}]}, {"artifacts": {"a": {"path": "x", "meta": 1}}},
                {"plots": [{"a": {}, "b": {}}]},
            ),
        )
    if s.often(8):
        document["stages"] = s.pick([], None, "x", 1, [{"cmd": "x"}], {"a": None}, {"a": []}, {"a": "x"}, {"a": {}}, {})


def hashes(s: Sketch) -> None:
    name, value = s.name("d"), md5(s)
    wrong = s.pick(
        f"outs:\n- md5: 12\n  path: {name}\n", f"outs:\n- md5: [a]\n  path: {name}\n", f"outs:\n- md5: {value}\n",
        "outs: x\n", "outs: {}\n", f"outs:\n- md5: {value}\n  path: 1\n",
        f"outs:\n- md5: {value}\n  path: {name}\n  size: big\n",
        f"outs:\n- md5: {value}\n  path: {name}\n  nfiles: '2'\n",
        f"outs:\n- md5: {value}\n  path: {name}\n  isexec: 1\n",
        f"outs:\n- md5: {value}\n  path: {name}\n  hash: 1\n",
        f"outs:\n- md5: {value}\n  path: {name}\n  zzz: 1\n", f"outs:\n- {name}\n", f"out:\n- path: {name}\n",
        f"- path: {name}\n", "text\n", "1\n", f"outs:\n- path: {name}\n  cache: x\n",
        f"outs:\n- path: {name}\n  remote:\n", f"outs:\n- path: {name}\n  desc: 1\n",
        f"frozen: 1\nouts:\n- path: {name}\n", f"wdir: 1\nouts:\n- path: {name}\n",
        f"desc: 1\nouts:\n- path: {name}\n", "a: [\n", f"outs:\n- path: {name}\n- path: {name}\n",
        f"outs:\n- md5: {value}\n  md5: {value}\n  path: {name}\n", f"md5: 1\nouts:\n- path: {name}\n",
        f"deps: x\nouts:\n- path: {name}\n", f"outs:\n- path: ''\n  md5: {value}\n",
        f"outs:\n- md5: ab\n  path: {name}\n", f"outs:\n- md5: 123456\n  path: {name}\n",
        f"outs:\n- md5: 1.5\n  path: {name}\n", "outs: []\n", "", "{}\n", "outs:\n",
        f"vars: []\nouts:\n- path: {name}\n", f"wdir: gone/away\nouts:\n- path: {name}\n",
        f"outs:\n- md5: xyz\n  path: {name}\n", f"outs:\n- path: {name}\n  digest: blake3:ab\n",
        f"stages: {{a: {{cmd: x}}}}\nouts:\n- path: {name}\n", f"outs:\n- path: {name}\n  metric: true\n",
        f"outs:\n- path: {name}\n  labels: a\n", f"outs:\n- path: {name}\n  files: x\n",
    )
    s.notes.append(wrong)
    s.files[s.at(f"{name}.dvc")] = wrong


def imports(s: Sketch) -> None:
    name, value = s.name("i"), md5(s)
    dep = s.pick(
        "path: x\n  repo: {url: u, rev: [1]}\n", "path: x\n  repo: u\n", "path: x\n  repo: {rev: v}\n",
        "repo: {url: u}\n", "path: x\n  repo: {url: u, zzz: 1}\n", "x\n", "path: 1\n", "path: x\n  etag: [1]\n",
        "path: x\n  zzz: 1\n", "path: x\n  md5: 12\n", "path: x\n  repo: {url: u, rev_lock: 1}\n",
        "path: x\n  repo: {url: 1}\n", "path: ''\n", "path: x\n  cache: false\n", "path: x\n  size: a\n",
        "md5: abc\n", "path: x\n  repo: {url: u, config: 1}\n", "path: x\n  repo: {url: u, remote: 1}\n",
        "path: x\n  repo:\n", "path: x\n  repo: {}\n", "path: x\n  desc: d\n", "path: x\n  repo: {url: u}\n",
        "path: x\n  params: [a]\n", "db: {connection: c, query: q}\n", "path: x\n  version_id: 1\n",
    )
    s.notes.append(dep)
    s.files[s.at(f"{name}.dvc")] = f"frozen: true\ndeps:\n- {dep}outs:\n- md5: {value}\n  path: {name}\n"


def ignoring(s: Sketch) -> None:
    """Wrong files that DVC sees in spite of rules, or does not see thanks to them."""
    CORNERS[13](s)
    name = s.pick("hid", "hid/low", "keep", "low", "keep/low", "other", ".hidden", "venv")
    if s.often(20):
        s.files[f"{name}/x.dvc"] = "outs: 1\n"
    else:
        s.files[f"{name}/dvc.yaml"] = s.pick(
            "stages: [", "stages: {a: {}}\n", "zzz: 1\n", "stages: {a: {cmd: '${nope}'}}\n",
            "vars: [gone.yaml]\nstages: {a: {cmd: x}}\n", "stages: {a: {cmd: x, outs: [o, ./o]}}\n",
            "stages: {a: {cmd: x, deps: [o], outs: [o]}}\n",
        )


def old(s: Sketch) -> None:
    name, value = s.name(), md5(s)
    kind = s.pick("live", "one stage", "plots", "persist", "lock", "Dvcfile", "schema")
    s.notes.append(kind)
    if kind == "live":
        s.stage({"cmd": "x", "live": s.pick("live", {"live": {"summary": True}}, [{"l": {"html": True}}])})
    elif kind == "one stage":
        s.files[s.at(f"{name}.dvc")] = s.pick(
            f"cmd: x\ndeps:\n- md5: {value}\n  path: d\nouts:\n- md5: {value}\n  path: {name}\n",
            f"md5: {value}\ncmd: python x.py\nwdir: .\nouts:\n- path: {name}\n  metric: true\n",
            f"cmd: x\nouts:\n- path: {name}\n", f"outs:\n- path: {name}\n  metric: {{type: json}}\n",
            f"outs:\n- path: {name}\n  plot: true\n",
        )
    elif kind == "plots":
        s.stage({"cmd": "x", "plots": [{s.name("p"): [{"x": "a"}, {"y": "b"}]}]})
    elif kind == "persist":
        s.stage(
            {
                "cmd": "x",
                s.pick("outs_persist", "outs_no_cache", "metrics_no_cache", "plots_no_cache", "outs_persist_no_cache"): [s.name("o")],
            }
        )
    elif kind == "Dvcfile":
        s.files["Dvcfile"] = s.pick("cmd: x\nouts:\n- path: y\n", "stages: {a: {cmd: x}}\n", "zzz\n")
        s.stage({"cmd": "x"})
    else:
        stage = s.stage({"cmd": "x", "deps": ["d"], "outs": ["made"]}) if "made" not in repr(s.documents) else s.stage({"cmd": "x"})
        entry = f"{stage}:\n  cmd: x\n  deps:\n  - path: d\n    md5: {value}\n  outs:\n  - path: made\n    md5: {value}\n"
        block = "".join(f"  {line}\n" for line in entry.splitlines())
        s.files[s.at("dvc.lock")] = s.pick(
            entry, f"schema: '1.0'\nstages:\n{block}", f"schema: 2.0\nstages:\n{block}", f"stages:\n{block}",
            f"schema: '2.0'\nstages:\n{block}zzz: 1\n", "schema: '2.0'\nstages: []\n",
            "<<<<<<< HEAD\nschema: '2.0'\n=======\nschema: '2.0'\n>>>>>>> b\n", "schema: '2.0'\n", "", "[]\n",
            "schema: '2.0'\nstages:\n", f"schema: '2.0'\nstages:\n  {stage}:\n    deps: []\n",
            f"schema: '2.0'\nstages:\n  {stage}:\n    cmd: x\n    outs:\n    - md5: {value}\n",
            f"schema: '2.0'\nstages:\n  {stage}:\n    cmd: x\n    zzz: 1\n",
            f"schema: '2.0'\nstages:\n  {stage}:\n    cmd: 1\n", "schema: '2.0'\nstages:\n  gone:\n    cmd: y\n",
            f"schema: '2.0'\nstages:\n  {stage}:\n    cmd: x\n    params:\n      p.yaml: [a]\n",
            f"schema: '2.0'\nstages:\n  {stage}:\n    cmd: x\n    deps: {{}}\n", "a: [",
        )


BREAKERS: dict[int, Callable[[Sketch], None]] = {
    1: command, 2: expression, 3: variables, 4: two_params, 5: params, 6: syntax, 7: loops, 8: graph, 9: outs,
    10: hashes, 12: imports, 13: ignoring, 14: old,
}
