"""The script file: loads its own folder as package `_pivot_worker` and serves or runs one job.

`--serve FD PARENT ROOT NAME...` serves jobs from socket FD after importing NAMEs;
`--job FD RESULT_FD` runs the one job that file FD holds.
"""

import sys


def _main():  # type: ignore[no-untyped-def] # annotations need a __future__ import, as code here must not
    started_with = frozenset(sys.modules)
    import os
    from importlib.machinery import ModuleSpec, SourceFileLoader

    here = os.path.dirname(os.path.abspath(__file__))
    # the script's folder is no place to import from: its file names are ordinary words
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    name = "_pivot_worker"
    package = type(sys)(name)
    package.__path__ = [here]
    package.__spec__ = ModuleSpec(
        name, SourceFileLoader(name, os.path.join(here, "__init__.py")), is_package=True
    )
    sys.modules[name] = package
    from _pivot_worker import program  # type: ignore[import-not-found]

    program.main(sys.argv[1:], started_with)


if __name__ == "__main__":
    _main()  # type: ignore[no-untyped-call]
