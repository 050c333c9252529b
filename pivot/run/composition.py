"""What a folder will be once the artifacts are in it that do not lie there yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..digest import Digest
from ..manifest import make_manifest, tree_digest
from ..model import Manifest
from ..tree import is_within, relative


def composed(
    folder: str,
    plain: Manifest | None,
    placed: Mapping[str, Digest],
    algorithm: str,
    members: Callable[[str, Digest], Manifest | None],
) -> Digest | None:
    """The digest of `folder` with the artifacts `placed` in place of what `plain` has there.

    `members` gives the files of one that is a folder itself; None where one is not known.
    """
    found: dict[str, Digest] = {}
    for entry in plain.entries if plain is not None else ():
        place = f"{folder}/{entry.path}" if folder != "." else entry.path
        if not any(is_within(place, path) for path in placed):
            found[entry.path] = entry.digest
    for path, digest in placed.items():
        inner = relative(path, folder)
        if not digest.is_tree:
            found[inner] = digest
            continue
        manifest = members(path, digest)
        if manifest is None:
            return None
        found.update({f"{inner}/{entry.path}": entry.digest for entry in manifest.entries})
    return tree_digest(algorithm, make_manifest(found.items()))
