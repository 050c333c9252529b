"""What each corner case may look like where it is right: one function a corner, over a sketch.

The numbers are those of the list of corner cases that tools get wrong:
"""

from __future__ import annotations

from typing import Any

from sketch import Shared, Sketch

# fmt: off

NAMES = {
    1: "commands", 2: "expressions", 3: "vars", 4: "two params files", 5: "params forms", 6: "YAML",
    7: "foreach and matrix", 8: "paths and graph", 9: "outs and declarations", 10: "hashes", 11: "staleness",
    12: "imports", 13: ".dvcignore", 14: "old files", 15: "errors",
}

SCALARS = (
    "${i}", "${f}", "${tiny}", "${big}", "${b}", "${no}", "${n}", "${s}", "${empty}", "${z}", "${l[0]}",
    "${l[2].x}", "${l.1}", "${l[-2]}", "${m.a.b[0]}", "${m.a.b.1}", "${ m.t }", "${m.n}", "${m.q}", "${m.e}",
    "${k-y}", "${k y}", "${flat.deep.x.y}", "${names[1]}", "${rows[1].b}", "${ m . s }", "${items.p.v}",
    "${scalars.3}", "${m[a][b][1]}",
)
FLAGS = ("${flat}", "${m.k}", "${items}", "${scalars}", "${flat.deep}", "${items.p}")
PLAIN = ("a", "--x=", " ", "'q'", '"d"', "$HOME", "$$", "{", "}", "$", "\\", "\\${i}", "\\\\", "é", "#")


def texts(s: Sketch, most: int = 4) -> str:
    """A text with expressions in it."""
    return "".join(s.pick(s.pick(*SCALARS), s.pick(*PLAIN)) for _ in range(s.number(1, most)))


def command(s: Sketch, *, templated: bool) -> str:
    """One command."""
    if templated:
        return "echo " + s.pick(texts(s), s.pick(*SCALARS), s.pick(*FLAGS), "x")
    return s.pick(
        "echo a", "python x.py --lr 1", "  spaced  ", "a\tb", "echo 'it''s'", "cat <<< é", "echo \\${i}", "true",
        "1", "a && b; c", "x # not a comment", "- a", "a: b",
    )


def commands(s: Sketch) -> None:
    s.has(1)
    templated = s.often(30)
    if templated:
        s.values()
    kind = s.pick("text", "lines", "list", "list of lines", "folded", "kept")
    one = command(s, templated=templated)
    if kind == "text":
        body: Any = one
    elif kind == "lines":
        body = "\n".join(command(s, templated=templated) for _ in range(s.number(2, 4)))
        body += s.pick("", "\n", "\n\n")
    elif kind in ("list", "list of lines"):
        body = [command(s, templated=templated) for _ in range(s.number(1, 3))]
        if kind == "list of lines":
            body[0] += "\n" + one
    else:
        sign = s.pick(">", ">-", "|", "|-", "|+", ">+", "|2")
        lines = s.pick(("a", "b"), ("a", "", "b"), ("a \\", "  b"), ("# no comment", "x"), ("a", "b", ""))
        text = "\n".join("    " + line if line else "" for line in lines)
        s.raw.setdefault(s.folder, []).append(f"{s.name()}:\n  cmd: {sign}\n{text}")
        return
    s.stage({"cmd": body, **s.pick({}, {"wdir": "w"}, {"deps": ["x"]}, {"outs": [s.name("o")]})})


