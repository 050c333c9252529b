"""Should a stage run, and why? The only room that answers; pure."""

from .causes import causes, explain_code
from .comparison import MISSING, RULES, compare
from .decision import below_unknown, decide, is_callback, lacking, plan
from .evidence import Evidence
from .keys import entry_of, env_digest, stage_key

__all__ = [
    "MISSING",
    "RULES",
    "Evidence",
    "below_unknown",
    "causes",
    "compare",
    "decide",
    "entry_of",
    "env_digest",
    "explain_code",
    "is_callback",
    "lacking",
    "plan",
    "stage_key",
]
