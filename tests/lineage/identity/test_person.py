"""From the recorded principal to a human, and never further than the evidence reaches."""

from __future__ import annotations

import pytest

from lineage.identity.person import CommitRow, People, PersonRow, Principal, identify, kind_of
from lineage.model.facts import Hop, Key
from lineage.model.moment import parse
from lineage.model.vocabulary import Kind

AT = parse("2026-06-01T10:00:00Z").lo
SHA = "4be1c0de" * 5


def actor(name, system="kubernetes"):
    """Return the key of a principal."""
    return Key(Kind.ACTOR, system, name)


def person(email, name="", **more):
    """Return a row of a people list."""
    return PersonRow(Key(Kind.ACTOR, "people", email or name), name, email, **more)


def rules(found):
    """Return the rules of the chain in order."""
    return [hop.rule for hop in found.identity_chain]


def who(name, kind="", effective="", chain=(), change=None, people=(), commits=None, at=AT):
    """Identify `name` on Kubernetes."""
    key = actor(name) if name else None
    return identify(key, kind, effective, chain, change or {}, at, People.of(people), commits)


@pytest.mark.parametrize(
    ("principal", "said", "expected"),
    [
        ("dev@example.com", "", "person"),
        ("oidc:dev@example.com", "", "person"),
        ("oidc:dev", "", "person"),
        ("https://issuer.example/realm#8f14", "", "person"),
        ("arn:aws:iam::123456789012:user/ops/amara", "", "person"),
        ("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0a1b/amara@x.example", "", "person"),
        ("arn:aws:sts::123456789012:assumed-role/deployer/i-0abc", "", "unknown"),
        ("amara", "iam-user", "person"),
        ("amara", "", "unknown"),
        ("admin", "user", "unknown"),
        ("kubernetes-admin", "", "unknown"),
        ("system:serviceaccount:ci:deployer", "person", "bot"),
        ("system:admin", "", "bot"),
        ("eks:node-manager", "", "bot"),
        ("dependabot[bot]", "", "bot"),
        ("robot@p.iam.gserviceaccount.com", "", "bot"),
        ("project_17_bot_ab12", "", "bot"),
        ("noreply@github.com", "", "bot"),
        ("oidc:repo:org/x:environment:prod", "", "bot"),
        ("release@example.com", "Bot", "bot"),
        ("", "", "unknown"),
    ],
)
def test_the_form_of_a_principal_says_what_it_is(principal, said, expected):
    """The bot tests of sources-ops 5.5 win over everything; a bare word is nobody in particular."""
    assert kind_of(principal, said) == expected


def test_an_authenticated_human_is_the_person_also_while_impersonating():
    """Line 3 of composed-isvc.log: dev@example.com acted as system:admin; the person is dev (rung 1)."""
    found = who("oidc:dev@example.com", effective="system:admin")
    assert (found.person, found.actor, found.actor_kind) == (
        "dev@example.com",
        "oidc:dev@example.com",
        "person",
    )
    assert found.effective_identity == "system:admin"
    assert found.on_behalf_of is None
    assert found.person_key == actor("oidc:dev@example.com")


def test_a_service_account_alone_evidences_no_person():
    """Line 2 of composed-isvc.log: the deployer account, nobody behind it."""
    found = who("system:serviceaccount:ci:deployer")
    assert found.person is None
    assert found.person_key is None
    assert found.actor == "system:serviceaccount:ci:deployer"
    assert found.actor_kind == "bot"
    assert found.effective_identity is None
    assert who("system:serviceaccount:ci:deployer", "service-account").actor_kind == "service-account"


def test_a_bot_that_impersonates_a_human_proves_no_human():
    """An impersonation header is what the bot says, not a sign-in: shown as `on_behalf_of`, not as the person."""
    hop = Hop("amara@x.example", "impersonated-user", "impersonatedUser.username")
    found = who("system:serviceaccount:proxy:p", effective="amara@x.example", chain=(hop,))
    assert found.person is None
    assert found.on_behalf_of == "amara@x.example"
    assert hop in found.identity_chain


