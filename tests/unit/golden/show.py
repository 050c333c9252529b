"""Prints the fingerprints of the golden project; runs under any supported interpreter.

Needs nothing but Pivot's source: where this interpreter has no xxhash, and where all are to use the
same (`--plain`), another hash stands in.
"""

import hashlib
import json
import os
import sys
import types

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


def plain(data=b""):
    return hashlib.blake2b(data if isinstance(data, bytes) else data.encode(), digest_size=16)


def prepare(stand_in):
    sys.path[:0] = [ROOT, HERE]
    package = types.ModuleType("pivot")  # the rooms alone, whatever pivot/__init__ imports
    package.__path__ = [os.path.join(ROOT, "pivot")]
    sys.modules["pivot"] = package
    if stand_in:
        module = types.ModuleType("xxhash")
        module.xxh3_128 = plain
        module.xxh3_128_hexdigest = lambda data: plain(data).hexdigest()
        module.xxh3_64_hexdigest = lambda data: plain(data).hexdigest()[:16]
        sys.modules["xxhash"] = module


def fingerprints():
    from project import FILES

    from pivot.fingerprint import Fingerprinter
    from pivot.model import Command, PythonEntry, Stage
    from pivot.tree import DictTree

    fingerprinter = Fingerprinter(DictTree(FILES))
    entry = Stage("a", "pivot.yaml", 1, PythonEntry("pkg.stages.run", "pkg.stages", "run"))
    command = Stage("b", "pivot.yaml", 1, Command(("bash run.sh",)))
    shown = {}
    for stage in (entry, command):
        manifest = fingerprinter.manifest(stage)
        shown[stage.name] = {
            "digest": manifest.digest,
            "symbols": {name: symbol.hash for name, symbol in sorted(manifest.symbols.items())},
            "modules": list(manifest.modules),
            "third_party": list(manifest.third_party),
        }
    shown["observed"] = fingerprinter.observed_hash(entry, "pkg.stages")
    return shown


if __name__ == "__main__":
    prepare("--plain" in sys.argv)
    print(json.dumps(fingerprints(), indent=1, sort_keys=True))
