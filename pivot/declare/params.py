"""`StageParams`: a pydantic model of a stage's params that takes no unknown names."""

from __future__ import annotations

# 60 ms to import: this module is loaded when `pivot.StageParams` is first asked for
import pydantic


class StageParams(pydantic.BaseModel):
    """The base of a stage's params: fields with types and defaults, given as parameter `params`.

    `pivot.yaml` and params files override defaults; a name that is no field is an error there.
    Instances are frozen.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
