"""Who may do what on a Kubernetes cluster: exported roles and bindings by themselves?

`kubectl get roles,rolebindings,clusterroles,clusterrolebindings -A -o json` or `-o yaml`. An export that mixes them
with objects that serve models is read by `kubernetes-dump`, in the same way: there is one reader of such objects.
"""

from __future__ import annotations

import re

from lineage.source import Sample
from lineage.sources import kubernetes_dump

NAME = "kubernetes-rbac"
PLACED = True
FORMAT = "Kubernetes RBAC objects in JSON or YAML: Role, ClusterRole, RoleBinding, ClusterRoleBinding"
PROVES = ("who", "what")

_KIND = re.compile(r"""["']?\bkind["']?\s*:\s*["']?(?:Cluster)?Role(?:Binding)?(?:List)?\b""")
_GROUP = re.compile(r"""["']?\bapiVersion["']?\s*:\s*["']?rbac\.authorization\.k8s\.io/v1""")
_LOG = re.compile(r'auditID|audit\.k8s\.io/|protoPayload|"eventSource"')

records = kubernetes_dump.records
read = kubernetes_dump.read


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are roles and bindings; less than for what serves models in the same file."""
    if sample.listing or _LOG.search(sample.text):
        return 0.0
    return 0.8 if _KIND.search(sample.text) and _GROUP.search(sample.text) else 0.0
