"""Opens what a command works with at a commit: the same workspace, from git alone."""

from __future__ import annotations

from dataclasses import replace

from ..config import ParamsReader
from ..model import Pipeline
from ..project import Project
from ..project.committed import CommittedProject, open_committed
from ..run.recorded import RecordedObserver, WithData
from ..run.workspace import Workspace
from .session import Request, Session


class CommittedSession(Session):
    """The project as `revision` has it, for commands that only look.

    Locks, code, params and settings are those of the commit, and its artifacts what its locks,
    its records and git say they are; nothing has to be installed or fetched. What is in the cache
    of the checkout, where there is one, is used. `folder` is the project's in the repository,
    where the request's does not say; `beside` a version that is open already, and closed later.
    """

    def __init__(
        self,
        request: Request,
        revision: str,
        *,
        folder: str | None = None,
        beside: Project | None = None,
    ) -> None:
        self.revision = revision
        self._folder = folder
        self._beside = beside
        super().__init__(request)

    def _open_project(self) -> Project:
        self.committed: CommittedProject = open_committed(
            self.request.cwd,
            self.revision,
            options=self.request.options,
            folder=self._folder,
            beside=self._beside,
        )
        return self.committed

    @property
    def cwd(self) -> str:
        return "." if self.committed.repository.is_bare or self._folder else super().cwd

    @property
    def commit(self) -> str:
        """The id of the commit."""
        return self.committed.revision_tree.commit

    def _open(self) -> Workspace:
        space = super()._open()
        self.committed.revision_tree.read_ahead(space.locks.paths())
        observer = RecordedObserver(
            self.committed.blobs, space.graph, space.pipeline.tracked, space.locks, space.cache
        )
        tree = WithData(self.committed.tree, observer, space.cache)
        params = ParamsReader(tree, self.overrides, self.project.state.blobs("params"))
        return replace(space, observer=observer, params=params, here=False)

    def _is_tracked(self, path: str) -> bool:
        return self.project.tree.kind(path) == "file"

    def _code_context(self, _: Pipeline) -> str:
        return repr(["committed", self.project.settings["code.roots"]])

    def _verdict_context(self) -> str | None:
        return None

    def why_unknown(self, path: str) -> str | None:
        why = self.committed.blobs.why(path)
        if why is None and self.space.observer.observe(path) is not None:
            why = "the values in it count, and its bytes are not here"
        return f"'{path}': {why}" if why else f"'{path}' is neither in git nor in a record or lock"
