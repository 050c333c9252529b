"""The git repository around a project, read by revision: names, ancestors, trees.

The one importer of GitPython. Nothing here writes, checks anything out, or starts anything but
git itself: a repository's configuration may name programs (hooks, filters, monitors, transports,
signature checkers), and none of them is started.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import PivotError, nearest
from ..tree import join
from .git import SAFE_OPTIONS, advice_in
from .gitobjects import Objects
from .revtree import RevTree

if TYPE_CHECKING:
    import subprocess

_OPTIONS = ("--no-pager", "--no-optional-locks", *SAFE_OPTIONS)
#: No network, no question, no translated message.
_ENVIRONMENT = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
#: So many branches and tags are listed where none is like the one that was typed.
_FEW = 8
_SHALLOW = "this clone is shallow, and the rest is brought by"
_ALL_BRANCHES = "git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'"
_SHORT = 8
_ID = re.compile("[0-9a-f]{7,64}")
_NO_GIT = "install git; what needs no revisions works without"


def open_repository(start: str) -> Repository:
    """The repository that folder `start` lies in, bare or with a work tree. Raises PivotError."""
    git = _Git(start)
    asked = ("--absolute-git-dir", "--is-shallow-repository", "--is-inside-work-tree")
    code, out, err = git.run("rev-parse", *asked, "--show-prefix")
    lines = out.split("\n")
    if code != 0 or len(lines) < 4:
        raise _no_repository(start, err)
    prefix = lines[3].rstrip("/") or "."
    is_bare = lines[2] != "true"
    return Repository(git, lines[0], "." if is_bare else prefix, is_bare, lines[1] == "true")


class Repository:
    """A git repository, read only. `folder` is where it was opened, seen from its root.

    `git_dir` is its own folder (of a worktree: that worktree's). Close it to end the process that
    reads objects; use as a context manager.
    """

    def __init__(
        self, git: _Git, git_dir: str, folder: str, is_bare: bool, is_shallow: bool
    ) -> None:
        self.git_dir = git_dir
        self.folder = folder
        self.is_bare = is_bare
        self.is_shallow = is_shallow
        self._git = git
        self._objects = Objects(lambda: git.start("cat-file", "--batch"))
        self._roots: dict[str, str] = {}

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process that reads objects."""
        self._objects.close()

    # --- names ----------------------------------------------------------------------------

    def resolve(self, text: str) -> str:
        """The id of the commit that `text` names as git reads names.

        Raises PivotError with what may have been meant, and in a shallow clone what to fetch.
        """
        if not text.strip() or "\n" in text or "\0" in text:
            raise PivotError(
                f"{text!r} is no revision", hint="give a branch, a tag or a commit, such as HEAD~1"
            )
        found = self._objects.find(text)
        if found is None:
            raise self._unknown(text)
        commit = self._objects.find(f"{found[0]}^{{commit}}")
        if commit is None:
            raise PivotError(
                f"'{text}' names a {found[1]} of git's, not a commit",
                hint="give a branch, a tag or a commit",
            )
        self._roots[commit[0]] = _tree_of(commit[2])
        return commit[0]

    def merge_base(self, a: str, b: str) -> str:
        """The best common ancestor of two commits. Raises PivotError where there is none."""
        code, out, err = self._git.run("merge-base", self.resolve(a), self.resolve(b))
        if code == 0 and out.strip():
            return out.split()[0]
        raise PivotError(
            f"'{a}' and '{b}' have no common ancestor"
            + (" in this shallow clone" if self.is_shallow else ""),
            hint=self._remedy_for(a, b) if code == 1 or not err else err.strip().splitlines()[0],
        )

    def short(self, commit: str) -> str:
        """The id of a commit as people read it: its beginning, where that names nothing else."""
        beginning = commit[:_SHORT]
        return beginning if self.head_of(beginning) == commit else commit

    def selected(
        self,
        *,
        all_branches: bool = False,
        all_tags: bool = False,
        all_commits: bool = False,
        tracking: bool = False,
    ) -> tuple[tuple[str, str], ...]:
        """(label, commit) of all branches, tags or commits, each commit once.

        Branches are those of this clone, as DVC has it; with `tracking` also what was fetched of
        others (`origin/main`), which all commits always include. Labels are names, of several for
        one commit joined by a comma; of commits their ids.
        """
        names: dict[str, list[str]] = {}
        if all_commits:
            head = [commit] if (commit := self.head()) else []
            for commit in self._lines("rev-list", "--branches", "--remotes", "--tags", *head):
                names.setdefault(commit, []).append(commit)
        else:
            followed = all_branches and tracking
            wanted_kinds = (("heads", all_branches), ("remotes", followed), ("tags", all_tags))
            for kind, wanted in wanted_kinds:
                for name, commit in self._refs(f"refs/{kind}") if wanted else ():
                    names.setdefault(commit, []).append(name)
        return tuple((",".join(found), commit) for commit, found in names.items())

    def branch(self) -> str | None:
        """The branch checked out; None where HEAD is a commit."""
        code, out, _ = self._git.run("symbolic-ref", "--quiet", "--short", "HEAD")
        return out.strip() if code == 0 else None

    def head(self) -> str | None:
        """The commit checked out; None before the first one."""
        return self.head_of("HEAD")

    def head_of(self, name: str) -> str | None:
        """The commit that a name stands for; None where it does not exist."""
        found = self._objects.find(f"{name}^{{commit}}")
        return found[0] if found else None

    # --- content --------------------------------------------------------------------------

    def tree(self, commit: str, folder: str | None = None) -> RevTree:
        """The files of a commit below `folder` of the repository; where it was opened without.

        All trees share one process, and what was read.
        """
        if commit not in self._roots:
            self.resolve(commit)
        where = self.folder if folder is None else join(".", folder)
        return RevTree(self._objects, commit, self._roots[commit], where, self.remedy)

    def commits_of(self, path: str, commit: str = "HEAD") -> list[str]:
        """Of `commit` and those before it, the ones that changed a file, the newest first.

        The path is as trees see it.
        """
        where = join(self.folder, path)
        if where.startswith("../") or self._objects.find(commit) is None:
            return []
        return self._lines("rev-list", commit, "--", f":(top,literal){where}")

    def default_branch(self) -> str:
        """The branch that others go into: the remote's own, main or master.

        Of a bare clone it is the one that is checked out nowhere: its HEAD. Raises PivotError
        where there is none of these, or no commit at all, and in a shallow clone what to fetch.
        """
        tried = ("HEAD",) if self.is_bare else ("origin/HEAD", "main", "master")
        for name in tried:
            if self.head_of(name):
                return name
        if self.head() is None:
            raise self._unknown("HEAD")
        hint = "name one: `pivot impact BRANCH`"
        if self.is_shallow:
            hint = f"{_SHALLOW} `{_ALL_BRANCHES}`; then name it: `pivot impact origin/BRANCH`"
        raise PivotError(
            "there is no branch to compare with: no origin/HEAD, main or master", hint=hint
        )

    def has_changes(self) -> bool:
        """Whether the work tree differs from what is committed; what git ignores does not count."""
        if self.is_bare:
            return False
        where = f":(top,literal){self.folder}" if self.folder != "." else ":(top)"
        looked = ("status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=dirty")
        return bool(self._lines(*self._unfiltered, *looked, "--", where))

    @property
    def _unfiltered(self) -> list[str]:
        """Options by which git compares files as they are: no filter that is configured runs."""
        pattern = r"^filter\..*\.(clean|smudge|process|required)$"
        names = self._lines("config", "--name-only", "--get-regexp", pattern, accept=(0, 1))
        return [word for name in dict.fromkeys(names) for word in ("-c", f"{name}=")]

    def seen_from(self, folder: str) -> Repository:
        """The same repository as if opened in `folder` of it; what is read is read once."""
        other = Repository(self._git, self.git_dir, folder, self.is_bare, self.is_shallow)
        other._objects, other._roots = self._objects, self._roots
        return other

    @property
    def remedy(self) -> str | None:
        """The command that brings what this clone lacks; None where it lacks nothing known."""
        if self.is_shallow:
            return f"{_SHALLOW} `git fetch --unshallow`"
        if self._partial:
            name = self._partial[0]
            return f"this clone is partial: `git fetch --refetch --no-filter {name}` brings all"
        return None

    def _remedy_for(self, *names: str) -> str | None:
        """As `remedy`, where the commits that people named so are lacking, or their history."""
        if not self.is_shallow:
            return self.remedy
        # a shallow clone has one branch, and fetches no other unless it is told where to put it
        found: dict[str, None] = {}
        local = [name for name, _ in self._refs("refs/heads")]
        for name in names:
            base = name.partition("~")[0].partition("^")[0]
            branch = self.branch() if base == "HEAD" else base
            if branch is None or _ID.fullmatch(branch):
                return f"{_SHALLOW} `{_ALL_BRANCHES}`"
            short = branch.removeprefix("origin/")
            place = f"refs/remotes/{branch}" if short != branch else branch
            found[short if branch in local else f"{short}:{place}"] = None
        return f"{_SHALLOW} `git fetch --unshallow origin {' '.join(found)}`"

    @property
    def _partial(self) -> list[str]:
        """The remotes that this clone was told to leave objects at."""
        found = self._lines("config", "--get-regexp", r"^remote\..*\.promisor$", accept=(0, 1))
        return [line.split(" ")[0][len("remote.") : -len(".promisor")] for line in found]

    def _refs(self, *patterns: str) -> list[tuple[str, str]]:
        """(short name, commit) of refs; what names no commit is left out."""
        shape = "--format=%(refname:lstrip=2)%00%(*objectname)%00%(objectname)%00%(objecttype)"
        found = []
        for line in self._lines("for-each-ref", shape, *patterns):
            name, peeled, oid, kind = line.split("\0")
            if peeled or kind == "commit":
                found.append((name, peeled or oid))
        return found

    def _lines(self, *arguments: str, accept: tuple[int, ...] = (0,)) -> list[str]:
        code, out, err = self._git.run(*arguments)
        if code not in accept:
            said = (err.strip().splitlines() or [f"exit code {code}"])[0]
            command = next(word for word in arguments if word != "-c" and "=" not in word)
            raise PivotError(f"git {command} failed: {said}")
        return out.splitlines()

    def _unknown(self, text: str) -> PivotError:
        """Why `text` names nothing here, and what to do."""
        head, dots, tail = text.partition("..")
        if dots and head and tail.strip("."):
            return PivotError(
                f"'{text}' is a range, where one revision is needed",
                hint=f"name one: {head} or {tail.strip('.')}",
            )
        names = [name for name, _ in self._refs("refs/heads", "refs/tags", "refs/remotes")]
        if self.head() is None and (text == "HEAD" or not names):
            return PivotError(
                f"'{text}' names nothing: there is no commit yet",
                hint="make one: `git add --all`, then `git commit`",
            )
        base = text.partition("~")[0].partition("^")[0]
        if base != text and self._objects.find(base) is not None:
            why = self.remedy or f"the history of '{base}' is shorter"
            return PivotError(f"'{text}' goes back beyond the first commit", hint=why)
        meant = next((name for name in names if name.endswith(f"/{base}")), None)
        meant = meant or nearest(base, names)
        hint: str | None = f"did you mean '{meant}'?" if meant else None
        if self.is_shallow:
            hint = "; ".join(part for part in (hint, self._remedy_for(base, "HEAD")) if part)
        if "@{" in text:
            hint = "the reflog goes back less far: `git reflog` lists it"
        if hint is None and 0 < len(names) <= _FEW:
            hint = f"there are {', '.join(names)}"
        return PivotError(
            f"there is no revision '{text}'", hint=hint or "`git branch -a` and `git tag` list them"
        )


class _Git:
    """The git executable in one folder, by way of GitPython."""

    def __init__(self, folder: str) -> None:
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # no git: said below, in our words
        from git.cmd import Git  # 50 ms to import; only revisions need it

        self._git = Git(folder)
        environment = dict(_ENVIRONMENT)
        if os.environ.get("GIT_DIR"):  # of a hook: relative to where git called it
            environment["GIT_DIR"] = os.path.abspath(os.environ["GIT_DIR"])
        self._git.update_environment(**environment)
        self._start = [Git.GIT_PYTHON_GIT_EXECUTABLE or "git", *_OPTIONS]

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors of a call."""
        code, out, err = self._call(
            arguments,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
        )
        said = err if isinstance(err, str) else os.fsdecode(err)
        return code, os.fsdecode(out), said

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A process that goes on, with pipes to and from it; the caller ends it."""
        import subprocess

        guarded = self._call(arguments, istream=subprocess.PIPE, as_process=True)
        # the guard would kill it once nothing holds the guard
        process: subprocess.Popen[bytes] = guarded.proc
        guarded.proc = None
        return process

    def _call(self, arguments: Sequence[str], **how: Any) -> Any:
        from git.exc import GitCommandNotFound

        try:
            return self._git.execute([*self._start, *arguments], **how)
        except (GitCommandNotFound, OSError) as error:
            said = getattr(error, "strerror", None)
            why = f": {said}" if said else ""
            raise PivotError(f"git cannot be run{why}", hint=_NO_GIT) from None


def _no_repository(start: str, err: str) -> PivotError:
    said = [line for line in err.strip().splitlines() if line]
    if not said or "not a git repository" in said[0]:
        return PivotError(
            f"'{os.path.abspath(start)}' is in no git repository, and this needs revisions",
            hint="`git init` makes one; everything that looks at no revision works without",
        )
    what = said[0].removeprefix("fatal: ")
    return PivotError(f"git will not read this repository: {what}", hint=advice_in(err))


def _tree_of(commit: bytes) -> str:
    """The id of the root folder: a commit begins with `tree <id>`."""
    return commit.split(b"\n", 1)[0][len(b"tree ") :].decode()
