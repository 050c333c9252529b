"""Wrong inputs as people make them, and what `pivot` says to each."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness import Sandbox

#: The project that each case spoils. It is right as it stands.
PROJECT = {
    "pivot.yaml": """
        stages:
          prepare:
            python: steps.prepare
            deps: {raw: raw.txt}
            params: {limit: "${limit}"}
            outs: {clean: clean.txt}
        """,
    "params.yaml": "limit: 5\nmodel: {depth: 3}\n",
    "steps.py": """
        def prepare(raw, limit, clean):
            clean.write_text(raw.read_text()[:limit])


        def options(a, b=1, *, c):
            pass
        """,
    "raw.txt": "hello world\n",
}


@dataclass(frozen=True)
class Case:
    """A project spoilt by `files` and `spoil`, a command, and what stderr must hold."""

    name: str
    says: tuple[str, ...]
    files: Mapping[str, str | bytes]
    command: tuple[str, ...] = ("repro",)
    code: int = 2
    spoil: Callable[[Sandbox], None] | None = None


CASES: list[Case] = []


def pipeline(name: str, text: str | bytes, *says: str, **files: str) -> None:
    """A whole pivot.yaml."""
    CASES.append(Case(name, says, {"pivot.yaml": text, **files}))


def stage(name: str, body: str, *says: str, files: Mapping[str, str | bytes] | None = None) -> None:
    """The definition of a stage `a`, which begins on line 3."""
    text = "stages:\n  a:\n" + textwrap.indent(textwrap.dedent(body).lstrip("\n"), "    ")
    CASES.append(Case(name, says, {"pivot.yaml": text, **(files or {})}))


def command(
    name: str,
    line: tuple[str, ...],
    *says: str,
    files: Mapping[str, str | bytes] | None = None,
    code: int = 2,
    spoil: Callable[[Sandbox], None] | None = None,
) -> None:
    """A command line in a project that is right, but for `files` and what `spoil` does."""
    CASES.append(Case(name, says, files or {}, line, code, spoil))


def replaced(path: str, by: Callable[[str], None]) -> Callable[[Sandbox], None]:
    """Something else in the place of a file."""

    def spoil(project: Sandbox) -> None:
        target = project.root / path
        if target.exists():
            target.unlink()
        by(str(target))

    return spoil


def link_to(target: str) -> Callable[[str], None]:
    return lambda path: os.symlink(target, path)


def environment(**variables: str) -> Callable[[Sandbox], None]:
    return lambda project: project.env.update(variables)


# --- YAML ----------------------------------------------------------------------------------

pipeline("unclosed bracket", "stages: {a: [\n", "pivot.yaml:2:1: the file ends", "close '['")
pipeline(
    "wrong indentation",
    "stages:\n  a:\n    cmd: x\n   outs: [b]\n",
    "pivot.yaml:4:4: this line does not fit",
    "indent keys of one mapping alike",
)
pipeline("tab", "stages:\n\ta:\n    cmd: x\n", "pivot.yaml:2:1: a tab", "replace the tab by spaces")
pipeline(
    "stage twice",
    "stages:\n  a: {cmd: x}\n  a: {cmd: y}\n",
    "pivot.yaml:3:3: the key 'a' appears twice (first on line 2)",
    "keep one of the two",
)
stage("key twice", "cmd: x\ncmd: y\n", "pivot.yaml:4:5: the key 'cmd' appears twice")
stage(
    "template in a flow mapping",
    "cmd: x\nparams: {limit: ${limit}}\n",
    "pivot.yaml:4:21: ${limit} inside [...] or {...} needs quotes",
    'write "${limit}"',
)
stage(
    "template in a flow list",
    "cmd: x\nouts: [${limit}.txt]\n",
    "pivot.yaml:4:12: ${limit} inside",
    'write "${limit}.txt"',
)
stage("second colon", "cmd: echo a: b\n", "pivot.yaml:3:16: a second ':' on this line", "quote")
stage("at sign", "cmd: @x\n", "pivot.yaml:3:10: a value cannot begin with '@'", "quote the text")
stage("unclosed quote", 'cmd: "x\nouts: [b]\n', "pivot.yaml:3:10: the quote that opens here")
pipeline("unknown alias", "stages:\n  a: *nothing\n", "pivot.yaml:2:6: *nothing names no anchor")
pipeline("two documents", "stages: {}\n---\nstages: {}\n", "pivot.yaml:2:1: a second document")
pipeline(
    "a tag of Python's",
    "stages:\n  a: !python/object:os.system {cmd: x}\n",
    "pivot.yaml:2:6: the tag !python/object:os.system is not supported",
    "remove the tag",
)
pipeline("a list", "- a\n- b\n", "pivot.yaml:1:1: the file takes a mapping, not a list")
pipeline("a number", "7\n", "pivot.yaml:1:1: the file takes a mapping, not 7")
pipeline("a text", "hello\n", "pivot.yaml:1:1: the file takes a mapping, not 'hello'")
pipeline("stages nothing", "stages:\n", "pivot.yaml:1:8: stages takes a mapping of stages")
pipeline(
    "aliases that explode",
    "a0: &a0 [lol]\n"
    + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    + "stages: {}\n",
    "pivot.yaml:6:",
    "aliases expand to more than 200000 values",
)
pipeline("very deep lists", "stages: " + "[" * 5000 + "]" * 5000, "nested more than 100 levels")
pipeline("very deep mappings", "".join(f"{' ' * i}a:\n" for i in range(2000)), "pivot.yaml:101:101")
pipeline("invalid UTF-8", b"stages:\n  a: {cmd: '\xff\xfe'}\n", "pivot.yaml:2:13: not UTF-8 text")
pipeline("UTF-16", "stages: {}\n".encode("utf-16"), "pivot.yaml:1:1: not UTF-8", "save the file as")
pipeline("binary", bytes(range(256)) * 4, "not UTF-8 text")
pipeline("a NUL", b"stages:\n  a: {cmd: 'x\x00'}\n", "pivot.yaml:2:14: a character that YAML does")
CASES.append(
    Case(
        "a broken file in a subfolder",
        ("sub/pivot.yaml:2:1: the file ends",),
        {"sub/pivot.yaml": "stages: [\n"},
        ("repro", "--all-pipelines"),
    )
)

# --- keys and types ------------------------------------------------------------------------

pipeline("stages a list", "stages: [a, b]\n", "pivot.yaml:1:9: stages takes a mapping of stages")
pipeline("a stage without stages", "a:\n  cmd: x\n", "pivot.yaml:1:1: unknown key 'a'", "stages, ")
pipeline("unknown key of the file", "stage: {}\n", "unknown key 'stage'", "did you mean 'stages'?")
pipeline("a stage of nothing", "stages:\n  a:\n", "pivot.yaml:2:5: stage 'a': its definition is a")
pipeline("a stage of text", "stages:\n  a: echo hi\n", "pivot.yaml:2:6: stage 'a'", "'echo hi'")
stage(
    "unknown key",
    "cmd: x\ndep: [a]\n",
    "pivot.yaml:4:5: stage 'a': unknown key 'dep'",
    "did you mean 'deps'?",
)
stage(
    "unknown option of an out",
    "cmd: x\nouts:\n  - o.txt: {cach: true}\n",
    "pivot.yaml:5:17: stage 'a': outs[0].o.txt: unknown key 'cach'",
    "did you mean 'cache'?",
)
stage(
    "unknown option of a named out",
    "python: steps.prepare\nouts: {clean: {path: o.txt, persits: true}}\n",
    "pivot.yaml:4:33",
    "did you mean 'persist'?",
)
stage("no entry", "deps: [raw.txt]\n", "pivot.yaml:2:3: stage 'a': needs python or cmd")
stage("two entries", "cmd: x\npython: steps.prepare\n", "has both python and cmd", "keep one")
stage("cmd a number", "cmd: 7\n", "pivot.yaml:3:10: stage 'a': cmd takes a text or a list of texts")
stage("cmd empty", "cmd: ''\n", "pivot.yaml:3:10: stage 'a': cmd is empty")
stage("deps a number", "cmd: x\ndeps: 7\n", "pivot.yaml:4:11: stage 'a': deps takes a list")
stage("a dep of nothing", "cmd: x\ndeps: ['']\n", "pivot.yaml:4:12: stage 'a': deps[0] is empty")
stage("an out of nothing", "cmd: x\nouts: [null]\n", "pivot.yaml:4:12: stage 'a': outs[0] takes")
stage("a flag that is none", "cmd: x\nouts: [{o: {cache: maybe}}]\n", "takes true or false, not")
stage("params a number", "cmd: x\nparams: 7\n", "pivot.yaml:4:13: stage 'a': params takes a list")
stage("timeout in words", "cmd: x\ntimeout: soon\n", "pivot.yaml:4:14", "90s, 10m, 2h, 1h30m")
stage("timeout below zero", "cmd: x\ntimeout: -5\n", "pivot.yaml:4:14", "above 0")
stage("timeout true", "cmd: x\ntimeout: true\n", "pivot.yaml:4:14: stage 'a': timeout takes")
stage("resources in words", "cmd: x\nresources: {gpu: lots}\n", "pivot.yaml:4:22", "a whole number")
stage("resources below zero", "cmd: x\nresources: {gpu: -1}\n", "a whole number", "not -1")
stage("resources a list", "cmd: x\nresources: [gpu]\n", "pivot.yaml:4:16", "takes a mapping")
stage("mutex a number", "cmd: x\nmutex: 7\n", "pivot.yaml:4:12", "takes a name or a list")
stage("mutex without a name", "cmd: x\nmutex: ['']\n", "pivot.yaml:4:13: stage 'a': mutex[0]")
stage("env a number", "cmd: x\nenv: 7\n", "pivot.yaml:4:10: stage 'a': env takes a list of names")
stage("env with no variable", "cmd: x\nenv: ['A B=']\n", "env[0] takes the name of a variable")
stage("env with a list", "cmd: x\nenv: {A: [1]}\n", "pivot.yaml:4:14: stage 'a': env.A takes")
stage("check unknown", "cmd: x\ndeps: [{raw.txt: {check: sometimes}}]\n", "takes content or stat")
stage(
    "unknown loader",
    """
    python: steps.prepare
    deps: {raw: {path: raw.txt, loader: cvs}}
    params: {limit: 1}
    outs: {clean: c}
    """,
    "pivot.yaml:4: stage 'a': there is no loader 'cvs' for 'raw.txt'",
    "did you mean 'csv'?",
)

# --- names ---------------------------------------------------------------------------------

NAMING = "use letters, digits, '-', '_' and '.'"
pipeline("a colon in a name", "stages:\n  'a:b': {cmd: x}\n", "2:3: 'a:b' cannot name a", NAMING)
pipeline("an empty name", "stages:\n  '': {cmd: x}\n", "2:3: '' cannot name a stage", NAMING)
pipeline("a line end in a name", 'stages:\n  "a\\nb": {cmd: x}\n', "cannot name a stage", NAMING)
pipeline("a number as a name", "stages:\n  7: {cmd: x}\n", "the key 7 is not a text", 'write "7"')
pipeline("nothing as a name", "stages:\n  ~: {cmd: x}\n", "pivot.yaml:2:3: the key nothing is not")

# --- templates, foreach, matrix, vars ------------------------------------------------------

stage(
    "unknown template key",
    "cmd: echo ${limti}\n",
    "pivot.yaml:3:10: stage 'a': '${limti}' names no known key",
    "did you mean 'limit'?",
)
stage("unknown inner key", "cmd: echo ${model.dept}\n", "3:10", "did you mean 'model.depth'?")
stage("empty template", "cmd: echo ${}\n", "'${}' is not an expression", "write ${key}, ${a.b}")
stage("mapping in a text", "cmd: x\nouts: ['${model}.txt']\n", "'${model}' is a mapping, which")
stage("foreach without do", "foreach: [1, 2]\n", "pivot.yaml:2:3: stage 'a': needs 'do'")
stage("do without foreach", "do: {cmd: x}\n", "pivot.yaml:3:5: stage 'a': 'do' needs 'foreach'")
stage("foreach a number", "foreach: 7\ndo: {cmd: x}\n", "pivot.yaml:3:14: stage 'a': foreach takes")
stage(
    "foreach and matrix", "foreach: [1]\nmatrix: {a: [1]}\ndo: {cmd: x}\n", "unknown key 'matrix'"
)
stage(
    "unknown key of an item",
    "foreach: [{n: 1}]\ndo: {cmd: 'echo ${item.m}'}\n",
    "stage 'a@0': '${item.m}' names no known key",
    "did you mean 'item.n'?",
)
stage("key in a list", "foreach: [1]\ndo: {cmd: 'echo ${key}'}\n", "'${key}' names no known key")
stage("foreach over a value", "foreach: ${limit}\ndo: {cmd: x}\n", "foreach takes a list or a map")
stage("matrix of a value", "matrix: {a: 7}\ncmd: x\n", "3:17: stage 'a': matrix.a takes a list")
stage("matrix a list", "matrix: [1, 2]\ncmd: x\n", "matrix takes a mapping of axes to lists")
stage(
    "one out for a whole matrix",
    "matrix: {a: [1, 2]}\ncmd: x\nouts: [o]\n",
    "pivot.yaml:5: stage 'a@2' makes 'o', which stage 'a@1' (pivot.yaml:5) makes already",
    "put what differs into its path, as in ${item}",
)
pipeline(
    "vars of no file", "vars: [nope.yaml]\nstages: {}\n", "1:8: vars file 'nope.yaml' does not"
)
pipeline(
    "vars twice",
    "vars: [{limit: 9}]\nstages:\n  a: {cmd: 'x ${limit}'}\n",
    "pivot.yaml:1:8: vars[0] redefines 'limit', which params.yaml defines",
    "keep one of the two",
)
pipeline("vars a number", "vars: 7\nstages: {}\n", "pivot.yaml:1:7: vars takes a list of mappings")

# --- graph ---------------------------------------------------------------------------------

pipeline(
    "a cycle",
    "stages:\n  a: {cmd: x, deps: [two], outs: [one]}\n  b: {cmd: x, deps: [one], outs: [two]}\n",
    "stages form a cycle: b -> a -> b",
    "b -> a (by 'two'), a -> b (by 'one')",
)
pipeline(
    "one out of two stages",
    "stages:\n  a: {cmd: x, outs: [one]}\n  b: {cmd: x, outs: [one]}\n",
    "pivot.yaml:3: stage 'b' makes 'one', which stage 'a' (pivot.yaml:2) makes already",
)
pipeline(
    "an out within an out",
    "stages:\n  a: {cmd: x, outs: [d]}\n  b: {cmd: x, outs: [d/one]}\n",
    "pivot.yaml:3: out 'd/one' of stage 'b' lies within out 'd' of stage 'a' (pivot.yaml:2)",
    "move one of them",
)
stage(
    "an out that is its dep",
    "cmd: x\ndeps: [raw.txt]\nouts: [raw.txt]\n",
    "pivot.yaml:4: stage 'a' has 'raw.txt' both as a dep and as an out",
)
stage(
    "an out that is its params", "cmd: x\nparams: [limit]\nouts: [params.yaml]\n", "both as a dep"
)

# --- paths ---------------------------------------------------------------------------------

stage(
    "missing dep",
    "cmd: x\ndeps: [rwa.txt]\nouts: [o]\n",
    "pivot.yaml:4: stage 'a' needs 'rwa.txt', which does not exist and no stage makes",
    "did you mean 'raw.txt'?",
)
stage("missing dep far away", "cmd: x\ndeps: [zz/q]\n", "pivot.yaml:4", "create it, or add it to")
stage("missing absolute dep", "cmd: x\ndeps: [/nowhere/q]\n", "'/nowhere/q', which does not exist")
stage("a URL as a dep", "cmd: x\ndeps: ['s3://bucket/key']\n", "4: stage 'a' has the URL", "fetch")
stage("an out outside", "cmd: x\nouts: [../o]\n", "'../o' lies outside the project", "cache: false")
stage("an absolute out", "cmd: x\nouts: [/nowhere/o]\n", "4: stage 'a': out '/nowhere/o' lies out")
stage("a URL as an out", "cmd: x\nouts: ['s3://bucket/key']\n", "is a URL", "upload it in the comm")
stage("the project as an out", "cmd: x\nouts: ['.']\n", "it is the project folder itself")
stage("Pivot's files as an out", "cmd: x\nouts: [.pivot/x]\n", "it is what .pivot/ is kept for")
stage("the pipeline as an out", "cmd: x\nouts: [pivot.yaml]\n", "the pipeline file that describes")
stage("an out below a file", "cmd: x\nouts: [raw.txt/o]\n", "lies below 'raw.txt', which is no fol")
stage("a NUL in a path", 'cmd: x\nouts: ["a\\0b"]\n', "pivot.yaml:4:12: stage 'a'", "is not a path")
stage(
    "wdir missing", "cmd: x\nwdir: nowhere\nouts: [o]\n", "works in 'nowhere', which is not there"
)
stage("wdir a file", "cmd: x\nwdir: raw.txt\n", "works in 'raw.txt', which is no folder", "correct")
command("a pipe as a dep", ("repro",), "which is a pipe", spoil=replaced("raw.txt", os.mkfifo))
command(
    "a link that leads nowhere as a dep",
    ("repro",),
    "a symbolic link to 'gone', which leads nowhere",
    spoil=replaced("raw.txt", link_to("gone")),
)
command(
    "a link to itself as a dep",
    ("repro",),
    "pivot.yaml:4: stage 'prepare' needs 'raw.txt', a symbolic link to 'raw.txt'",
    spoil=replaced("raw.txt", link_to("raw.txt")),
)
command(
    "an out that git tracks",
    ("repro",),
    "out 'clean.txt' of stage 'prepare' is tracked by git",
    "`git rm -r --cached clean.txt`",
    files={"clean.txt": "x"},
    spoil=lambda project: project.git("add", "clean.txt") and None,
)

# --- functions -----------------------------------------------------------------------------

stage("missing module", "python: stepps.prepare\n", "no module 'stepps'", "did you mean 'steps'?")
stage("missing function", "python: steps.prepair\n", "'prepair' in steps.py", "mean 'prepare'?")
stage(
    "no module at all", "python: prepare\n", "3:5", "write package.module.function, or module:fun"
)
stage("a call", "python: 'steps.prepare()'\n", "'steps.prepare()' does not name a function")
stage("python a number", "python: 7\n", "pivot.yaml:3:13: stage 'a': python takes module.function")
stage("python a file", "python: steps.py\n", "there is no 'py' in steps.py", "it defines prepare")
stage(
    "missing parameter",
    "python: steps.prepare\ndeps: {raw: raw.txt}\nouts: {clean: c}\n",
    "pivot.yaml:2: stage 'a': prepare() (steps.py:1) needs 'limit'",
    "add it to deps, outs or params",
)
stage(
    "unexpected parameter",
    "python: steps.prepare\ndeps: {raw: raw.txt}\nparams: {limit: 1, x: 2}\nouts: {clean: c}\n",
    "has no parameter 'x' for this param",
    "it takes raw, limit, clean",
)
stage(
    "lists for a function",
    "python: steps.prepare\ndeps: [raw.txt]\nparams: {limit: 1}\nouts: [c]\n",
    "needs 'raw', which the stage does not give",
    "a list injects nothing, a mapping does: deps: {raw: raw.txt}",
    "outs: {clean: c}",
)
stage(
    "one name twice",
    "python: steps.prepare\ndeps: {raw: raw.txt}\nparams: {raw: 1, limit: 1}\nouts: {clean: c}\n",
    "pivot.yaml:4: stage 'a': 'raw' is in deps and in params",
    "give them different names",
)
stage(
    "equal last parts",
    "python: steps.options\nparams: [x.c, y.c]\n",
    "'params.yaml:x.c' and 'params.yaml:y.c' both bind 'c'",
    'params: {c: "${x.c}", other: "${y.c}"}',
    files={"params.yaml": "x: {c: 1}\ny: {c: 2}\n"},
)
command(
    "a syntax error in a stage",
    ("repro",),
    "steps.py:1:12: syntax error: '(' was never closed",
    files={"steps.py": "def prepare(raw, limit, clean:\n    pass\n"},
)
command(
    "a syntax error in a helper",
    ("repro",),
    "h.py:1:7: syntax error",
    files={
        "steps.py": "import h\ndef prepare(raw, limit, clean):\n    h.f()\n",
        "h.py": "def f(:\n",
    },
)
command(
    "code that is not UTF-8",
    ("repro",),
    "steps.py:2",
    files={"steps.py": b"def prepare(raw, limit, clean):\n    '\xff'\n"},
)
command(
    "a folder in the place of a module",
    ("repro",),
    "there is no module 'steps' for 'steps.prepare'",
    "searched in",
    spoil=replaced("steps.py", os.mkdir),
)

# --- params --------------------------------------------------------------------------------

stage(
    "missing params key",
    "cmd: x\nparams: [limti]\n",
    "4: stage 'a' tracks param 'limti' of",
    "'limit'?",
)
stage("missing inner key", "cmd: x\nparams: [model.dpth]\n", "did you mean 'model.depth'?")
stage("missing params file", "cmd: x\nparams: [other.yaml: [a]]\n", "'a' of 'other.yaml'", "create")
stage("missing whole file", "cmd: x\nparams: [other.yaml: ]\n", "tracks params file 'other.yaml'")
stage(
    "broken params.yaml",
    "cmd: x\nparams: [limit]\n",
    "params.yaml:2:1: the file ends where a value is missing",
    files={"params.yaml": "limit: [\n"},
)
stage(
    "params.yaml a list",
    "cmd: x\nparams: [limit]\n",
    "params.yaml holds a list",
    files={"params.yaml": "- 1\n"},
)
stage(
    "broken JSON",
    "cmd: x\nparams: [p.json: [a]]\n",
    "p.json:1:7: not valid JSON",
    files={"p.json": '{"a": }'},
)
stage(
    "broken TOML",
    "cmd: x\nparams: [p.toml: [a]]\n",
    "p.toml:1:5: not valid TOML",
    files={"p.toml": "a = = 1"},
)
stage(
    "broken Python",
    "cmd: x\nparams: [p.py: [A]]\n",
    "p.py:1:5: not valid Python",
    files={"p.py": "A = (\n"},
)
stage(
    "params without keys",
    "cmd: x\nparams: [p.ini: [a]]\n",
    "tracks param 'a' of 'p.ini'",
    "holds no mapping of keys",
    files={"p.ini": "a=1"},
)
command(
    "a folder in the place of params.yaml",
    ("repro",),
    "'${limit}' names no known key",
    spoil=replaced("params.yaml", os.mkdir),
)

# --- targets and options -------------------------------------------------------------------

UNKNOWN = "'prepair' is neither a stage nor an artifact that a stage makes"
for verb in (
    ("repro",), ("status",), ("explain",), ("plan",), ("run",), ("list",), ("dag",), ("logs",),
    ("fingerprint", "show"), ("checkout",), ("commit",), ("freeze",), ("unfreeze",),
):  # fmt: skip
    command(f"{' '.join(verb)} of an unknown stage", (*verb, "prepair"), UNKNOWN, "'prepare'?")
command("a source as a target", ("repro", "raw.txt"), "'raw.txt' is neither a stage nor")
command("a glob of nothing", ("repro", "zz*"), "'zz*' is neither", "`pivot list` names the stages")
command("two unknown targets", ("repro", "aaa", "bbb"), "'aaa' is", "'bbb' is", "2 errors")
command("a stage of no file", ("repro", "other/pivot.yaml:prepare"), "is neither a stage nor")
command("an empty target", ("repro", ""), "'' is neither a stage nor")
command("a folder of nothing", ("repro", "-R", "nothere"), "'nothere' is neither a stage")
command("unknown command", ("rpro",), "No such command 'rpro'. Did you mean 'repro'?", "--help")
command("unknown option", ("repro", "--forse"), "No such option: --forse", "--force")
command("no command", (), "Usage: pivot", "Commands:")
command("no verb", ("config",), "Usage: pivot config", "unset")
command("jobs zero", ("repro", "-j", "0"), "'--jobs'", "see `pivot repro --help`")
command("jobs in words", ("repro", "-j", "many"), "'many' is not a valid int")
command("-p and -P", ("repro", "-p", "-P"), "--pipeline and --all-pipelines cannot be combined")
command("-s and -d", ("repro", "-s", "-d", "prepare"), "--single-item and --downstream cannot be")
command("-P and a target", ("repro", "-P", "prepare"), "--all-pipelines takes no targets")
command("-n and -i", ("repro", "-n", "-i"), "--dry-run and --interactive cannot be combined")
command("-i and --json", ("repro", "-i", "--json"), "--interactive and --json cannot be combined")
command("-d without a target", ("repro", "-d"), "--downstream needs a target", "`pivot repro -d ST")
command("--write-params alone", ("repro", "--write-params"), "needs a value to write")
command("two forms of a graph", ("dag", "--dot", "--json"), "--dot and --json cannot be combined")
command("two forms of a list", ("list", "--json", "--md"), "--json and --md cannot be combined")
command("status in two forms", ("status", "--json", "--explain"), "cannot be combined")
command("-C to nowhere", ("-C", "nowhere", "status"), "cannot enter 'nowhere': No such file")
command("-C to a file", ("-C", "raw.txt", "status"), "cannot enter 'raw.txt': Not a directory")

# --- overrides -----------------------------------------------------------------------------

command("-S without a value", ("repro", "-S", "limit"), "'limit' is not an override", "key=value")
command("-S without a key", ("repro", "-S", "=5"), "'=5' is not an override")
command("-S of no key", ("repro", "-S", "limti=5"), "has a key 'limti'", "did you mean 'limit'?")
command("-S of no file", ("repro", "-S", "x.yaml:limit=5"), "x.yaml has no key 'limit'")
command("-S below a value", ("repro", "-S", "limit.x=9"), "has a key 'limit.x'", "'limit' is 5")
command("-S of broken YAML", ("repro", "-S", "limit=[1,"), "the value is not YAML", "quote a text")
TRACKING = (
    "stages:\n  a:\n    cmd: cat params.yaml > o\n    params: [model, limit]\n    outs: [o]\n"
)
command(
    "-S of a tracked key",
    ("repro", "-S", "limit=9"),
    "pivot.yaml:2: -S limit cannot reach stage 'a', which reads params.yaml itself",
    "or add --write-params",
    files={"pivot.yaml": TRACKING},
)
command(
    "-S below a tracked key",
    ("plan", "-S", "model.depth=9"),
    "-S model.depth cannot reach stage 'a'",
    files={"pivot.yaml": TRACKING},
)
command(
    "--write-params and an unknown target",
    ("repro", "-S", "limit=9", "--write-params", "prepair"),
    UNKNOWN,
)
command(
    "--write-params of a key in vars",
    ("repro", "-S", "seed=9", "--write-params"),
    "params.yaml has no key 'seed' to change",
    files={"pivot.yaml": "vars: [{seed: 1}]\nstages:\n  a: {cmd: 'echo ${seed}'}\n"},
)

# --- configuration -------------------------------------------------------------------------

for name, line in {
    "get": ("config", "get", "core.job"),
    "set": ("config", "set", "core.job", "3"),
    "unset": ("config", "unset", "core.job"),
}.items():
    command(
        f"{name} of an unknown key", line, "unknown configuration key 'core.job'", "'core.jobs'?"
    )
command("set to no number", ("config", "set", "core.jobs", "many"), "takes a whole number above 0")
command(
    "set to no choice",
    ("config", "set", "cache.link", "hradlink"),
    "cache.link takes copy or hardlink or symlink, not 'hradlink'",
    "did you mean 'hardlink'?",
)
command("set to nothing", ("config", "set", "core.jobs"), "Missing argument 'VALUE'")
command("an unknown remote", ("config", "get", "remotes.x"), "there is no remote 'x'")
command(
    "two scopes",
    ("config", "set", "core.jobs", "3", "--local", "--user"),
    "--local and --user cannot be combined",
)
for verb_line in (("repro",), ("config", "set", "core.jobs", "3")):
    command(
        f"{verb_line[0]} with a broken configuration",
        verb_line,
        ".pivot/config.yaml:2:1: the file ends",
        files={".pivot/config.yaml": "core: [\n"},
    )
command(
    "an unknown key in the configuration",
    ("status",),
    ".pivot/config.yaml:1:8: unknown configuration key 'core.job'",
    files={".pivot/config.yaml": "core: {job: 3}\n"},
)
command(
    "a wrong value in the configuration",
    ("status",),
    ".pivot/config.yaml:2:9: core.jobs takes a whole number above 0, not 'many'",
    files={".pivot/config.yaml": "core:\n  jobs: many\n"},
)
command(
    "a configuration that is a list",
    ("status",),
    ".pivot/config.yaml: a configuration file is a mapping of sections",
    files={".pivot/config.yaml": "- 1\n"},
)
command(
    "more of a resource than there is",
    ("repro",),
    "pivot.yaml:2: stage 'a' needs 2 of 'gpu', and core.resources has 1",
    "`pivot config set core.resources gpu=2`",
    files={
        ".pivot/config.yaml": "core: {resources: {gpu: 1}}\n",
        "pivot.yaml": "stages:\n  a:\n    cmd: x\n    resources: {gpu: 2}\n",
    },
)
command(
    "a wrong value in a variable",
    ("status",),
    "environment variable PIVOT_CORE_JOBS: core.jobs takes a whole number",
    spoil=environment(PIVOT_CORE_JOBS="many"),
)
command(
    "an unknown variable",
    ("status",),
    "PIVOT_CORE_JBOS",
    "did you mean 'PIVOT_CORE_JOBS'?",
    spoil=environment(PIVOT_CORE_JBOS="3"),
)
command(
    "no such interpreter",
    ("repro",),
    "'/nowhere/python' does not exist",
    spoil=environment(PIVOT_CORE_PYTHON="/nowhere/python"),
)
command(
    "an interpreter that is none",
    ("repro",),
    "the Python at '/bin/true' does not run",
    spoil=environment(PIVOT_CORE_PYTHON="/bin/true"),
)

# --- the project ---------------------------------------------------------------------------

for what, put, says in (
    ("a folder", os.mkdir, "pivot.yaml: this is a folder, where a file is needed"),
    ("a pipe", os.mkfifo, "pivot.yaml: this is no regular file"),
    ("a link to itself", link_to("pivot.yaml"), "a symbolic link to 'pivot.yaml', which leads"),
    ("a link to nothing", link_to("gone.yaml"), "a symbolic link to 'gone.yaml', which leads"),
):
    command(f"pivot.yaml is {what}", ("repro",), says, spoil=replaced("pivot.yaml", put))
nothing = replaced("pivot.yaml", lambda _: None)
for verb_line in (("repro",), ("status",), ("list",), ("config", "list"), ("checkout",)):
    command(
        f"{' '.join(verb_line)} without a project",
        verb_line,
        "there is no Pivot project in",
        "make one with `pivot init`",
        spoil=nothing,
    )
command(
    "a dvc.yaml and no project",
    ("repro",),
    "there is no Pivot project in",
    "its dvc.yaml is read as it is",
    files={"dvc.yaml": "stages: {}\n"},
    spoil=nothing,
)
command(
    ".pivot is a file", ("repro",), ".pivot: this is a file", "move it away", files={".pivot": "x"}
)
command("init twice", ("init",), "'pivot.yaml' exists already", "`pivot init --force`")
command("an example over files", ("init", "--example", "--force"), "the example would replace it")
command("unknown schema", ("schema", "pivto"), "there is no schema 'pivto'", "'pivot'?")
DVC = {".dvc/config": "", ".dvc/.gitignore": "/tmp\n"}
command(
    "a list of DVC's stage files in dvc.yaml",
    ("repro",),
    "dvc.yaml:4:5: stage 'a': 'outs_persist' is no longer a key",
    "write outs: [{path: {persist: true}}]",
    files={**DVC, "dvc.yaml": "stages:\n  a:\n    cmd: x\n    outs_persist: [o]\n"},
    spoil=nothing,
)
command(
    "python in a dvc.yaml",
    ("repro",),
    "dvc.yaml:3:5: stage 'a'",
    "python",
    files={**DVC, "dvc.yaml": "stages:\n  a:\n    python: steps.prepare\n"},
    spoil=nothing,
)

# --- artifacts -----------------------------------------------------------------------------

command("logs without a stage", ("logs",), "Missing argument 'STAGE'")
command("logs of what never ran", ("logs", "prepare"), "stage 'prepare' has no log", "it has not")
command("no lines of a log", ("logs", "prepare", "-n", "0"), "'--lines'")
command(
    "logs of a group",
    ("logs", "g"),
    "'g' means 2 stages",
    "g@1, g@2",
    files={"pivot.yaml": "stages:\n  g:\n    matrix: {a: [1, 2]}\n    cmd: echo ${item.a}\n"},
)
command(
    "freeze one of a group",
    ("freeze", "g@1"),
    "'g@1' shares its definition with 1 other stage",
    "name them all: 'g'",
    files={"pivot.yaml": "stages:\n  g:\n    matrix: {a: [1, 2]}\n    cmd: echo ${item.a}\n"},
)
command(
    "checkout of what never ran", ("checkout", "prepare"), "stage 'prepare' has no lock", code=1
)
command("commit without the out", ("commit", "prepare"), "has no 'clean.txt' to accept", "repro")
command("unprotect nothing", ("unprotect",), "Missing argument 'PATH...'")
command("unprotect what is not there", ("unprotect", "nope"), "'nope' does not exist")
command("unprotect outside", ("unprotect", "/etc/passwd"), "'/etc/passwd' lies outside the project")
