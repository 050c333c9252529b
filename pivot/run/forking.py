"""Which python stages may be forked from the zygote, and which need an interpreter of their own."""

from __future__ import annotations

import os
from collections.abc import Iterable

from .job import Job

#: Variables that the interpreter or libraries read once, when they start or are imported.
_READ_EARLY = (
    "BLIS_", "CUBLAS_", "CUDA_", "DYLD_", "GOTO_", "HF_", "HOME", "JAX_", "KERAS_", "KMP_",
    "LANG", "LC_", "LD_", "MALLOC_", "MKL_", "MPL", "NCCL_", "NUMBA_", "NUMEXPR_", "NVIDIA_",
    "OMP_", "OPENBLAS_", "PYTHON", "PYTORCH_", "RAY_", "TF_", "TORCH_", "TRANSFORMERS_", "TZ",
    "VECLIB_", "XDG_", "XLA_",
)  # fmt: skip


def reads_early(job: Job, names: Iterable[str]) -> bool:
    """Whether the job's environment says something that a zygote, which has imported packages
    `names`, has read already.
    """
    own = tuple(f"{name.upper()}_" for name in names)
    return any(
        name.startswith(_READ_EARLY) or name.upper().startswith(own)
        for name in (*job.env_set, *job.env_drop)
    )


class Shadowing:
    """Knows the names in the folders of import paths; each is listed once a run."""

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}

    def hides(self, job: Job, modules: frozenset[str]) -> bool:
        """Whether the project has a module that is named like one of `modules`, which a forked
        process would take instead.
        """
        return any(not modules.isdisjoint(self._in(root)) for root in job.roots)

    def _in(self, root: str) -> frozenset[str]:
        found = self._names.get(root)
        if found is None:
            try:
                entries = os.listdir(root)
            except OSError:
                entries = []
            found = frozenset(entry.removesuffix(".py") for entry in entries)
            self._names[root] = found
        return found
