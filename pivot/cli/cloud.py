"""What `status --cloud` prints: artifacts that only the cache or only a remote has."""

from __future__ import annotations

from collections.abc import Sequence

from .opening import opened
from .output import note, say, say_json

_WORDS = {
    "new": "only here (`pivot push` sends it)",
    "deleted": "only there (`pivot pull` brings it)",
    "missing": "neither here nor there",
}


def show_cloud(
    targets: Sequence[str],
    *,
    remote: str | None,
    jobs: int | None,
    revisions: tuple[str, ...],
    as_json: bool,
) -> bool:
    """Print how cache and remotes stand against each other; whether they are alike."""
    from ..commands.cloud import cloud_status
    from ..commands.inventory import Targets
    from ..commands.wanted import ShareRequest

    with opened() as session:
        wanted = Targets(tuple(targets), session.cwd)
        request = ShareRequest(wanted, remote=remote, jobs=jobs, revisions=revisions)
        result = cloud_status(session, request)
        if as_json:
            say_json(dict(result.objects))
            return not result.differences
        for text in result.notes:
            note(text)
        for item in result.differences:
            say(f"{item.artifact}  {item.state}: {_WORDS[item.state]}")
        names = " and ".join(f"'{name}'" for name in result.remotes)
        artifacts = "artifact" if result.total == 1 else "artifacts"
        if not result.differences and not session.lacks:
            say(f"Cache and {names or 'remote'} have the same ({result.total} {artifacts}).")
        return not result.differences
