"""Other people's repositories: bare clones kept in the user's cache folder.

Nothing of such a repository is ever run. A clone has no work tree and no hooks, its configuration
is written here, git is told to use no helper that a URL could name, and big files are left where
they are until somebody asks for one.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import xxhash

from ..errors import PivotError
from .git import advice_in
from .root import repository_folder

#: Files up to this size come with a clone (pipelines, code, locks); larger ones when asked for.
BLOB_LIMIT = "1m"
#: How git names the place to read from; others could start programs (`ext::`, `fd::`).
_SCHEMES = ("https", "http", "ssh", "git", "file", "git+ssh", "ssh+git")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(r"(?:[^\s/:@]+@)?[^\s/:@]+:(?!:)\S+\Z")
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*@|(?<=://)[^/@\s:]+@(?=[^/]*\.)")
_WANTED = "give the folder of one, or its https:// or ssh URL"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
#: Where a clone keeps what HEAD is on the other side. Its own HEAD points there, so that `HEAD~1`
#: and `@` are theirs too, and not what `init.defaultBranch` of this user makes of them.
_REMOTE_HEAD = "refs/pivot/HEAD"

_SAFE = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "protocol.https.allow=always"),
    *("-c", "protocol.http.allow=always"),
    *("-c", "protocol.ssh.allow=always"),
    *("-c", "protocol.git.allow=always"),
    *("-c", "protocol.file.allow=always"),
    *("-c", "gc.auto=0"),
)


def checked_url(url: str, base: str = ".") -> str:
    """`url` as git may be given it: a URL, `host:path`, or an absolute folder.

    A relative folder is seen from `base`. Raises PivotError for what is none of these, or could
    be read as an option or as a program to start.
    """
    if not url.strip() or any(ord(character) < 32 for character in url):
        raise PivotError(f"{url!r} is not the URL of a repository")
    if url.startswith("-") or "::" in url.partition("/")[0]:
        raise PivotError(f"'{url}' is not the URL of a repository", hint=_WANTED)
    found = _SCHEME.match(url)
    if found:
        scheme = found[1].lower()
        if scheme not in _SCHEMES:
            raise PivotError(
                f"repositories are not read by {scheme}://",
                hint="one of " + ", ".join(f"{name}://" for name in _SCHEMES[:5]),
            )
        if url[found.end() :].startswith("-"):
            raise PivotError(f"'{url}' has no host")
        return url
    folder = os.path.normpath(os.path.join(os.path.abspath(base), os.path.expanduser(url)))
    if os.path.isdir(folder):
        return folder
    if _SCP.match(url):
        return url
    raise PivotError(f"there is no repository '{url}'", hint=_WANTED)


def _check_repository(folder: str) -> None:
    """Raise PivotError where a folder is no git repository, with the one that it lies in."""
    around = repository_folder(folder)
    if around == folder:
        return
    raise PivotError(
        f"'{folder}' is no git repository",
        hint=f"it lies in one, '{around}'; is that meant?" if around else _WANTED,
    )


def has_password(url: str) -> bool:
    """Whether a URL holds a password, which must not get into a record."""
    found = _SCHEME.match(url)
    head = url[found.end() :].partition("/")[0] if found else ""
    return "@" in head and ":" in head.rpartition("@")[0]


def shown_url(text: str) -> str:
    """`text` with the credentials of URLs in it left out."""
    return _PASSWORD.sub("", text)


def clones_folder() -> str:
    """Where clones lie: one for each URL, shared by all projects of the user."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "pivot", "clones")


