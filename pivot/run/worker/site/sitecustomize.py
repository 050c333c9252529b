# Lies first on PYTHONPATH of a command stage's processes: begins observation, then makes room
# for the user's own sitecustomize. Any Python may run this, so it is kept to what all of them read.
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
_value = os.environ.get("PIVOT_OBSERVE")
if _value and sys.version_info >= (3, 8):
    try:
        _package = type(sys)("_pivot_worker")
        _package.__path__ = [os.path.dirname(_here)]
        sys.modules["_pivot_worker"] = _package
        from _pivot_worker import (  # type: ignore[import-not-found]
            imports,
            observation,
            places,
        )

        _parts = _value.split(os.pathsep)
        _places = places.Places(_parts[1], _parts[1:])
        imports.install(_places)
        observation.Observation(_places, report=_parts[0]).start(stream=True)
    except Exception:  # noqa: S110 - a command runs without being observed, too
        pass

sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _here]
_ours = sys.modules.pop("sitecustomize", None)
try:
    import sitecustomize  # type: ignore[import-not-found] # noqa: F401
except ImportError:
    if getattr(sys.exc_info()[1], "name", "sitecustomize") != "sitecustomize":
        raise
finally:
    if _ours is not None:
        sys.modules.setdefault("sitecustomize", _ours)