def expressions(s: Sketch) -> None:
    s.has(2)
    s.values()
    body: dict[str, Any] = {"cmd": s.pick(command(s, templated=True), texts(s), s.pick(*FLAGS) + " x")}
    for key in s.some(("wdir", "deps", "outs", "params", "desc", "meta", "metrics", "plots", "list"), 0, 3):
        if key == "wdir":
            body["wdir"] = s.pick("${dir}", "w/${s}", "${ dir }/x", "../${dir}", "${i}")
        elif key == "deps":
            body["deps"] = s.some(("${s}", "a/${i}", "${dir}/${s}", "../${k-y}", "x\\${i}", "${k y}"), 1, 3)
        elif key in ("outs", "metrics"):
            out = s.pick("${s}", "o/${i}", "${dir}/${names[0]}") + "." + s.name("o")
            body[key] = [s.pick(out, {out: {"cache": s.often()}}, {out: {"desc": "${s} ${i}"}})]
        elif key == "plots":
            body[key] = [{s.name("p") + "${i}.csv": {"x": "${s}", "title": "a ${i}"}}]
        elif key == "params":
            body[key] = s.some(("${s}", "a.${dir}", {"${s}.yaml": ["${dir}", "x"]}), 1, 2)
        elif key == "desc":
            body["desc"] = s.pick("about ${i}", "${s}", "${f}", "\\${i}")
        elif key == "meta":
            body["meta"] = s.pick("${b}", {"a": "${f}", "${s}": ["${n}", "x${i}"]}, [1, "${i}"], "${k y}")
        else:
            body["cmd"] = [body["cmd"], command(s, templated=True)]
    s.stage(body)


def variables(s: Sketch) -> None:
    s.has(3)
    shown = ["${a1}"]
    items: list[Any] = [{"a1": 1}]
    if s.often(60):
        s.values()
        shown.append("${i}")
    if s.often():
        more, expression = s.pick(
            ({"w": {"x": 1}}, "${w.x}"), ({"w": {"x": [1, 2]}}, "${w.x[1]}"), ({"w": {}}, "x"),
            ({"g": {"h": {"i": 1}}}, "${g.h.i}"), ({"items2": [1]}, "${items2[0]}"), ({"item": 3}, "${item}"),
        )
        items.append(more)
        shown.append(expression)
        if "w" in more and s.often():
            items.append({"w": {"y": 2, "z": {"q": 1}}})
            shown.append("${w.z.q}")
    if s.often(60):
        name, text, picks = s.pick(
            ("v.yaml", "va: 1\nvb: {c: 2, d: [3]}\nvc: x\n", ("va", "vb", "vc")),
            ("v.json", '{"va": 1, "vb": {"c": 2.5}, "vc": null}', ("va", "vb", "vc")),
            ("v.toml", "va = 1\nvc = 'x'\n[vb]\nc = 2\n", ("va", "vb", "vc")),
            ("v.py", "va = 1\nvc = f()\nclass vb:\n  c = 2\n  def __init__(self):\n    self.d = 3\n", ("va", "vb")),
            ("sub/v.yml", "va: 1\nvb: {c: 2}\nvc: x\n", ("va", "vb", "vc")),
            ("v.conf", "va: 1\nvb: {c: 2}\nvc: x\n", ("va", "vb", "vc")),
        )
        s.file(name, text)
        if s.often(60):
            chosen = s.some(picks, 1, 3)
            items.append(f"{name}:{','.join(chosen)}")
            rest = [p for p in picks if p not in chosen]
            if rest and s.often(30):
                items.append(f"./{name}:{rest[0]}")
                chosen.append(rest[0])
        else:
            chosen = list(picks)
            items.append(s.pick(name, f"./{name}", f"x/../{name}"))
            if s.often(30):
                items.append(name)
        shown += [{"va": "${va}", "vb": "${vb.c}", "vc": "x${vc}"}[p] for p in chosen]
    if s.folder in s.params and s.often(20):
        items.insert(0, "params.yaml")
    document = s.document()
    if "vars" in document:
        return
    local = s.pick("", "", "mapping", "file")
    body: dict[str, Any] = {}
    if local == "mapping":
        body["vars"] = s.pick([{"own": 1}], [{"own": 1}, {"own2": {"q": 1}}], [{"g": {"own3": 1}}, {"own": 2}])
        shown.append("${own}")
    elif local == "file":
        body["wdir"] = s.pick("w", "w/x", "../w", ".")
        where = s.at(body["wdir"])
        import posixpath

        s.files[posixpath.normpath(f"{where}/own.yaml")] = "own: 5\nother: {a: 1}\n"
        body["vars"] = [s.pick("own.yaml", "own.yaml:own", "own.yaml:own,other", "./own.yaml")]
        shown.append("${own}")
    document["vars"] = items
    body["cmd"] = "echo " + " ".join(s.some(shown, 1, 4))
    s.stage(body)
    if s.often(30):
        s.stage(
            {
                "foreach": s.pick(["x"], {"k": {"v": 1}}, "${w2}"),
                "do": {"cmd": "echo ${item} ${a1}", **({"vars": [{"each": 2}]} if s.often(30) else {})},
            } if s.often(70) else {
                "matrix": {"p": ["${a1}", 2]}, "cmd": "x ${item.p}",
            },
        )
        last = list(document["stages"].values())[-1]
        if last.get("foreach") == "${w2}":
            items.append({"w2": ["q", "${r"]})
            items[-1] = {"w2": ["q", "r"]}


