"""Who and what stood behind a change that a machine made, as code hosts and GitOps controllers recorded it?

A bot's call carries the id of a pipeline's run, or a commit, or nothing but the time at which an Argo CD application
was synchronised. The records of the code host say the rest: who triggered the run (not who did it first), who asked
for the release, who approved it, who wrote the commit. They are joined to what happened to a target by that run,
commit or synchronisation, and are evidence of it: they never make an item of the register themselves (sources-ops
5.3, 5.5). Where two of them could be meant, none is taken, and the chain says so.

Happenings that are read here, by their type (made by the sources of code hosts, repositories and controllers):

- `commit`: `change.commit` = the full hash; `detail`: `author_name`, `author_email`, `author_login`, `author_type`,
  `trailers` ([[name, value], ...]), `proven` (true: the hash was computed from the commit's own bytes)
- `ci-run`: `change.ci_run` = the id; `change.commit`; the actor is who triggered this attempt; `detail`: `attempt`,
  `url`, and `head_commit` as the detail of a commit
- `release-request`, `release`: a commit was to come, and came, to an environment (the subject); `change.commit`,
  `change.ci_run`; `detail.release` = the id of the deployment at its host, `detail.head_commit` as above
- `release-approve`, `release-reject`: a review of it; `change.ci_run` or `detail.release`
- `release-store`: somebody had Helm store `detail.revision` of a release (the subject, which records nobody itself)
- `sync`: an Argo CD application brought `change.commit` to a cluster; `detail`: `application`, `started` (microseconds,
  where known), `cluster`, `resources` (names of targets)
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from lineage.identity.person import APPROVER, CommitRow, committers
from lineage.identity.sagemaker import Told
from lineage.model.facts import Happened, Hop, Key
from lineage.model.moment import parse, to_iso
from lineage.model.vocabulary import Kind, Outcome

COMMIT, RUN, SYNC = "commit", "ci-run", "sync"
REQUEST, RELEASE = "release-request", "release"
APPROVE, REJECT = "release-approve", "release-reject"
STORE = "release-store"
TYPES = (COMMIT, RUN, SYNC, REQUEST, RELEASE, APPROVE, REJECT, STORE)
"""The happenings that are read here."""

_SECOND = 1_000_000
_LONGEST_SYNC = 900 * _SECOND
"""How long before its end a synchronisation may have begun where its beginning is not recorded."""
_STORES = 300 * _SECOND
"""How far apart a release's own time and the call that stored it may lie: Helm waits for hooks, clocks differ."""
_SHORTEST_HASH = 7
_RUN_URL = re.compile(r"/(?:actions/runs|pipelines|jobs)/(\d+)(?:/attempts/(\d+))?(?:[/?#]|$)")
_TRACKING = "argocd.argoproj.io/tracking-id"


class _Told(NamedTuple):
    hid: str
    fact: Happened
    record: int