@pytest.mark.parametrize(
    ("hop", "expected"),
    [
        (Hop("amara", "source-identity", "sessionContext.sourceIdentity"), "amara"),
        (Hop("Amara@X.example", "session-name", "extra.sessionName"), "amara@x.example"),
        (Hop("amara@x.example", "service-account-delegation"), "amara@x.example"),
        (Hop("amara", "triggering-actor"), "amara"),
        (Hop("botocore-session-1700000000", "session-name"), None),
        (Hop("GitHubActions-991", "session-name"), None),
        (Hop("991", "ci-run"), None),
        (Hop("release[bot]", "triggering-actor"), None),
        (Hop("Amara Okafor", "session-name"), None),
    ],
)
def test_hops_of_the_record_name_a_person_only_where_the_field_proves_one(hop, expected):
    """Rungs 2 to 4: the client chooses a session name, so it needs to be an e-mail or listed to be a person."""
    found = who("arn:aws:iam::1:role/deployer", chain=(hop,))
    assert found.person == expected
    assert found.on_behalf_of == expected
    assert hop in found.identity_chain


def test_an_sso_session_names_its_user():
    """`AWSReservedSSO_<set>_<hash>/<user>`: the session name is the single sign-on user (sources-ops 5.4)."""
    found = who("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0a1b/amara")
    assert (found.person, found.actor_kind, found.on_behalf_of) == ("amara", "person", None)
    assert rules(found) == ["authenticated", "sso-session"]


def test_the_first_rung_that_names_a_person_ends_the_ladder():
    """The authenticated user wins over the commit; source identity wins over the CI run whatever their order."""
    row = CommitRow(SHA, "Other", "other@x.example", author_type="User")
    assert who("dev@x.example", change={"commit": SHA}, commits={SHA: row}).person == "dev@x.example"
    chain = (Hop("ci@x.example", "triggering-actor"), Hop("amara@x.example", "source-identity"))
    assert who("arn:aws:iam::1:role/deployer", chain=chain).person == "amara@x.example"


def commit(**more):
    """Return known commits: one."""
    return {SHA: CommitRow(SHA, **more)}


@pytest.mark.parametrize(
    ("commits", "expected"),
    [
        (commit(author_email="a@x.example", author_type="User"), "a@x.example"),
        (commit(author_email="a@x.example", trailers=(("Deployed-by", "D <d@x.example>"),)), "d@x.example"),
        (commit(author_email="a@x.example", trailers=(("Approved-by", "B <b@x.example>"),)), "a@x.example"),
        (
            commit(
                author_email="bot@x.example",
                author_type="Bot",
                trailers=(
                    ("Co-authored-by", "dependabot[bot] <1+dependabot[bot]@users.noreply.github.com>"),
                    ("Co-authored-by", "C <c@x.example>"),
                ),
            ),
            "c@x.example",
        ),
        (commit(author_email="noreply@github.com", author_name="GitHub"), None),
        (commit(author_email="49699333+dependabot[bot]@users.noreply.github.com"), None),
        (commit(author_name="Amara Okafor"), None),
        ({}, None),
    ],
)
def test_a_commit_names_its_trailers_before_its_author(commits, expected):
    """Rung 5: Deployed-by, Signed-off-by, Co-authored-by that is no bot, then an author of type User."""
    found = who("system:serviceaccount:argocd:c", change={"commit": SHA[:12]}, commits=commits)
    assert found.person == expected
    if not commits:
        assert rules(found)[-1] == "commit-not-imported"


def test_approvers_come_from_the_change_and_from_trailers():
    """An approver approves; he is not who deployed. Nobody is nobody."""
    row = commit(trailers=(("Approved-by", "B <b@x.example>"),))
    listed = [person("b@x.example", "Berta Bauer")]
    found = who(
        "system:x", change={"commit": SHA, "approved_by": "li.wei, jonas"}, commits=row, people=listed
    )
    assert found.approved_by == ("li.wei", "jonas", "Berta Bauer")
    assert found.person is None
    assert who("system:x", change={"approved_by": "nobody"}).approved_by == ()
    assert who("system:x", change={"approved_by": "Amara Okafor, MD"}).approved_by == ("Amara Okafor, MD",)