def two_params(s: Sketch) -> None:
    s.has(4)
    s.values()
    wdir = s.pick("w", "w/x", "../w2", "../x/y", ".", "./w/")
    import posixpath

    at = posixpath.normpath(s.at(wdir))
    s.files.setdefault(f"{at}/params.yaml" if at != "." else "params.yaml", "i: 99\ns: there\nonly: {there: 1}\n")
    s.stage(
        {
            "wdir": wdir, "cmd": "x ${i}" if at == s.folder else "x ${i} ${s}",
            "params": s.some(("i", "s", "only.there", {"params.yaml": ["z"]}, {"./params.yaml": ["f"]}, {"../params.yaml": ["i"]}, {"v.yaml": None}, {"params.yaml": None},), 1, 4,),
            **s.pick({}, {"outs": [s.name("o")]}, {"deps": ["params.yaml"]}, {"deps": ["../params.yaml"]}),
        },
    )


PARAM_FILES = {
    "p.yaml": "a: {b: 1, c: [1, 2]}\nd: x\n", "p.json": '{"a": {"b": 1}, "d": 1.0}',
    "p.toml": "d = 1\n[a]\nb = 2020-01-01\n", "p.py": "d = 1\nclass a:\n    b = (1, 2)\n", "sub/p.yaml": "a: 1\n",
    "gone.yaml": None, "p.txt": "a: {b: 1}\n",
}


def params(s: Sketch) -> None:
    s.has(5)
    s.values()
    listed: list[Any] = []
    for name, text in s.some(tuple(PARAM_FILES.items()), 1, 3):
        if text is not None:
            s.file(name, text)
        listed.append({s.pick(name, f"./{name}"): s.pick(None, [], ["a"], ["a.b", "d"], ["d", "d"], ["a.c.0", "a"], ["a.c[0]"])})
    listed += s.some(("i", "m.a", "m.a.b", "l.0", "k-y", "k y", "gone.key", "i", "a.*", "${i}x"), 0, 3)
    if s.often(30):
        listed.append({"q.yaml": ["x"], "r.yaml": None})
    if s.often(20):
        listed.append({})
    s.stage({"cmd": "x", "params": listed})


ODD_VALUES = (
    "on", "off", "yes", "No", "1e3", "1e-3", "010", "0o10", "0x1F", "0b11", "12:30", "1_000", "2020-01-01",
    "2020-01-01T10:00:00Z", "2020-01-01 10:00:00", "1.", ".5", "+1", "-0.0", ".inf", ".NaN", "~", "null", "Null",
    "'on'", '"\\u00e9\\n"', "'it''s'", "!!str 5", "!!int '5'", "!!float 1", "!!null ''", "!!bool yes", "a b # c",
    "a#b", "a: b", "<<", "-", "- a", "? a", "[a, b]", "{a: b}", "[a, [b, {c: d}]]", "{a, b: }", "[a, ]", "[]",
    "{}", "&x a", "|", ">-", '"a\\\n      b"', "1__0", "0o8", "1:2:3", "@a", "`a", "%a", "!a b", "!!set {a, b}",
    "[a: b]", "!!timestamp 2020-01-01", "!!binary aGk=", "!!python/none x", "*y", "{a: 1, a: 2}", "'", "[a",
    "+.inf", "0.", "685_230.15", "+12e03", "0xZ", "1,2", "2001-12-14t21:59:43.10-05:00", "00", "-01", "08", "é",
    "\U0001f600", "{a:1}", "{'a':1}", "[a:1]", "[?x]", "!!seq [a]", "!!map {a: 1}", "!<tag:yaml.org,2002:str> 1",
)


