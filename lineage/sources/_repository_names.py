"""What is a repository called, so that its history, its work tree and what was exported from it come together?"""

from __future__ import annotations

import re

from lineage.source import Origin

_GENERIC = frozenset(
    {"repo", "repository", "bundle", "history", "all", "main", "master", "backup", "git", "export"}
)
_REMOTE = re.compile(r'\[remote "([^"]*)"\][^\[]*?^\s*url\s*=\s*(\S+)', re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"(?:\w+://[^/]+/|[\w.-]+@[\w.-]+:)(.+)")


def remote_in(config: str) -> str:
    r"""Return the URL of `origin`, or of the first remote, that a repository's configuration names; without password.

    >>> remote_in('[remote "origin"]\n\turl = https://bot:secret@code.example/ml/churn.git\n')
    'https://code.example/ml/churn.git'
    """
    remotes = dict(_REMOTE.findall(config))
    return re.sub(r"^(\w+://)[^/@]*@", r"\1", remotes.get("origin") or next(iter(remotes.values()), ""))


def repository_name(given: str, origin: Origin, remote: str) -> str:
    """Return the name of a repository: what the person said, its remote's path, its own name, else its folder's.

    >>> repository_name("x.bundle", Origin("x.bundle"), "git@code.example:ml/churn.git")
    'ml/churn'
    >>> repository_name("churn.bundle", Origin("a/churn.bundle", folder="a"), "")
    'churn'
    >>> repository_name("repo.bundle", Origin("churn/repo.bundle", folder="churn"), "")
    'churn'
    """
    said = origin.label("repository") or origin.label("instance")
    if said:
        return said
    there = _PLACE.match(remote)
    path = (there[1] if there else remote.rstrip("/").rpartition("/")[2]).strip("/").removesuffix(".git")
    if path:
        return path
    own = re.sub(r"\.(?:bundle|git|pack)$", "", given) if given.endswith((".bundle", ".git", ".pack")) else ""
    if own and own.lower() not in _GENERIC and own != given:
        return own
    return origin.folder or own or "repository"