def test_a_people_list_folds_principals_into_one_person():
    """Login, OIDC subject and e-mail in any case are Amara, by the list that a person keeps."""
    amara = person(
        "amara@x.example", "Amara Okafor", principals=(Principal("aokafor"), Principal("8f14", "kubernetes"))
    )
    for name in ("amara@x.example", "OIDC:Amara@X.example", "aokafor", "8f14"):
        found = who(name, people=[amara])
        assert (found.person, found.person_key) == ("Amara Okafor", amara.key), name
        assert rules(found) == ["authenticated", "people-list"]
    other = identify(actor("8f14", "mlflow"), "", "", (), {}, AT, People.of([amara]))
    assert other.person is None


def test_a_row_outside_its_dates_names_nobody():
    """A login that was Amara's until March is nobody's in June, and the chain says so; an e-mail stays itself."""
    row = person(
        "amara@x.example",
        "Amara Okafor",
        principals=(Principal("aokafor", until=parse("2026-03-01T00:00:00Z")),),
        until=parse("2026-06-01T10:00:00Z"),
    )
    found = who("aokafor", people=[row])
    assert found.person is None
    assert rules(found) == ["authenticated", "people-list-expired"]
    by_mail = who("amara@x.example", people=[row])
    assert by_mail.person == "amara@x.example"
    assert by_mail.person_key == actor("amara@x.example")
    assert "people-list-expired" in rules(by_mail)
    assert who("amara@x.example", people=[row], at=AT - 1).person == "Amara Okafor"
    assert who("aokafor", people=[row], at=parse("2026-02-28T23:59:59Z").lo).person == "Amara Okafor"


def test_a_login_handed_on_belongs_to_whoever_had_it_then():
    """One login, two persons, one after the other."""
    change = parse("2026-05-01T00:00:00Z")
    rows = [
        person("a@x.example", "A", principals=(Principal("oncall", until=change),)),
        person("b@x.example", "B", principals=(Principal("oncall", since=change),)),
    ]
    assert who("oncall", people=rows, at=change.lo - 1).person == "A"
    assert who("oncall", people=rows, at=change.lo).person == "B"


def test_a_login_of_two_persons_at_once_is_nobodys():
    """Two rows claim one login: both stand in the chain, neither is taken."""
    rows = [
        person(mail, mail[0], principals=(Principal("oncall"),)) for mail in ("a@x.example", "b@x.example")
    ]
    found = who("oncall", people=rows)
    assert found.person is None
    assert rules(found) == ["authenticated", "people-list-ambiguous", "people-list-ambiguous"]


def test_roles_and_bots_of_the_list_are_no_persons():
    """The list may say that an e-mail is a team's; then the ladder goes on."""
    role = person("release@x.example", "Release team", kind="role")
    found = who("release@x.example", people=[role], chain=(Hop("c@x.example", "triggering-actor"),))
    assert (found.person, found.actor_kind) == ("c@x.example", "bot")
    assert found.on_behalf_of == "c@x.example"
    account = person("", "Amara", principals=(Principal("system:serviceaccount:ci:deployer"),))
    assert who("system:serviceaccount:ci:deployer", people=[account]).person is None


def test_a_display_name_merges_nothing():
    """Two principals that call themselves alike stay two."""
    listed = person("amara@x.example", "Amara Okafor")
    found = who("Amara Okafor", kind="person", people=[listed])
    assert found.person == "Amara Okafor"
    assert found.person_key == actor("Amara Okafor")


def test_nobody_recorded_is_nobody():
    """A dump names no actor: neither does the answer."""
    found = who("")
    assert (found.person, found.actor, found.identity_chain) == (None, None, ())