def oddities(s: Sketch) -> None:
    s.has(6)
    kind = s.pick("value", "value", "params", "item", "merge", "anchor", "stream", "key", "shared", "head")
    lines = s.raw.setdefault(s.folder, [])
    value = s.pick(*ODD_VALUES)
    name = s.name()
    s.notes.append(f"{kind} {value}")
    if kind == "value":
        lines.append(f"{name}:\n  cmd: x\n  {s.pick('meta', 'meta', 'desc', 'frozen')}: {value}")
    elif kind == "params":
        s.files.setdefault(s.at("params.yaml"), f"odd: {value}\nlist: [{s.pick('1', 'a', 'b c')}]\n")
        s.params.pop(s.folder, None)
        lines.append(f"{name}:\n  cmd: {s.pick('x ${odd}', 'y')}\n  meta: ${{odd}}")
    elif kind == "item":
        lines.append(f"{name}:\n  foreach:\n  - {value}\n  - {s.pick('z', '3.0', 'true')}\n  do: {{cmd: 'x ${{item}}'}}")
    elif kind == "merge":
        merged = s.pick("<<: *base", "<<: [*base, *more]", "'<<': *base", "<<: {cmd: own}")
        lines.append(
            f"base{name}: &base {{cmd: x, deps: [d]}}\nmore{name}: &more {{cmd: z, desc: words}}\n"
            f"{name}:\n  {merged}\n  {s.pick('cmd: y', 'desc: w', 'frozen: true')}"
        )
    elif kind == "anchor":
        lines.append(f"{name}: {{cmd: &c{name} 'x y', meta: [*c{name}, &d{name} {{a: 1}}, *d{name}]}}")
    elif kind == "key":
        lines.append(
            f"{name}:\n  cmd: x\n  meta: {{{s.pick('1', 'true', '~', '1.5', 'on', '2020-01-01', '? a', '[a]', '{a: b}', '0x1', 'a b')}: v}}"
        )
    elif kind == "shared":
        shared = Shared({"cmd": "x", "meta": {"a": 1}})
        s.stage(shared)
        s.stage(shared)
    elif kind == "head":
        if s.folder not in s.documents and len(lines) == 0 and s.at("dvc.yaml") not in s.files:
            head = s.pick("---\n", "%YAML 1.2\n---\n", "# c\n\n", "\ufeff", "--- # x\n", "\n\n")
            tail = s.pick("", "...\n", "# end", "\n\n", "...\n# x\n", "---\n", "---\nmore: 1\n", "\r\n")
            newline = s.pick("\n", "\n", "\r\n")
            text = f"{head}stages:\n  {name}: {{cmd: x, meta: {s.pick('on', '1', '010')}}}\n{tail}"
            s.file("dvc.yaml", text.replace("\r\n", "\n").replace("\n", newline))
            s.notes.append(repr(text))
            s.raw.pop(s.folder)
            s.folder = "."
    else:
        lines.append(f"{name}: # comment\n\n  cmd:   x   # more\n\n  # and\n  deps:\n    - a\n    -   b\n  outs:\n  - {name}.o\n")
    if not s.raw.get(s.folder, True):
        s.raw.pop(s.folder)


FOREACH = (
    ["x", "y"], [1, 1.0, True, None, "t"], [1e-5, 1e20], ["a/b", "x y", "é"], [{"a": 1, "b": 2}, {"a": 3, "b": 4}],
    [{"a": 1}, 2, [3]], {"k1": 1, "k2": 2}, {"k1": {"a": 1, "b": 2}}, {2: "a", True: "b", 1.5: "c"},
    {"a/b": {"a": 1}}, [], {}, ["x"], "${names}", "${items}", "${l}", "${scalars}", "${rows}", "${lists}",
    "${m.l}", ["${s}", "${i}"], {"k": "${m}"}, {"${s}": 1}, ["${items.p}"], ["x", "x"], [1, "1"], ["a-b", "a_b"],
    ["${names}"], [["a"], ["b"]], [""],
)
AXES = (
    ["a", "b"], [1, 2], [True, 1.5, None], ["a/b"], "${names}", [{"z": 1}, 5], ["${s}", "${i}"], ["x"], "${m.l}",
    [[1], [2]], "${lists}", "${rows}", [], ["x", "x"], [1e-3], ["${items.p}"],
)


