"""The formats of `pivot.loaders`, loaded by path: Pivot need not be installed."""

from __future__ import annotations

import os
import sys

#: Where they lie beside this program in every installation of Pivot.
FOLDER = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
    "declare",
    "formats",
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...declare.formats import files, kinds, placing
    from ...declare.formats.errors import LoaderError
else:
    NAME = "_pivot_formats"
    if NAME not in sys.modules:
        from importlib.machinery import ModuleSpec, SourceFileLoader

        package = type(sys)(NAME)
        package.__path__ = [FOLDER]
        place = os.path.join(FOLDER, "__init__.py")
        package.__spec__ = ModuleSpec(NAME, SourceFileLoader(NAME, place), is_package=True)
        sys.modules[NAME] = package
    from _pivot_formats import files, kinds, placing
    from _pivot_formats.errors import LoaderError

__all__ = ["FOLDER", "LoaderError", "files", "kinds", "placing"]
