import json
from io import BytesIO
from pathlib import Path

import pytest

import lineage
from lineage.inputs import file_input, sample_of
from lineage.model.facts import Coverage, Entity, Grant, Key
from lineage.model.moment import to_iso
from lineage.model.vocabulary import Kind
from lineage.source import Origin, Problem, Record, Sample, recognise
from lineage.sources import aws_iam

SAMPLES = Path(__file__).parents[2] / "sources" / "aws_iam"
IAM = "arn:aws:iam::123456789012"
SEEN = "2026-06-01T12:00:00Z"


class Bytes:
    """An input in memory."""

    name, path = "account.json", None

    def __init__(self, raw):
        self.raw = raw
        self.size = len(raw)

    def open(self):
        return BytesIO(self.raw)

    def members(self):
        return iter(())


def said(given=SAMPLES / "account.json", **labels):
    """Everything the file says."""
    origin = Origin("somewhere/account.json", labels)
    given = file_input(given) if isinstance(given, Path) else Bytes(given)
    found = []
    for item in aws_iam.records(given, origin):
        found.extend(aws_iam.read(item, origin) if isinstance(item, Record) else [item])
    return found


def rights(facts, name):
    """The rights of one principal, group or policy."""
    return [
        fact for fact in facts if isinstance(fact, Grant) and fact.grantee == Key(Kind.ACTOR, "aws", name)
    ]


def test_a_user_has_what_his_groups_and_policies_have():
    """Membership, an attached and an inline policy are each told as written; who is denied is told so."""
    member, attached, denied, trusted = rights(said(), f"{IAM}:user/mira")
    assert (member.role, member.via) == (f"{IAM}:group/ml-ops", "group member")
    assert (attached.role, attached.via) == ("arn:aws:iam::aws:policy/ReadOnlyAccess", "attached policy")
    assert (denied.permissions, denied.where, denied.allowed) == (("sagemaker:DeleteEndpoint",), "*", False)
    assert denied.via == "inline policy no-delete"
    assert (trusted.role, trusted.via) == (f"{IAM}:role/ci-deployer", "trust policy")
    assert {fact.place for fact in (member, attached, denied)} == {"aws:123456789012"}


def test_what_is_left_out_and_on_which_condition():
    """`NotAction` is what is not allowed; the condition and the boundary stand as text; an endpoint is a target."""
    facts = said()
    churn, eta = rights(facts, f"{IAM}:user/kai")
    assert churn.permissions == ("NotAction iam:*,sagemaker:DeleteEndpoint",)
    assert churn.things == (Key(Kind.TARGET, "sagemaker://123456789012/eu-west-1", "churn"),)
    assert (eta.where, eta.things) == ("arn:aws:sagemaker:eu-west-1:123456789012:endpoint/eta-*", ())
    assert churn.conditional == (
        '{"Bool":{"aws:MultiFactorAuthPresent":"true"}}; '
        f"only within the permissions boundary {IAM}:policy/edge"
    )
    assert [(fact.code, fact.field) for fact in facts if isinstance(fact, Problem)] == [
        ("bad-effect", "UserPolicyList[0].PolicyDocument.Statement[1].Effect")
    ]


def test_of_a_policy_its_default_version_counts():
    """v2 allows two actions; v1, which allowed everything, is not told."""
    (found,) = rights(said(), f"{IAM}:policy/deploy")
    assert found.permissions == ("sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint*")
    assert (found.detail["version"], found.detail["statement"]) == ("v2", "Deploy")
    assert to_iso(found.since.lo) == "2026-02-01T08:00:00Z"


def test_a_trust_policy_says_who_may_become_the_role():
    """The identity provider and a user may assume it, on a condition; the role has its policy."""
    facts = said()
    (web,) = rights(facts, f"{IAM}:oidc-provider/token.actions.githubusercontent.com")
    assert (web.role, web.permissions) == (
        f"{IAM}:role/ci-deployer",
        ("sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"),
    )
    assert "repo:skarn/ml:*" in web.conditional
    assert [fact.role for fact in rights(facts, f"{IAM}:role/ci-deployer")] == [f"{IAM}:policy/deploy"]


def test_since_when_lies_between_creation_and_the_export():
    """With `observed_at`, an attachment is of any time from the user's creation until then; the listing is complete."""
    facts = said(observed_at=SEEN)
    member = rights(facts, f"{IAM}:user/mira")[0]
    assert (to_iso(member.since.lo), to_iso(member.since.hi)) == ("2025-01-10T09:00:00Z", SEEN)
    assert to_iso(member.at.lo) == SEEN
    assert {(fact.listing, fact.complete) for fact in facts if isinstance(fact, Coverage)} == {
        (f"aws-iam:123456789012/{name}", True)
        for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
    }
    member = rights(said(), f"{IAM}:user/mira")[0]
    assert (member.since, member.at) == (None, None)