def loops(s: Sketch) -> None:
    s.has(7)
    s.values()
    body: dict[str, Any] = {"cmd": s.pick("echo ${item}", "echo x ${i}", "echo x")}
    if s.often(50):
        items = s.pick(*FOREACH)
        if isinstance(items, dict) or items in ("${items}", "${scalars}"):
            body["cmd"] = s.pick("echo ${key}", "echo ${key} ${i}", body["cmd"])
        out = s.name("o")
        for key in s.some(("outs", "deps", "wdir", "params", "meta", "desc"), 0, 3):
            body[key] = {
                "outs": [s.pick(out + "-${item}", out + "/${item}/x", out + "-${key}")],
                "deps": [s.pick("in/${item}", "in", "${item}")], "wdir": s.pick("w", "${item}", "w/${item}"),
                "params": [s.pick("i", "${item}", {"p-${item}.yaml": ["a"]})],
                "meta": s.pick("${item}", {"v": "${item}"}), "desc": "the ${item}",
            }[key]
        if "a" in repr(items) and s.often(40):
            body["cmd"] = s.pick("echo ${item.a}", "echo ${item.b} ${item.a}")
        s.stage({"foreach": items, "do": body})
    else:
        axes = dict(zip(s.some(("p", "q", "r", "a.b", "x-y"), 1, 3), [s.pick(*AXES) for _ in range(3)], strict=False))
        first = next(iter(axes))
        body["cmd"] = s.pick("echo ${item}", "echo x", f"echo ${{item.{first}}} ${{key}}", "echo ${key}")
        if s.often():
            body["outs"] = [s.name("o") + s.pick("-${key}", f"-${{item.{first}}}")]
        s.stage({"matrix": axes, **body})


def graph(s: Sketch) -> None:
    s.has(8)
    base = s.name("g")
    made = [f"{base}/one", f"{base}/two/", f"./{base}/three", f"{base}-x/../{base}.four", f"../{base}.up"]
    if s.folder == ".":
        made.pop()
    outs = s.some(made, 1, 3)
    wdir = s.pick({}, {}, {"wdir": "w"}, {"wdir": "../w"}, {"wdir": "./"}, {"wdir": "w/x/.."})
    if s.folder == "." and wdir.get("wdir") == "../w":
        wdir = {}
    s.stage({"cmd": "make", "outs": outs, **wdir})
    deps = s.some(
        (*outs, f"{outs[0].rstrip('/')}/below", base, f"{base}/two/deep/file", "./", "..", "x/../y", "a//b", "/tmp/abs", "https://example.org/x?y", "http://bucket/key/../l", "in.csv", "./in.csv", "in/", "~/x", "a b", "é", f"../{base}", "../../out/side", "file.txt#x", "-", "dvc.yaml", "params.yaml",),
        1, 4,
    )
    s.stage({"cmd": "use", "deps": deps, "outs": [s.name("o")], **s.pick({}, {}, wdir)})
    if s.often(30):
        s.stage({"cmd": "tune", "params": [{s.pick(outs[0], f"{base}/one"): s.pick(None, ["a"])}]})
    if s.often(40):
        s.file(f"data/{base}.csv", "1,2\n")
        s.files[s.at(f"data/{base}.csv.dvc")] = (
            f"outs:\n- md5: 0123456789abcdef0123456789abcdef\n  size: 4\n  hash: md5\n  path: {base}.csv\n"
        )
        s.stage({"cmd": "read", "deps": [s.pick(f"data/{base}.csv", "data", f"./data/{base}.csv")]})


