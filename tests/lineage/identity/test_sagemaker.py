"""Is what an endpoint's configuration stood for found by name and time, and by whom it was sent?"""

from lineage.identity.sagemaker import Definitions, Told
from lineage.model.facts import Claim, Component, Happened, Hop, Key, Workload
from lineage.model.moment import exactly
from lineage.model.vocabulary import Kind, Outcome

HERE = Key(Kind.ENVIRONMENT, "sagemaker", "1/eu")
ENDPOINT = Key(Kind.TARGET, "sagemaker://1/eu", "churn")
DAN = Key(Kind.ACTOR, "aws", "arn:aws:iam::1:user/dan")


def model(at, name, uri, *claims, outcome=Outcome.DONE):
    """The definition of a model."""
    workload = Workload("sagemaker", (Component("primaryContainer", uri, claims=claims),))
    return Happened(
        "define-model", HERE, exactly(at), f"m{at}", outcome, workload=workload, detail={"model": name}
    )


def config(at, name, here=HERE, **weights):
    """The definition of a configuration; the variants are called as their models."""
    parts = tuple(
        Component(one, claims=(Claim("sagemaker-model", one, f"variants.{one}"),)) for one in weights
    )
    return Happened(
        "define-config",
        here,
        exactly(at),
        f"c{at}",
        workload=Workload("sagemaker", parts),
        detail={"config": name, "weights": weights},
    )


def apply(at, name, **detail):
    """A call that tells the endpoint to use a configuration."""
    part = Component("", claims=(Claim("sagemaker-config", name, "endpointConfigName"),))
    return Happened(
        "apply", ENDPOINT, exactly(at), f"a{at}", workload=Workload("sagemaker", (part,)), detail=detail
    )


def expanded(definitions, *happened):
    """What becomes of happenings to the endpoint; the records of definitions count from 100, in their order."""
    rows = [(fact.id, fact, number) for number, fact in enumerate(definitions, 100)]
    known = Definitions(rows, lambda fact: fact.actor.name)
    return list(known.expanded(Told(1, fact.id, fact, (number,)) for number, fact in enumerate(happened)))


def serves(told):
    """What a happening tells the endpoint to serve: URIs with their shares."""
    return [(part.uri, part.weight) for part in told.fact.workload.components]


def test_a_name_means_what_it_was_defined_as_last_before():
    """The configuration `live` and the model `m` are each defined twice; a later one changes nothing before it."""
    definitions = [
        model(1, "m", "s3://b/1"),
        config(2, "live", m=1),
        model(5, "m", "s3://b/2"),
        config(6, "live", m=1),
    ]
    first, again, last = expanded(definitions, apply(3, "live"), apply(5, "live"), apply(7, "live"))

    assert [serves(told)[0][0] for told in (first, again, last)] == ["s3://b/1", "s3://b/2", "s3://b/2"]
    assert (first.records, last.records) == ((0, 101, 100), (2, 103, 102))
    assert last.fact.workload.fingerprint != first.fact.workload.fingerprint


def test_the_order_of_definitions_does_not_matter():
    """CloudTrail orders nothing."""
    definitions = [model(1, "m", "s3://b/1"), config(2, "live", m=1), model(5, "m", "s3://b/2")]

    assert [serves(told) for told in expanded(definitions[::-1], apply(6, "live"))] == [[("s3://b/2", 1.0)]]


def test_a_definition_of_another_place_or_that_failed_counts_for_nothing():
    """Equal names in another region, and a CreateModel that was refused, say nothing of this endpoint."""
    elsewhere = Key(Kind.ENVIRONMENT, "sagemaker", "1/us")
    definitions = [config(2, "live", elsewhere, m=1), model(1, "m", "s3://b/1", outcome=Outcome.FAILED)]
    (unknown,) = expanded(definitions, apply(3, "live"))
    (half,) = expanded([*definitions, config(2, "live", m=1)], apply(3, "live"))

    assert unknown.fact.workload is None
    assert [part.claims[0].kind for part in half.fact.workload.components] == ["name"]


def test_weights_stay_where_an_update_says_so():
    """Weights 3:1 are set on the running endpoint; one update keeps them, the next takes the configuration's 1:1."""
    definitions = [model(1, "a", "s3://b/a"), model(1, "b", "s3://b/b"), config(2, "live", a=1, b=1)]
    shift = Happened(
        "apply",
        ENDPOINT,
        exactly(4),
        "w",
        workload=Workload("sagemaker", partial=True),
        detail={"weights": {"a": 3}},
    )
    happened = [apply(3, "live"), shift, apply(5, "live", keeps_weights=True), apply(6, "live")]

    shares = [[share for _, share in serves(told)] for told in expanded(definitions, *happened)]
    assert shares == [[0.5, 0.5], [0.75, 0.25], [0.75, 0.25], [0.5, 0.5]]