class Deliveries:
    """Everything that code hosts and controllers recorded, found by run, commit and target."""

    def __init__(
        self, rows: Iterable[tuple[str, Happened, int]], targets: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Take `rows` of happening id, happening and record in any order, and namespace and name of every target."""
        self._rows = sorted((_Told(*row) for row in rows), key=_order)
        self._commits: dict[str, tuple[CommitRow, int]] = {}
        self._proven: set[str] = set()
        self._runs: dict[str, list[_Told]] = defaultdict(list)
        self._requests: dict[str, list[_Told]] = defaultdict(list)
        self._releases: dict[str, list[_Told]] = defaultdict(list)
        self._reviews: dict[tuple[str, str], list[_Told]] = defaultdict(list)
        self._syncs: dict[str, list[_Told]] = defaultdict(list)
        self._clusters: dict[str, set[str]] = defaultdict(set)
        self._stores: dict[tuple[Key, str], list[_Told]] = defaultdict(list)
        for namespace, name in targets:
            self._clusters[name].add(namespace)
        for told in self._rows:
            self._file(told)
        self._shas = sorted({*self._commits, *self._requests})
        self._proof: dict[Hop, int] = {}

    def _file(self, told: _Told) -> None:
        fact, sha = told.fact, told.fact.change.get("commit", "").lower()
        if fact.type == COMMIT and sha:
            # What a hash was computed from cannot be outdone by a text that names the hash.
            proven = fact.detail.get("proven") is True
            if proven or sha not in self._proven:
                self._commits[sha] = _commit_row(sha, fact.detail), told.record
            if proven:
                self._proven.add(sha)
        elif fact.type == RUN:
            self._runs[fact.change.get("ci_run", "")].append(told)
        elif fact.type == REQUEST and sha:
            self._requests[sha].append(told)
            self._releases[str(fact.detail.get("release"))].append(told)
        elif fact.type == RELEASE:
            self._releases[str(fact.detail.get("release"))].append(told)
        elif fact.type in {APPROVE, REJECT}:
            for name in ("ci_run", "release"):
                value = fact.change.get(name) or fact.detail.get(name)
                if value:
                    self._reviews[name, str(value)].append(told)
        elif fact.type == STORE and fact.outcome is Outcome.DONE:
            self._stores[fact.subject, str(fact.detail.get("revision"))].append(told)
        elif fact.type == SYNC and fact.outcome is Outcome.DONE:
            for name in fact.detail.get("resources") or ():
                self._syncs[str(name)].append(told)
        if sha and isinstance(fact.detail.get("head_commit"), dict):
            self._commits.setdefault(sha, (_commit_row(sha, fact.detail["head_commit"]), told.record))

    def completed(self, rows: Iterable[Told]) -> Iterator[Told]:
        """Yield the happenings of targets with the steps that lead from them to people, and their records."""
        for told in rows:
            fact, records = self._behind(told.fact, _environment(told.fact))
            yield told._replace(fact=fact, records=tuple(dict.fromkeys((*told.records, *records))))

    def proving(self, chain: Iterable[Hop], own: Sequence[int]) -> list[int]:
        """Return the record that shows each step of a chain: the one joined, else the change's own; -1 for none."""
        return [self._proof.get(hop, own[0] if own else -1) for hop in chain]

    def _behind(self, fact: Happened, environment: str = "") -> tuple[Happened, tuple[int, ...]]:
        """Return `fact`, its chain and `change` completed, and the records joined to it."""
        steps = _Steps(dict(fact.change))
        is_target = fact.subject.kind == Kind.TARGET and fact.type != STORE
        store = self._store(fact) if is_target and fact.actor is None else None
        by = store.fact.actor if store is not None else None
        if store is not None and by is not None:
            said = store.fact
            hop = Hop(by.name, "stored-by", f"call {store.hid}", by.namespace)
            steps.take([hop, *said.chain], store.record)
            fact = replace(fact, actor=by, actor_kind=said.actor_kind, effective=said.effective)
        sync = self._sync(fact) if is_target else None
        if sync is not None:
            steps.take(_synced(sync), sync.record)
            if sync.fact.change.get("commit"):
                steps.change.setdefault("commit", sync.fact.change["commit"])
        named = steps.change.get("ci_run") or self._run_of(fact)
        run = self._run(steps, named, fact)
        release = None
        if is_target:
            release = self._release(steps, steps.change.get("commit", ""), environment, fact, run)
            if release is None and sync is not None and run is None:
                release = self._release(steps, sync.fact.change.get("commit", ""), environment, fact, run)
            if run is None and release is not None:
                run = self._run(steps, self._run_of(release.fact), fact)
        name = str((release.fact if release else fact).detail.get("release") or "")
        self._reviewed(steps, fact, run, name, release.fact.subject.name if release else environment)
        if sync is not None:
            sha = sync.fact.change.get("commit", "")
            same = steps.change.get("commit", sha) == sha
            self._written(steps, sha, COMMIT if same else "synced-commit")
        if all(hop.rule != COMMIT for hop in steps.hops):
            self._written(steps, steps.change.get("commit", ""), COMMIT)
        self._proof.update(steps.proof)
        whole = replace(fact, chain=(*fact.chain, *steps.hops), change=steps.change)
        return whole, tuple(dict.fromkeys(steps.proof.values()))

    def happenings(self) -> Iterator[tuple[str, int, Happened]]:
        """Yield everything recorded here with its id and record, and with what stands behind it."""
        return ((told.hid, told.record, self._behind(told.fact)[0]) for told in self._rows)

    def _commit(self, reference: str) -> tuple[CommitRow, int] | None:
        """Return the commit that a full or shortened hash names, if it is exactly one, and its record."""
        return next(
            (self._commits[sha] for sha in self._spelled_out(reference) if sha in self._commits), None
        )

    def _spelled_out(self, reference: str) -> list[str]:
        """Return the one full hash that a full or shortened one can mean, or nothing."""
        wanted = reference.strip().lower()
        if len(wanted) < _SHORTEST_HASH:
            return []
        first = bisect_left(self._shas, wanted)
        alike = [sha for sha in self._shas[first : first + 2] if sha.startswith(wanted)]
        return alike[:1] if alike[:1] == [wanted] or len(alike) == 1 else []

    def _run(self, steps: _Steps, said: str, fact: Happened) -> _Told | None:
        """Follow a run that is named by its id or address: its last attempt that had begun by then."""
        url = _RUN_URL.search(said)
        number, attempt = (url[1], url[2] or "") if url else (said.strip(), "")
        if not number or fact.type == RUN:
            return None
        begun = [told for told in self._runs.get(number, ()) if told.fact.at.lo <= fact.at.hi + _SECOND]
        if attempt:
            begun = [told for told in begun if str(told.fact.detail.get("attempt", "")) == attempt]
        if "://" in said:
            same = [told for told in begun if told.fact.detail.get("url") and _same_run(said, told)]
            begun = same or begun
        places = sorted(
            {(told.fact.subject.namespace, str(told.fact.detail.get("what", ""))) for told in begun}
        )
        if len(places) > 1:
            names = ", ".join(" ".join(filter(None, place)) for place in places)
            steps.take([Hop(names, "ci-run-ambiguous", number)], begun[0].record)
            return None
        if not begun:
            return None
        run = begun[-1]
        steps.change.setdefault("ci_run", number)
        if run.fact.change.get("commit"):
            steps.change.setdefault("commit", run.fact.change["commit"])
        where = f"{run.fact.subject.name} {number} attempt {run.fact.detail.get('attempt') or 1}"
        hops = [Hop(number, "ci-run", where, run.fact.subject.namespace)]
        if run.fact.actor is not None:
            rule = "bot" if run.fact.actor_kind == "bot" else "triggering-actor"
            hops.append(Hop(run.fact.actor.name, rule, f"run {number}", run.fact.actor.namespace))
        steps.take(hops, run.record)
        return run

    def _release(
        self, steps: _Steps, sha: str, environment: str, fact: Happened, run: _Told | None
    ) -> _Told | None:
        """Follow the release that brought a commit to the target's environment: the newest asked for by then."""
        asked = [
            told
            for full in self._spelled_out(sha)
            for told in self._requests.get(full, ())
            if told.fact.at.lo <= fact.at.hi + _SECOND
        ]
        if run is not None:
            number = run.fact.change.get("ci_run")
            same = [told for told in asked if told.fact.subject.namespace == run.fact.subject.namespace]
            asked = [told for told in same if self._run_of(told.fact) in {"", number}]
        if environment:
            asked = [told for told in asked if _same_environment(environment, told.fact.subject.name)]
        places = sorted({told.fact.subject for told in asked})
        if len(places) > 1:
            names = ", ".join(place.name for place in places)
            steps.take([Hop(names, "release-ambiguous", sha)], asked[0].record)
            return None
        if not asked:
            return None
        last = asked[-1]
        name = str(last.fact.detail.get("release"))
        hops = [Hop(last.fact.subject.name, "release", name, last.fact.subject.namespace)]
        if last.fact.actor is not None:
            rule = "bot" if last.fact.actor_kind == "bot" else "release-creator"
            hops.append(Hop(last.fact.actor.name, rule, name, last.fact.actor.namespace))
        steps.take([*hops, *last.fact.chain], last.record)
        return last

    def _run_of(self, fact: Happened) -> str:
        """Return the run that made a release, as any record of the release says; empty for all else."""
        if fact.type not in {REQUEST, RELEASE}:
            return ""
        several = self._releases.get(str(fact.detail.get("release")), ())
        return next((run for told in several if (run := told.fact.change.get("ci_run", ""))), "")

    def _reviewed(
        self, steps: _Steps, fact: Happened, run: _Told | None, release: str, environment: str
    ) -> None:
        """Note who approved, where no later review by then refused."""
        if fact.type in {APPROVE, REJECT, COMMIT, RUN}:
            return
        reviews = [*self._reviews.get(("release", release), ())] if release else []
        if run is not None:
            reviews += self._reviews.get(("ci_run", run.fact.change.get("ci_run", "")), ())
        by_then = {
            (told.hid, told.record): told
            for told in reviews
            if told.fact.at.lo <= fact.at.hi + _SECOND
            and (not environment or _same_environment(environment, told.fact.subject.name))
        }
        found = sorted(by_then.values(), key=_order)
        if len({told.fact.subject for told in found}) > 1:
            return
        refused = max((place for place, told in enumerate(found) if told.fact.type == REJECT), default=-1)
        for told in found[refused + 1 :]:
            if told.fact.actor is not None:
                hop = Hop(told.fact.actor.name, APPROVER, told.hid, told.fact.actor.namespace)
                steps.take([hop], told.record)
                steps.change.setdefault("approved_at", to_iso(told.fact.at.lo))

    def _store(self, fact: Happened) -> _Told | None:
        """Return the call that had Helm store the revision that `fact` is about, made when the revision was."""
        stores = self._stores.get((fact.subject, str(fact.detail.get("revision"))), ())
        return next((told for told in stores if abs(told.fact.at.lo - fact.at.lo) <= _STORES), None)

    def _sync(self, fact: Happened) -> _Told | None:
        """Return the synchronisation of an Argo CD application that told the target what `fact` says."""
        syncs = self._syncs.get(fact.subject.name, ())
        if not syncs:
            return None
        at = _moment_of_change(fact)
        notes = {**fact.workload.labels, **fact.workload.annotations} if fact.workload else {}
        application = notes.get(_TRACKING, "").partition(":")[0]
        found = {told.hid: told for told in syncs if self._is_of(told, fact, application)}
        if len({told.fact.subject for told in found.values()}) > 1:
            return None
        for told in sorted(found.values(), key=_order):
            if told.fact.at.hi + _SECOND >= at:
                started = told.fact.detail.get("started")
                begun = started if isinstance(started, int) else told.fact.at.lo - _LONGEST_SYNC
                return told if begun - _SECOND < at else None
        return None

    def _is_of(self, told: _Told, fact: Happened, application: str) -> bool:
        said = told.fact.detail
        if application:
            return said.get("application") in {application, application.replace("_", "/", 1)}
        cluster = said.get("cluster")
        if cluster:
            return fact.subject.namespace == f"kubernetes://{cluster}"
        return len(self._clusters.get(fact.subject.name, ())) == 1

    def _written(self, steps: _Steps, sha: str, rule: str) -> None:
        """Follow a commit to who wrote it and who approved it in its trailers."""
        found = self._commit(sha)
        if found is None:
            if sha:
                steps.change.setdefault("commit", sha)
            return
        row, record = found
        steps.change.setdefault("commit", sha)
        approved = [Hop(text, APPROVER, name) for name, text in row.trailers if name.lower() == "approved-by"]
        steps.take([Hop(sha, rule, row.sha, "git"), *committers(row), *approved], record)


class _Steps:
    """The steps found so far, each with the record that shows it."""

    def __init__(self, change: dict[str, str]) -> None:
        self.change = change
        self.hops: list[Hop] = []
        self.proof: dict[Hop, int] = {}

    def take(self, hops: Iterable[Hop], record: int) -> None:
        several = list(hops)
        self.hops += several
        for hop in several:
            self.proof.setdefault(hop, record)


def _order(told: _Told) -> tuple[int, bool, str, bytes, int]:
    """Give the order: of two records that tell one happening, the one that names somebody comes last."""
    return (
        told.fact.at.lo,
        told.fact.actor is not None,
        told.hid,
        msgspec.msgpack.encode(told.fact),
        told.record,
    )


def _commit_row(sha: str, said: Mapping[str, Any]) -> CommitRow:
    trailers = [pair for pair in said.get("trailers") or () if isinstance(pair, list) and len(pair) == 2]
    return CommitRow(
        sha,
        str(said.get("author_name") or ""),
        str(said.get("author_email") or ""),
        str(said.get("author_login") or ""),
        str(said.get("author_type") or ""),
        tuple((str(name), str(value)) for name, value in trailers),
    )


def _synced(sync: _Told) -> list[Hop]:
    fact = sync.fact
    hops = [
        Hop(fact.subject.name, "sync", f"{sync.hid} of {fact.change.get('commit') or 'no commit'}", "argocd")
    ]
    if fact.actor is not None:
        hops.append(Hop(fact.actor.name, "sync-initiator", f"{sync.hid} initiatedBy", "argocd"))
    return hops


def _environment(fact: Happened) -> str:
    """Return the environment that a happening's own record names; empty when it names none."""
    notes = [fact.workload.labels, fact.workload.annotations] if fact.workload else []
    said = [
        value
        for place in notes
        for name, value in sorted(place.items())
        if name.rpartition("/")[2].lower() in {"env", "environment"} and value
    ]
    return said[0] if said else str(fact.detail.get("environment") or "")


def _moment_of_change(fact: Happened) -> int:
    """Return when the target was told so: a listing shows that of the last writing of the object's specification."""
    if fact.type != "observe":
        return fact.at.lo
    said = fact.detail.get("spec_changed") or fact.detail.get("created_at")
    try:
        return parse(said).lo if isinstance(said, str) else int(said or fact.at.lo)
    except ValueError:
        return fact.at.lo


def _same_run(said: str, told: _Told) -> bool:
    return said.partition("/attempts")[0].startswith(str(told.fact.detail["url"]).partition("/attempts")[0])


def _same_environment(one: str, other: str) -> bool:
    """Tell whether two tools speak of one environment: `prod` and `production`, not `prod-eu` and `prod-us`.

    >>> _same_environment("prod", "Production"), _same_environment("prod-eu", "prod-us")
    (True, False)
    """
    short, long = sorted((one.strip().casefold(), other.strip().casefold()), key=len)
    return short == long or (len(short) >= 3 and long.isalpha() and long.startswith(short))