OUT_FLAGS: dict[str, tuple[Any, ...]] = {
    "cache": (True, False), "persist": (True, False), "push": (True, False), "remote": ("store", ""),
    "desc": ("words", "", "é: x"), "type": ("model", "directory"), "labels": (["a"], []),
    "meta": ({"a": 1}, None, "x", [1]), "checkpoint": (True, False),
}
PLOT_FLAGS: dict[str, tuple[Any, ...]] = {
    "x": ("x", "fpr"), "y": ("y",), "x_label": ("X",), "y_label": ("Y",), "title": ("T t", ""),
    "template": ("linear", "my/t.json"), "header": (True, False),
}


def flags(s: Sketch, pool: dict[str, tuple[Any, ...]], most: int = 4) -> dict[str, Any]:
    return {key: s.pick(*pool[key]) for key in s.some(tuple(pool), 0, most)}


def outs(s: Sketch) -> None:
    s.has(9)
    body: dict[str, Any] = {"cmd": "x"}
    for key in s.some(("outs", "metrics", "plots"), 1, 3):
        pool = {**OUT_FLAGS, **PLOT_FLAGS} if key == "plots" else OUT_FLAGS
        listed: list[Any] = []
        for _ in range(s.number(1, 3)):
            name = s.pick("out/", "", "a b/") + s.name("o") + s.pick("", ".json", ".csv")
            options = flags(s, pool)
            listed.append(s.pick({name: options}, name))
        if s.often(20):
            listed.append({s.name("o"): flags(s, pool), s.name("o"): flags(s, pool)})
        if s.often(10) and isinstance(listed[0], str):
            listed.append(s.pick(listed[0], {listed[0]: {"cache": False}}))
        body[key] = listed
    s.stage(body)
    document = s.document()
    plot = s.pick(
        {"x": "a", "y": "b"}, {"x": {"f.csv": "a"}, "y": {"f.csv": ["b", "c"]}}, {"y": ["a", "b"]}, None, {},
        {"template": "simple", "title": "t", "x_label": "x", "y_label": "y"}, {"y": {"d": "b", "e": ["q"]}},
    )
    for key in s.some(("plots", "metrics", "params", "artifacts"), 0, 3):
        document.setdefault(
            key,
            {
                "plots": s.some(("a.csv", "dir/", {"b.csv": plot}, {"named": plot}, "../c.csv"), 0, 3),
                "metrics": s.some(("m.json", "./n.json", "../m.yaml", "m.json"), 0, 3),
                "params": s.some(("p.yaml", "params.yaml", "./q.toml"), 0, 2),
                "artifacts": s.pick({}, {"m": {"path": "model.pkl"}}, {"m-1": {"path": "x/y", "type": "model", "desc": "d", "labels": ["a", "b"], "meta": {"k": [1]}}, "n": {"path": "z"}},),
            }[key],
        )
    if s.often(25):
        s.values()
        document.setdefault("metrics", []).append("${s}.json")
        document.setdefault("plots", []).append({"${s}.csv": {"x": "${dir}"}})


def md5(s: Sketch) -> str:
    """A digest that no YAML reader takes for a number."""
    return s.pick(*"abcdf") + "".join(s.pick(*"0123456789abcdef") for _ in range(3)) * 7 + "0123456789"