class Clone:
    """The clone of one repository. `checked_url` made the URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        digest = xxhash.xxh3_128_hexdigest(url.encode("utf-8", "surrogateescape"))
        name = re.sub(r"[^A-Za-z0-9._-]", "", url.rstrip("/").rpartition("/")[2])[:40]
        self.folder = os.path.join(clones_folder(), f"{name or 'repository'}-{digest[:16]}.git")

    @property
    def is_there(self) -> bool:
        """Whether the repository was cloned before."""
        return os.path.exists(os.path.join(self.folder, "HEAD"))

    def update(self, revision: str | None = None) -> str | None:
        """Bring the clone up to date; why that could not be, where an older state serves.

        A commit id that is there already needs no look at the other side. Raises PivotError where
        the repository was never cloned and cannot be now.
        """
        with self._locked():
            if not self.is_there:
                self._make()
            elif revision is not None and _COMMIT.match(revision) and self._has(revision):
                return None
            self._git(["symbolic-ref", "HEAD", _REMOTE_HEAD], at=self.folder)
            refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
            problem = self._fetch(["--prune", *refs, f"+HEAD:{_REMOTE_HEAD}"])
            if problem and "remote ref HEAD" in problem.message:  # there is none
                problem = self._fetch(["--prune", *refs])
                if problem is None:  # an earlier one is not theirs any more
                    self._git(["update-ref", "-d", _REMOTE_HEAD], at=self.folder)
            if problem is None:
                if revision is not None and _COMMIT.match(revision) and not self._has(revision):
                    self._fetch([revision])  # of no branch, where the other side allows it
                return None
            if self._has_any():
                return problem.message
            shutil.rmtree(self.folder, ignore_errors=True)
        if os.path.isdir(self.url):
            _check_repository(self.url)
        raise PivotError(
            f"cannot read the repository {shown_url(self.url)}: {problem.message}",
            hint=problem.hint or "check the URL, and that `git ls-remote` can read it",
        )

    def bring(self, objects: Sequence[str]) -> None:
        """Have the files of these ids here, which were too large to come along."""
        if objects:
            self._call(["cat-file", "--batch-check"], self.folder, "\n".join(objects) + "\n")

    def _make(self) -> None:
        os.makedirs(os.path.dirname(self.folder), exist_ok=True)
        temporary = f"{self.folder}.{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            self._git(["init", "--quiet", "--bare", "--template=", temporary], at=None)
            for key, value in (
                ("remote.origin.url", self.url),
                ("remote.origin.promisor", "true"),
                ("remote.origin.partialclonefilter", f"blob:limit={BLOB_LIMIT}"),
            ):
                self._git(["config", key, value], at=temporary)
            shutil.rmtree(self.folder, ignore_errors=True)
            os.rename(temporary, self.folder)
        except OSError as error:
            raise PivotError(
                f"cannot write the clone {self.folder}: {error.strerror}",
                hint="XDG_CACHE_HOME names another folder for it",
            ) from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _fetch(self, arguments: Sequence[str]) -> PivotError | None:
        """Fetch from the other side; what git says and advises where that fails."""
        options = ["--quiet", "--no-recurse-submodules", "--no-write-fetch-head", "--force"]
        code, said = self._call(["fetch", *options, "origin", *arguments], self.folder)
        if code == 0:
            return None
        lines = [line for line in said.splitlines() if line.strip()]
        wanted = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))]
        text = (wanted or lines or [f"git fetch ended with {code}"])[0]
        advice = advice_in(said)
        return PivotError(
            shown_url(re.sub(r"^(fatal|error|remote): *", "", text)),
            hint=f"if you trust it: `{advice}`" if advice else None,
        )

    def _has_any(self) -> bool:
        code, said = self._call(["for-each-ref", "--count=1", "--format=x"], self.folder)
        return code == 0 and bool(said.strip())

    def _has(self, revision: str) -> bool:
        code, _ = self._call(["cat-file", "-e", f"{revision}^{{commit}}"], self.folder)
        return code == 0

    def _git(self, arguments: Sequence[str], *, at: str | None) -> None:
        code, said = self._call(arguments, at)
        if code != 0:
            raise PivotError(f"git {arguments[0]} failed: {shown_url(said.strip())}")

    def _call(
        self, arguments: Sequence[str], at: str | None, stdin: str | None = None
    ) -> tuple[int, str]:
        """(exit code, what was printed) of git in a folder."""
        import subprocess  # 6 ms; only commands that look at other repositories need it

        # settings of a call from a hook (GIT_CONFIG_COUNT, GIT_CONFIG_PARAMETERS) are of another
        # repository; safe.directory is not among them: git itself hands none to the other side
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("GIT_CONFIG")
        }
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
            environment.pop(name, None)
        environment["LC_ALL"] = "C"
        if not sys.stdin.isatty():
            environment["GIT_TERMINAL_PROMPT"] = "0"  # credentials come from git's helpers
            environment.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
        where = [] if at is None else ["--git-dir", at]
        try:
            done = subprocess.run(
                ["git", *_SAFE, *where, *arguments],
                input=(stdin or "").encode(),  # questions are asked on the terminal itself
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                env=environment,
            )
        except OSError as error:
            raise PivotError(f"git cannot be run: {error.strerror}", hint="install git") from None
        return done.returncode, os.fsdecode(done.stdout)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time writes the clone; the others wait."""
        try:
            os.makedirs(os.path.dirname(self.folder), exist_ok=True)
            handle = os.open(f"{self.folder}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise PivotError(
                f"cannot write {clones_folder()}: {error.strerror}",
                hint="XDG_CACHE_HOME names another folder for it",
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