def test_after_a_deletion_nothing_is_known_of_weights():
    """A shift of traffic whose endpoint was deleted before, and made again unseen, shows no model."""
    gone = Happened("delete", ENDPOINT, exactly(4), "d")
    shift = Happened(
        "apply",
        ENDPOINT,
        exactly(5),
        "w",
        workload=Workload("sagemaker", partial=True),
        detail={"weights": {"m": 1}},
    )
    found = expanded([model(1, "m", "s3://b/1"), config(2, "live", m=1)], apply(3, "live"), gone, shift)

    assert [told.fact.workload is None for told in found] == [False, True, True]


def decision(at, type_, package):
    """A decision on a model package."""
    key = Key(Kind.MODEL_VERSION, "sagemaker://1/eu", "churn/1")
    return Happened(type_, key, exactly(at), f"d{at}{package}", actor=DAN, detail={"arn": package})


def test_only_the_last_decision_before_counts_and_every_package_needs_one():
    """Approved at 2, rejected at 4, approved at 6; beside it stands a package that nobody decided on, from 7 on."""
    packages = [Claim("model-package", name, "modelPackageName") for name in ("p", "q")]
    definitions = [
        model(1, "m", "s3://b/1", packages[0]),
        model(1, "n", "s3://b/2", packages[1]),
        config(1, "one", m=1),
        config(1, "two", m=1, n=1),
        *(decision(at, type_, "p") for at, type_ in ((2, "approve"), (4, "reject"), (6, "approve"))),
    ]
    found = expanded(definitions, *(apply(at, "one") for at in (1, 3, 5, 7)), apply(8, "two"))

    assert [told.fact.change.get("approved_by") for told in found] == [None, DAN.name, None, DAN.name, None]
    assert found[1].fact.change["approved_at"] == "1970-01-01T00:00:00.000002Z"


def given(at, actor, kind, issued, key=""):
    """An AssumeRole call."""
    detail = {"issued_key": issued, "access_key": key, "call": "AssumeRole"}
    session = Key(Kind.ACTOR, "aws", "arn:aws:sts::1:assumed-role/r/s")
    return Happened(
        "assume-role", session, exactly(at), f"g{at}{kind}", actor=actor, actor_kind=kind, detail=detail
    )


def test_a_key_leads_back_to_who_signed_in():
    """Dan took a role and from there another; a key that was issued later than the call proves nothing."""
    inner = Key(Kind.ACTOR, "aws", "arn:aws:sts::1:assumed-role/r/jump")
    definitions = [
        given(1, DAN, "iam-user", "K1"),
        given(2, inner, "role", "K2", "K1"),
        given(9, DAN, "iam-user", "K3"),
    ]
    chained, early = expanded(definitions, apply(3, "x", access_key="K2"), apply(4, "x", access_key="K3"))

    assert [(hop.principal, hop.rule) for hop in chained.fact.chain] == [
        ("jump", "session-name"),
        (DAN.name, "access-key-chain"),
    ]
    assert early.fact.chain == ()


def test_a_key_that_signed_in_at_a_cluster_leads_back_too():
    """EKS keeps the key in its audit log, so the person behind a role is found in CloudTrail."""
    target = Key(Kind.TARGET, "kubernetes://prod", "shop/inferenceservices/fraud")
    fact = Happened(
        "apply", target, exactly(3), "k", workload=Workload("kserve"), detail={"access_key": "K1"}
    )
    (found,) = expanded([given(1, DAN, "iam-user", "K1")], fact)

    assert [hop.principal for hop in found.fact.chain] == [DAN.name]
    assert found.fact.workload == fact.workload


def test_a_key_that_leads_to_itself_ends():
    """Records that contradict each other do not hang the import."""
    (found,) = expanded([given(1, DAN, "iam-user", "K", "K")], apply(3, "x", access_key="K"))

    assert set(found.fact.chain) == {
        Hop(DAN.name, "access-key-chain", f"AssumeRole g1iam-user by {DAN.name}")
    }


def test_who_took_a_role_is_known_from_his_own_account():
    """The account that owns the role records the same call without its user; the other record wins."""
    account = Key(Kind.ACTOR, "aws", "AIDADAN")
    definitions = [given(1, account, "account", "K"), given(1, DAN, "iam-user", "K")]
    for order in (definitions, definitions[::-1]):
        (found,) = expanded(order, apply(3, "x", access_key="K"))
        assert [hop.principal for hop in found.fact.chain] == [DAN.name]


def test_other_platforms_pass_unchanged():
    """A happening on Kubernetes is handed on as it is."""
    target = Key(Kind.TARGET, "kubernetes://prod", "shop/inferenceservices/fraud")
    fact = Happened("apply", target, exactly(1), "k", workload=Workload("kserve"))

    assert [told.fact for told in expanded([config(0, "live", m=1)], fact)] == [fact]