def hashes(s: Sketch) -> None:
    s.has(10)
    name = s.name("d")
    value = md5(s)
    lines = {
        "file": f"- md5: {value}\n  size: 4\n  hash: md5\n  path: {name}\n",
        "legacy": f"- md5: {value}\n  size: 4\n  path: {name}\n",
        "tree": f"- md5: {value}.dir\n  size: 40\n  nfiles: 2\n  hash: md5\n  path: {name}\n",
        "legacy tree": f"- md5: {value}.dir\n  nfiles: 2\n  path: {name}\n",
        "isexec": f"- md5: {value}\n  size: 4\n  isexec: true\n  hash: md5\n  path: ./{name}\n",
        "no hash": f"- path: {name}\n", "empty": f"- md5: ''\n  path: {name}\n",
        "null": f"- md5:\n  path: {name}\n",
        "flags": f"- md5: {value}\n  path: {name}\n  cache: {s.pick('true', 'false')}\n  push: false\n  remote: r\n  desc: d\n  persist: true\n",
        "annotated": f"- md5: {value}\n  path: {name}\n  type: t\n  labels: [a]\n  meta: {{a: 1}}\n",
        "upper": f"- md5: {value.upper()}\n  path: {name}\n  hash: md5\n",
        "two": f"- md5: {value}\n  path: {name}\n- md5: {value}\n  path: {name}2\n  hash: md5\n",
        "version": f"- md5: {value}\n  version_id: x\n  path: {name}\n",
        "files": f"- path: {name}\n  hash: md5\n  files:\n  - {{relpath: a, md5: {value}, size: 3}}\n",
        "cloud": f"- md5: {value}\n  path: {name}\n  cloud: {{store: {{etag: abc, version_id: v}}}}\n",
    }
    kind = s.pick(*lines)
    s.notes.append(kind)
    head = s.pick(
        "", "", f"md5: {value}\n", "desc: about\n", "meta: {a: 1}\n", "frozen: true\n", "wdir: ..\n",
        "wdir: sub\n", "always_changed: true\n", "deps: []\n", "wdir: .\n", "locked: false\n", "# c\n",
    )
    s.files[s.at(f"{name}.dvc")] = f"{head}outs:\n{lines[kind]}"
    if s.often(40):
        s.stage({"cmd": "x", "deps": [name], "outs": [s.name("o")]})


def imports(s: Sketch) -> None:
    s.has(12)
    name = s.name("i")
    value = md5(s)
    dep = s.pick(
        "path: data/x\n  repo:\n    url: https://example.org/r.git\n    rev_lock: 0123abc\n",
        "path: x\n  repo: {url: ../other, rev: v1, rev_lock: abc, remote: store}\n",
        "path: x\n  repo: {url: git@h:r.git, config: {core: {remote: a}}, remote: {url: s3://b}}\n",
        f"etag: '\"{value}\"'\n  size: 10\n  path: https://example.org/x\n",
        f"checksum: {value}\n  path: https://h/x\n", "etag: abc\n  version_id: q\n  path: https://b/x\n",
        f"md5: {value}\n  size: 4\n  hash: md5\n  path: /tmp/{name}\n", f"md5: {value}\n  path: in-{name}\n",
        f"path: in-{name}\n  hash: md5\n", "path: remote://store/x\n",
        f"md5: {value}.dir\n  nfiles: 2\n  path: https://b/dir\n  files:\n  - {{relpath: a, md5: {value}, etag: e}}\n",
    )
    if "remote://" in dep:
        s.files[".dvc/config"] = "[core]\nno_scm = true\n['remote \"store\"']\nurl = /tmp/nowhere\n"
    head = s.pick(
        "frozen: true\n", "frozen: true\n", "", f"md5: {value}\nfrozen: true\n", "wdir: .\n", "locked: true\n", "desc: d\nfrozen: false\n"
    )
    out = f"outs:\n- md5: {value}\n  size: 3\n  hash: md5\n  path: {name}\n" + s.pick("", "  push: false\n", "  cache: false\n")
    s.files[s.at(f"{name}.dvc")] = f"{head}deps:\n- {dep}{out}"
    if s.often(40):
        s.stage({"cmd": "x", "deps": [name]})


def ignoring(s: Sketch) -> None:
    s.has(13)
    rules = s.some(
        ("hid", "hid/", "/hid", "hid/dvc.yaml", "*.dvc", "!keep.dvc", "**/low", "low/**", "hid/*", "!hid/keep", "dvc.yaml", "x*", "# c", "", "*.tmp", "/hid/low/", "h?d", "keep*/",),
        1, 4,
    )
    s.files[".dvcignore"] = "\n".join(rules) + "\n"
    if s.often(30) and "hid/*" not in rules:  # DVC does not read rules that are ignored themselves
        s.files["hid/.dvcignore"] = s.pick("low\n", "!dvc.yaml\n", "*\n", "dvc.yaml\n")
    for folder in s.some(("hid", "hid/low", "hid/keep", "keep", "low", "keep/low", ".hidden", "venv"), 1, 4):
        s.files[f"{folder}/dvc.yaml"] = f"stages:\n  {s.name()}: {{cmd: x, outs: [{s.name('o')}]}}\n"
        if s.often(30):
            name = s.pick("keep", "x", "other")
            s.files[f"{folder}/{name}.dvc"] = f"outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: {name}\n"
        if s.often(10):
            s.files[f"{folder}/.dvc/config"] = ""
    s.stage({"cmd": "x", "deps": ["hid"]})


