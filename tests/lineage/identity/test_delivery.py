"""Steps from a bot's change to people, by run, commit, release and synchronisation, on happenings made by hand."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from lineage.identity.delivery import Deliveries
from lineage.identity.person import People, PersonRow, Principal, identify
from lineage.identity.sagemaker import Told
from lineage.model.facts import Happened, Key, Workload
from lineage.model.moment import exactly, parse
from lineage.model.naming import target
from lineage.model.vocabulary import Kind

SHA = "4be1c0de" * 5
OTHER = "0ddba11" + "0" * 33
SCORER = target("prod", "shop", "inferenceservices", "scorer")
BOT = Key(Kind.ACTOR, "kubernetes", "system:serviceaccount:ci:deployer")
ARGO = Key(Kind.ACTOR, "kubernetes", "system:serviceaccount:argocd:argocd-application-controller")
WORKFLOW = Key(Kind.JOB, "github:shop/scorer", ".github/workflows/deploy.yml")
PRODUCTION = Key(Kind.ENVIRONMENT, "github:shop/scorer", "production")
STAGING = Key(Kind.ENVIRONMENT, "github:shop/scorer", "staging")
APP = Key(Kind.JOB, "argocd:prod", "argocd/scorer")


def person(name: str) -> Key:
    """A GitHub login."""
    return Key(Kind.ACTOR, "github", name)


def at(minute: int, second: int = 0) -> Any:
    """A time after ten."""
    return parse(f"2026-06-01T10:{minute:02}:{second:02}Z")


def run(
    minute: int, who: str, attempt: int = 1, number: str = "77", job: Key = WORKFLOW, **more: Any
) -> Happened:
    """A run of the workflow, on the commit."""
    kind = "bot" if who.endswith("[bot]") else "person"
    detail = {"attempt": attempt, **more}
    change = {"ci_run": number, "commit": SHA}
    return Happened("ci-run", job, at(minute), f"run {number}/{attempt}", actor=person(who), actor_kind=kind,
                    change=change, detail=detail)  # fmt: skip


def asked(
    minute: int, where: Key = PRODUCTION, who: str = "github-actions[bot]", number: str = "5"
) -> Happened:
    """A release of the commit by run 77."""
    kind = "bot" if who.endswith("[bot]") else "person"
    change = {"commit": SHA, "ci_run": "77"}
    return Happened("release-request", where, at(minute), f"deployment {number}", actor=person(who),
                    actor_kind=kind, change=change, detail={"release": number})  # fmt: skip


def review(minute: int, who: str, verdict: str = "approve", where: Key = PRODUCTION) -> Happened:
    """A review of run 77's release."""
    return Happened(f"release-{verdict}", where, at(minute), f"{verdict} {who} {minute}", actor=person(who),
                    actor_kind="person", change={"ci_run": "77"})  # fmt: skip


def sync(
    minute: int, revision: str = SHA, who: str = "", cluster: str = "prod", seconds: int = 0
) -> Happened:
    """A synchronisation of half a minute."""
    actor = Key(Kind.ACTOR, "argocd", who) if who else None
    detail = {
        "application": "scorer",
        "cluster": cluster,
        "resources": [SCORER.name],
        "started": at(minute).lo,
    }
    return Happened("sync", APP, at(minute, 30 + seconds), f"history {minute}", actor=actor,
                    change={"commit": revision}, detail=detail)  # fmt: skip


def commit(sha: str = SHA, mail: str = "ana@example.org", *trailers: tuple[str, str]) -> Happened:
    """A commit as a repository holds it."""
    detail = {"author_name": "A", "author_email": mail, "trailers": [list(pair) for pair in trailers]}
    return Happened(
        "commit", Key(Kind.JOB, "git", "scorer"), at(0), sha, change={"commit": sha}, detail=detail
    )


def change(minute: int, actor: Key | None = BOT, kind: str = "apply", env: str = "", **said: str) -> Happened:
    """A change of the target."""
    labels = {"env": env} if env else {}
    return Happened(kind, SCORER, at(minute, 10), "a", actor=actor, change=said,
                    workload=Workload("kserve", labels=labels))  # fmt: skip


