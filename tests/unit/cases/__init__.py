"""Before/after cases of change detection, as data: the same table serves every way of asking.

Each case is a project, one edit, and whether the edit makes the stage stale. `stages.run` is the
entry unless the case names another or a command.
"""

from .builders import Case, Edit, apply, pipeline_text
from .commands import COMMANDS
from .definitions import DEFINITIONS
from .effects import EFFECTS
from .habits import HABITS
from .imports import IMPORTS
from .language import LANGUAGE
from .normal_form import NORMAL_FORM
from .reflection import REFLECTION

CASES: tuple[Case, ...] = (
    *NORMAL_FORM,
    *DEFINITIONS,
    *LANGUAGE,
    *IMPORTS,
    *EFFECTS,
    *COMMANDS,
    *HABITS,
    *REFLECTION,
)

__all__ = ["CASES", "Case", "Edit", "apply", "pipeline_text"]
