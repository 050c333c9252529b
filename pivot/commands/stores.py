"""The remotes of a project, opened for one command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..digest import Digest
from ..errors import ConfigError, StoreError, did_you_mean
from ..manifest import object_path, parse_manifest
from ..settings import RemoteSpec, Settings

if TYPE_CHECKING:
    from ..project import Project
    from ..store import LocalCache
    from ..store.evidence import Evidence
    from ..store.remembered import RemoteMemory
    from ..store.remotes import Crew, ObjectStore, RemoteError
    from ..store.transfer import Progress, Transfer


class Stores:
    """The remotes of a project, each opened once; close them all at the end."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._open: dict[str, ObjectStore] = {}
        self._specs: dict[str, RemoteSpec] = {}

    def __enter__(self) -> Stores:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every remote that was opened."""
        for store in self._open.values():
            store.close()
        self._open.clear()

    def of(self, name: str | None) -> ObjectStore:
        """The remote of that name, or the default one. Raises ConfigError, RemoteError."""
        spec = remote_spec(self._project, name)
        if spec.name not in self._open:
            # 20 ms and more to import, by kind; only commands that move bytes need it
            from ..store.remotes import open_store

            self._open[spec.name] = open_store(spec, self._project.root)
            self._specs[spec.name] = spec
        return self._open[spec.name]

    def home(self, name: str | None) -> ObjectStore | None:
        """Where what belongs to no out in particular lies: `name`, else the default, if any."""
        try:
            return self.of(name)
        except ConfigError:
            if name is not None:
                raise
            return None

    def crew(self, store: ObjectStore, jobs: int | None = None) -> Crew:
        """Workers on a remote, as patient as its option `retries` tells."""
        from ..store.remotes import Crew, retry_of

        return Crew(jobs or store.jobs, retry_of(self._specs[store.name]))

    def transfer(
        self,
        cache: LocalCache,
        store: ObjectStore,
        *,
        jobs: int | None = None,
        progress: Progress | None = None,
        remembers: bool = False,
    ) -> Transfer:
        """The way of objects between a cache and a remote, patient as the remote's options tell.

        With `remembers` what the remote was seen to hold is not asked for again.
        """
        from ..store.remotes import retry_of
        from ..store.transfer import Transfer  # 10 ms; only commands that move bytes need it

        retry = retry_of(self._specs[store.name])
        memory = self.memory(store) if remembers else None
        return Transfer(cache, store, jobs=jobs, retry=retry, progress=progress, memory=memory)

    def memory(self, store: ObjectStore) -> RemoteMemory:
        """What the remote was seen to hold."""
        from ..store.remembered import RemoteMemory

        spec = self._specs[store.name]
        identity = f"{store.url} {spec.options.get('endpointurl', '')}"
        return RemoteMemory(self._project.state.blobs("remotes"), identity)

    def prepare(self, store: ObjectStore) -> None:
        """Before something is sent: have a folder made that was never used.

        Raises RemoteError for one that is gone, as that of a share which is not mounted.
        """
        from ..store.remotes.local import FolderStore

        if isinstance(store, FolderStore):
            below = self._project.settings.remotes[store.name].url.startswith("remote://")
            store.prepare(was_used=self.memory(store).was_used, anywhere=below)

    def missing_folder(self, store: ObjectStore) -> RemoteError | None:
        """The error that a remote is a folder which is not there; raised where it was used."""
        from ..store.remotes import RemoteError
        from ..store.remotes.local import FolderStore

        if not isinstance(store, FolderStore):
            return None
        try:
            store.check()
        except RemoteError as error:
            if self.memory(store).was_used:
                raise
            return error
        return None

    def evidence(self, store: ObjectStore, jobs: int | None) -> Evidence:
        """The way of run records and code tables; they lie apart where DVC has the remote too."""
        from ..store.evidence import Evidence

        project = self._project
        prefix = "pivot/" if project.mode == "dvc" else ""
        folder = project.records_dir
        crew = self.crew(store, jobs)
        return Evidence(store, crew, f"{folder}/runs", f"{folder}/code", prefix)


def objects_of(cache: LocalCache, digest: Digest, store: ObjectStore) -> list[Digest]:
    """An object with the files of a directory, by its manifest here, or there."""
    if not digest.is_tree:
        return [digest]
    try:
        manifest = cache.manifest(digest)
    except StoreError:
        key = object_path(digest)
        if store.size(key) is None:
            return [digest]
        data = bytearray()
        store.read(key, data.extend)
        manifest = parse_manifest(bytes(data), digest.algorithm)
    return [digest, *(entry.digest for entry in manifest.entries)]


def remote_spec(project: Project, name: str | None) -> RemoteSpec:
    """The remote called `name`; without a name the default, or the only one there is.

    Raises ConfigError where there is none, with what was probably meant.
    """
    settings = project.settings
    remotes = settings.remotes
    wanted = name or project.settings["core.remote"]
    if wanted is None:
        if len(remotes) == 1:
            return next(iter(remotes.values()))
        if not remotes and settings.unplaced:
            check_placed(settings, next(iter(settings.unplaced)))
        if not remotes:
            raise ConfigError(
                "no remote is configured",
                hint="add one: `pivot remote add --default origin s3://BUCKET/PREFIX`, or a folder",
            )
        raise ConfigError(
            f"there are {len(remotes)} remotes, and none of them is the default",
            hint="name one with `-r`, or set it with `pivot remote default NAME`",
        )
    if project.mode == "dvc":
        wanted = str(wanted).lower()  # as DVC reads names
    check_placed(settings, wanted)
    if wanted not in remotes:
        said = "" if name else " (core.remote)"
        raise ConfigError(
            f"there is no remote '{wanted}'{said}",
            hint=did_you_mean(wanted, remotes) or "`pivot remote list` shows what there is",
        )
    return referred(remotes, remotes[wanted])


def written_url(project: Project, name: str) -> str:
    """The URL of a remote as the project's own configuration has it: folders as they are there."""
    if project.mode == "dvc":
        from ..project.dvc_config import written_remotes  # a rare question

        written = written_remotes(project.tree.read(".dvc/config") or b"", ".dvc/config")
        if written.get(name, {}).get("url"):
            return written[name]["url"]
    return project.settings.remotes[name].url


def check_placed(settings: Settings, name: str) -> None:
    """Raise ConfigError for a remote of which there are only options, and no URL."""
    if name in settings.unplaced:
        raise ConfigError(
            unplaced(settings, name),
            hint=f"take its URL from where it was added, or `pivot remote add {name} URL` here",
        )


def unplaced(settings: Settings, name: str) -> str:
    """What is told of a remote that has options and no URL."""
    layers = " and ".join(settings.unplaced[name])
    return (
        f"this branch or revision has no remote '{name}': it stands only in {layers}, without a URL"
    )


def referred(remotes: Mapping[str, RemoteSpec], spec: RemoteSpec) -> RemoteSpec:
    """A remote whose URL is `remote://NAME/PATH` lies below another one."""
    seen = {spec.name}
    while spec.url.startswith("remote://"):
        base, _, path = spec.url[len("remote://") :].partition("/")
        if base not in remotes or base in seen:
            raise ConfigError(
                f"remote '{spec.name}' refers to remote '{base}', which is not there",
                hint=did_you_mean(base, remotes),
            )
        seen.add(base)
        found = remotes[base]
        url = f"{found.url.rstrip('/')}/{path}".rstrip("/")
        spec = RemoteSpec(spec.name, url, {**found.options, **spec.options})
    return spec