def who(changed: Happened, *known: Happened, people: People | None = None) -> tuple[Any, Any]:
    """The person and the change as completed; whatever the order of what is known, the same."""
    answers = []
    for order in permutations(known) if len(known) < 5 else [known, known[::-1]]:
        rows = [(fact.id, fact, number + 100) for number, fact in enumerate(order)]
        deliveries = Deliveries(rows, [(SCORER.namespace, SCORER.name)])
        told = next(iter(deliveries.completed([Told(1, "a", changed, (7,))])))
        fact = told.fact
        found = identify(
            fact.actor, fact.actor_kind, "", fact.chain, fact.change, fact.at.lo, people or People()
        )
        proof = deliveries.proving(found.identity_chain, (7,))
        by_record = {record: joined.id for joined, record in zip(order, range(100, 200), strict=False)}
        shown = [
            (hop, by_record.get(seq, "own")) for hop, seq in zip(found.identity_chain, proof, strict=True)
        ]
        assert set(told.records) == {7, *(seq for seq in proof if seq != 7)}
        answers.append((found, fact.change, shown))
    assert all(answer == answers[0] for answer in answers)
    return answers[0][0], answers[0][2]


def test_the_one_who_ran_it_again_is_who_triggered_it() -> None:
    """A second attempt by Ben stands behind what happened after it began, Ana's first behind what happened before."""
    known = run(1, "ana"), run(20, "ben", 2)
    assert who(change(25, ci_run="77"), *known)[0].person == "ben"
    found, shown = who(change(10, ci_run="77"), *known)
    assert found.person == "ana"
    assert [(hop.rule, proof) for hop, proof in shown] == [
        ("authenticated", "own"),
        ("ci-run", "run 77/1"),
        ("triggering-actor", "run 77/1"),
        ("commit-not-imported", "own"),
    ]


def test_a_run_that_began_later_is_not_behind_it() -> None:
    """A run cannot have made what was there before it."""
    assert who(change(10, ci_run="77"), run(20, "ana"))[0].person is None


def test_two_runs_of_one_number_name_nobody() -> None:
    """A GitHub run and a GitLab pipeline that share a number: the chain says so, and no person is taken."""
    other = Key(Kind.JOB, "gitlab:shop/scorer", "deploy")
    found, _ = who(change(10, ci_run="77"), run(1, "ana"), run(1, "ben", job=other))
    assert found.person is None
    assert found.identity_chain[-1].rule == "ci-run-ambiguous"


def test_a_bot_is_followed_to_the_commit() -> None:
    """A run that a bot triggered leads on to the author of the commit it ran on."""
    found, shown = who(change(10, ci_run="77"), run(1, "renovate[bot]"), commit())
    assert found.person == "ana@example.org"
    assert [hop.rule for hop, _ in shown] == ["authenticated", "ci-run", "bot", "commit", "commit-author"]
    assert shown[-1][1] == SHA


def test_a_commit_in_the_run_will_do() -> None:
    """Where no repository was imported, the commit as the run's record tells of it names its author."""
    head = {"author_name": "A", "author_email": "ana@example.org", "trailers": []}
    assert who(change(10, ci_run="77"), run(1, "x[bot]", head_commit=head))[0].person == "ana@example.org"


def test_a_release_is_found_by_its_commit_and_leads_to_its_run() -> None:
    """Only a commit on the object: the release of that commit was made by a bot in run 77, that Ana triggered."""
    found, shown = who(change(10, commit=SHA[:10]), asked(2), run(1, "ana"))
    assert found.person == "ana"
    rules = [hop.rule for hop, _ in shown]
    assert rules == ["authenticated", "release", "bot", "ci-run", "triggering-actor", "commit-not-imported"]


@pytest.mark.parametrize(
    ("env", "person_found"), [("", None), ("prod", "ben"), ("staging", "ana"), ("prod-eu", None)]
)
def test_of_several_environments_only_the_targets_own_counts(env: str, person_found: str | None) -> None:
    """One commit was released to staging by Ana and to production by Ben: without an environment it is undecided."""
    known = asked(2, STAGING, "ana", "5"), asked(3, PRODUCTION, "ben", "6")
    assert who(change(10, env=env, commit=SHA), *known)[0].person == person_found


def test_a_reviewer_is_the_approver_and_never_the_one_who_did_it() -> None:
    """Cleo approved run 77 at 10:05; at 10:03 nobody had."""
    found, _ = who(change(10, ci_run="77"), run(1, "x[bot]"), review(5, "cleo"))
    assert (found.person, found.approved_by) == (None, ("cleo",))
    assert who(change(3, ci_run="77"), run(1, "x[bot]"), review(5, "cleo"))[0].approved_by == ()


def test_a_refusal_takes_an_earlier_approval_back() -> None:
    """Approved, then rejected: not approved."""
    known = run(1, "ana"), review(5, "cleo"), review(6, "dan", "reject")
    assert who(change(10, ci_run="77"), *known)[0].approved_by == ()