def test_a_page_that_is_not_the_last_is_not_complete():
    """`IsTruncated` is said, and no listing of the page is complete."""
    raw = (SAMPLES / "account.json").read_bytes().replace(b'"IsTruncated": false', b'"IsTruncated": true')
    facts = said(raw, observed_at=SEEN)
    assert not any(fact.complete for fact in facts if isinstance(fact, Coverage))
    assert "more-pages" in {fact.code for fact in facts if isinstance(fact, Problem)}


def test_a_policy_by_itself_is_called_by_its_id_its_label_or_its_content():
    """Nobody is named by it, unless it names a principal: `*` is anybody."""
    (found,) = [fact for fact in said(SAMPLES / "trust.json") if isinstance(fact, Grant)]
    assert (found.grantee.name, found.role) == ("*", "endpoint-sharing")
    assert found.things == (Key(Kind.TARGET, "sagemaker://123456789012/eu-west-1", "churn"),)
    plain = b'{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    one, other = said(plain), said(plain.replace(b" ", b""))
    assert one[-1].grantee == other[-1].grantee
    assert one[-1].grantee.name.startswith("policy sha256:")
    assert said(plain, policy="deploy")[-1].role == "deploy"


def test_a_rebuild_and_any_order_give_the_same_rights(tmp_path):
    """The digest holds for rights: imported in two orders, twice, made again; and as known before, there were none."""
    digests = set()
    files = sorted(SAMPLES.iterdir())
    for number, order in enumerate((files, files[::-1])):
        with lineage.open(tmp_path / f"{number}.trail") as workspace:
            for path in (*order, order[0]):
                workspace.import_([path], labels={"observed_at": SEEN})
            digests |= {workspace.digest().items[0]["digest"], workspace.rebuild().items[0]["digest"]}
    assert len(digests) == 1


@pytest.mark.parametrize(
    "odd", [None, 5, [], {}, "x", "%7B", [5], {"Statement": 5}, {"Statement": [{"Effect": "Allow"}]}]
)
def test_odd_values_cost_their_record_at_most(odd):
    """Whatever stands where something else is expected: every record is told of, nothing raises."""
    user = {"UserName": "a", "Arn": f"{IAM}:user/a"}
    fields = (
        "CreateDate",
        "GroupList",
        "AttachedManagedPolicies",
        "UserPolicyList",
        "PermissionsBoundary",
        "Arn",
    )
    users = [{**user, field: odd} for field in fields]
    users += [{**user, "UserPolicyList": [{"PolicyName": odd, "PolicyDocument": odd}]}, odd]
    roles = [{"RoleName": "r", "Arn": f"{IAM}:role/r", "AssumeRolePolicyDocument": odd}]
    for field in ("Effect", "Action", "Principal", "Resource", "Condition"):
        whole = {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": "*"}, field: odd}
        roles.append({**roles[0], "AssumeRolePolicyDocument": {"Statement": whole}})
    policies = [{"Arn": f"{IAM}:policy/p", "PolicyVersionList": odd, "DefaultVersionId": odd}]
    body = {"UserDetailList": users, "RoleDetailList": roles, "Policies": policies}
    assert said(json.dumps(body).encode(), observed_at=SEEN)


def test_other_json_is_not_taken():
    """Events, templates and objects without statements."""
    for text in (
        "{}",
        '{"Statement": "x"}',
        '{"Resources": {"Statement": []}}',
        '{"Records": []}',
        "[]",
        "a,b\n",
    ):
        assert aws_iam.recognises(Sample("a.json", text.encode())) == 0
    for path in SAMPLES.iterdir():
        assert recognise(sample_of(file_input(path)))[0].NAME == "aws-iam"


def test_the_real_policy(corpus):
    """One statement, `Deploy`: CreateEndpoint and UpdateEndpoint on `*` (jq .Statement); it names nobody."""
    path = corpus / "ops" / "access" / "iam-policy.json"
    assert recognise(sample_of(file_input(path)))[0].NAME == "aws-iam"
    facts = said(path, policy="deployers", account="123456789012")
    (found,) = [fact for fact in facts if isinstance(fact, Grant)]
    assert found == Grant(
        Key(Kind.ACTOR, "aws", "deployers"),
        "deployers",
        ("sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"),
        where="*",
        place="aws:123456789012",
        via="deployers",
        detail={"principal": "policy", "declared": True, "statement": "Deploy"},
    )
    assert [fact for fact in facts if not isinstance(fact, Grant)] == [
        Entity(Key(Kind.ACTOR, "aws", "deployers"), {"kind": "policy", "declared": True})
    ]
