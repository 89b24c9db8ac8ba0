"""How is a dataset called by its place? URIs and table names as OpenLineage namespace and name.

Here only the syntax is taken apart; which spellings mean one place is decided in `lineage.identity` (canonical form),
so that a better rule can be applied to facts that were read long ago. Rules: OpenLineage, docs/spec/naming.
"""

from __future__ import annotations

from lineage.model.facts import Key
from lineage.model.vocabulary import Kind


def dataset(namespace: str, name: str) -> Key:
    """Return the key of the dataset that OpenLineage calls by `namespace` and `name`, as written."""
    return Key(Kind.DATASET, namespace, name)


def dataset_at(uri: str) -> Key:
    """Return the key of the dataset at `uri`: the store is the namespace, the rest the name. A bare path is a file.

    >>> dataset_at("s3://lake/features/daily/")
    Key(kind=<Kind.DATASET: 'dataset'>, namespace='s3://lake', name='features/daily/')
    >>> dataset_at("/data/a.csv")[1:]
    ('file', '/data/a.csv')
    >>> dataset_at("dbfs:/mnt/a")[1:]
    ('dbfs', '/mnt/a')
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        scheme, separator, rest = uri.partition(":/")
        if separator and len(scheme) > 1 and scheme.replace("+", "").replace("-", "").isalnum():
            return dataset(scheme.lower(), "/" + rest)
        return dataset("file", uri)
    if scheme.lower() == "file":
        return dataset("file", "/" + rest.lstrip("/"))
    place, _, name = rest.partition("/")
    return dataset(f"{scheme}://{place}", name)


def column(of: Key, name: str) -> Key:
    """Return the key of the column `name` of the dataset `of`.

    >>> column(dataset("postgres://db:5432", "shop.public.orders"), "id").name
    'shop.public.orders#id'
    """
    return Key(Kind.COLUMN, of.namespace, f"{of.name}#{name}")


def model_version(namespace: str, model: str, version: str) -> Key:
    """Return the key of version `version` of `model` in the registry `namespace`."""
    return Key(Kind.MODEL_VERSION, namespace, f"{model}/{version}")


def target(cluster: str, namespace: str, resource: str, name: str) -> Key:
    """Return the key of a workload on Kubernetes; `resource` is the API's plural (`inferenceservices`)."""
    return Key(Kind.TARGET, f"kubernetes://{cluster}", f"{namespace}/{resource}/{name}")


def identifier(kind: str, namespace: str, name: str) -> str:
    """Return the id of a thing in answers: stable over imports, rebuilds and machines, and usable as a selector.

    >>> identifier("dataset", "s3://lake", "a/b")
    'dataset|s3://lake|a/b'
    """
    return f"{kind}|{namespace}|{name}"


def display(kind: str, namespace: str, name: str) -> str:
    """Return how a thing is called on screen and in reports; not unique.

    >>> display("target", "kubernetes://prod-eu", "fraud/inferenceservices/scorer")
    'prod-eu/fraud/scorer'
    >>> display("target", "sagemaker://123456789012/eu-west-1", "churn")
    '123456789012/eu-west-1/churn'
    >>> display("target", "tfx://prod", "srv/serving/churn")
    'prod/srv/serving/churn'
    >>> display("model-version", "mlflow:ab12/default", "churn/12")
    'churn 12'
    """
    if kind == Kind.TARGET:
        place = namespace.partition("://")[2]
        parts = name.split("/")
        resource = len(parts) == 3 and not namespace.startswith("tfx://")
        return "/".join([place, *(parts[:1] + parts[2:] if resource else parts)])
    if kind == Kind.MODEL_VERSION:
        model, _, version = name.rpartition("/")
        return f"{model} {version}" if model else name
    if kind in (Kind.DATASET, Kind.COLUMN):
        if namespace == "file":
            return name
        return f"{namespace}/{name}" if "://" in namespace or namespace else name
    return name