def test_a_synchronisation_leads_to_who_pressed_the_button_or_wrote_the_commit() -> None:
    """Argo CD applies with its own account: the history's initiator is the person, else the revision's author."""
    assert who(change(5, ARGO), sync(5, who="ana@example.org"))[0].person == "ana@example.org"
    found, shown = who(change(5, ARGO), sync(5), commit(mail="ben@example.org"))
    assert found.person == "ben@example.org"
    assert [(hop.rule, proof) for hop, proof in shown] == [
        ("authenticated", "own"),
        ("sync", "history 5"),
        ("commit", SHA),
        ("commit-author", SHA),
    ]


def test_an_admin_account_is_not_a_person() -> None:
    """The local account `admin` of Argo CD may be anybody; a people list may say who holds it."""
    assert who(change(5, ARGO), sync(5, who="admin"))[0].person is None
    listed = PersonRow(Key(Kind.ACTOR, "people", "ana"), "Ana", principals=(Principal("admin", "argocd"),))
    people = People.of([listed])
    assert who(change(5, ARGO), sync(5, who="admin"), people=people)[0].person == "Ana"


def test_a_change_outside_every_synchronisation_is_not_explained_by_one() -> None:
    """What the controller does between two synchronisations (healing) was triggered by neither."""
    assert (
        who(change(20, ARGO), sync(5, who="ana@example.org"), sync(40, who="ben@example.org"))[0].person
        is None
    )


def test_an_application_of_another_cluster_is_not_behind_it() -> None:
    """Two clusters often hold targets of one name."""
    assert who(change(5, ARGO), sync(5, who="ana@example.org", cluster="test"))[0].person is None


def test_the_annotated_commit_and_the_synchronised_one_are_both_kept() -> None:
    """The change names the commit of the code; the synchronised commit of the configuration is nearer to the change."""
    known = sync(5, OTHER), commit(SHA, "code@example.org"), commit(OTHER, "config@example.org")
    found, shown = who(change(5, ARGO, commit=SHA), *known)
    assert found.person == "config@example.org"
    assert [hop.rule for hop, _ in shown][1:] == [
        "sync",
        "synced-commit",
        "commit-author",
        "commit",
        "commit-author",
    ]


def test_a_listed_login_is_found_in_its_own_system() -> None:
    """The people list gives Ana the login `ana` at GitHub only; the same word of another system is somebody else."""
    row = PersonRow(Key(Kind.ACTOR, "people", "a"), "Ana Ruiz", principals=(Principal("ana", "github"),))
    assert who(change(10, ci_run="77"), run(1, "ana"), people=People.of([row]))[0].person == "Ana Ruiz"
    hidden = commit(SHA, "123+ana@users.noreply.github.com")
    assert who(change(10, commit=SHA), hidden, people=People.of([row]))[0].person == "Ana Ruiz"


def test_a_listing_is_explained_by_the_time_its_specification_was_written() -> None:
    """An export at 11:00 shows an object whose specification was last written at 10:05:10."""
    listed = Happened("observe", SCORER, exactly(at(59).lo), "o", workload=Workload("kserve"),
                      detail={"spec_changed": "2026-06-01T10:05:10Z"})  # fmt: skip
    assert (
        who(listed, sync(5, who="ana@example.org"), sync(30, who="ben@example.org"))[0].person
        == "ana@example.org"
    )


def test_trailers_name_who_deployed_and_who_approved() -> None:
    """Deployed-by before the author; Approved-by is the approver."""
    trailers = ("Deployed-by", "Ben <ben@example.org>"), ("Approved-by", "Cleo <cleo@example.org>")
    found, _ = who(change(10, commit=SHA), commit(SHA, "ana@example.org", *trailers))
    assert (found.person, found.approved_by) == ("ben@example.org", ("Cleo <cleo@example.org>",))


def test_a_synchronised_commit_leads_to_its_release() -> None:
    """A bot wrote the commit and asked for its release in run 77: who triggered that is behind it, Cleo approved."""
    known = (
        sync(5),
        commit(SHA, "1+bot[bot]@users.noreply.github.com"),
        asked(2),
        run(1, "ana"),
        review(3, "cleo"),
    )
    found, shown = who(change(5, ARGO, env="production"), *known)
    assert (found.person, found.approved_by) == ("ana", ("cleo",))
    assert [hop.rule for hop, _ in shown][1:5] == ["sync", "release", "bot", "ci-run"]