def old(s: Sketch) -> None:
    s.has(14)
    value = md5(s)
    kind = s.pick("checkpoint", "data", "locked", "lock", "metric", "list")
    s.notes.append(kind)
    if kind == "checkpoint":
        s.stage({"cmd": "x", "outs": [{s.name("o"): {"checkpoint": True, "cache": s.often()}}]})
    elif kind in ("data", "locked"):
        name = s.name("d")
        head = "locked: true\n" if kind == "locked" else f"md5: {value}\nwdir: .\n"
        s.files[s.at(f"{name}.dvc")] = f"{head}outs:\n- md5: {value}\n  path: {name}\n  cache: true\n  persist: false\n"
    elif kind == "lock":
        name = s.stage({"cmd": "x", "deps": ["d"], "outs": ["made"]}) if "made" not in repr(s.documents) else s.stage({"cmd": "x"})
        s.files[s.at("dvc.lock")] = (
            f"schema: '2.0'\nstages:\n  {name}:\n    cmd: x\n    deps:\n    - path: d\n      md5: {value}\n      size: 3\n"
            f"    outs:\n    - path: made\n      md5: {value}.dir\n      nfiles: 1\n"
        )
    elif kind == "metric":
        s.stage({"cmd": "x", "metrics": [{s.name("m") + ".json": {"cache": False}}], "plots": [s.name("p")]})
    else:
        s.stage({"cmd": "x", "plots": [s.name("p"), {s.name("p"): {"template": "t", "x": "a"}}]})


CORNERS = {
    1: commands, 2: expressions, 3: variables, 4: two_params, 5: params, 6: oddities, 7: loops, 8: graph, 9: outs,
    10: hashes, 12: imports, 13: ignoring, 14: old,
}


def misspelt(s: Sketch) -> None:
    """Expressions in every place, one of them perhaps with a slip of the pen."""
    s.has(15)
    words = ("learning_rate", "hidden_units", "batch_size", "threshold", "dropout")
    s.params[s.folder] = {word: number for number, word in enumerate(words)} | {"model": {"depth_limit": 3, "kind": "tree"}}
    meant = s.pick(*words, "model.depth_limit")
    written = meant
    if s.often(60):
        place = s.number(1, len(meant) - 2)
        written = s.pick(meant[:place] + meant[place + 1:], meant[:place] + "x" + meant[place:], meant[:place] + meant[place] + meant[place:])
    if ".." in written or written.endswith("."):
        written = meant
    expression = f"${{{written}}}"
    name = s.name("stage")
    body: dict[str, Any] = {"cmd": "x"}
    key = s.pick("cmd", "list", "deps", "outs", "wdir", "meta", "params", "metrics", "vars")
    text = s.pick(expression, f"a{expression}", f"{expression} b ${{dropout}}")
    if key in ("cmd", "vars"):
        body["cmd"] = f"echo {text}"
        if key == "vars":
            body["vars"] = [{"own": 1}]
    elif key == "list":
        body["cmd"] = ["x", f"echo {text}"]
    elif key in ("wdir", "meta"):
        body[key] = f"w/{text}" if key == "wdir" else {"a": [text]}
    else:
        body[key] = [f"d/{text}"]
    kind = s.pick("plain", "plain", "foreach", "matrix")
    if kind == "plain":
        s.stage(body, name)
    elif kind == "foreach":
        s.stage({"foreach": ["one"], "do": body}, name)
    else:
        s.stage({"matrix": {"a": ["one"]}, **body}, name)
    if written != meant and written not in words:
        s.notes += [s.at("dvc.yaml"), name, expression, meant.rpartition(".")[2]]
