"""Drift as it can be read off the annotations that Karpenter leaves on its objects.

Follows Karpenter core ``pkg/controllers/nodeclaim/disruption/drift.go:areStaticFieldsDrifted`` and
the AWS provider's ``pkg/cloudprovider/drift.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyscale.model.groups import NODE_CLASS_HASH, POOL_HASH, NodeClass, NodePool, noted_hash
from pyscale.model.node_claims import NodeClaim

from .conditions import CORE_REASONS

NODE_CLASS_DRIFT = "NodeClassDrift"


class NotedHashes:
    """What pools and node classes note down of their templates, to hold claims against.

    Parameters
    ----------
    pools : iterable of NodePool
    node_classes : iterable of NodeClass
    """

    def __init__(self, pools: Iterable[NodePool], node_classes: Iterable[NodeClass] = ()) -> None:
        self._of_pool = {pool.name: pool.template_hash for pool in pools}
        self._of_class = {
            (found.group, found.kind, found.name): found.template_hash for found in node_classes
        }

    def is_stale(self, pool: str, annotations: Mapping[str, str]) -> bool:
        """Say whether the pool's template has changed since a claim was made from it."""
        return _differ(self._of_pool.get(pool, ("", "")), noted_hash(annotations, POOL_HASH))

    def provider_drift(self, claim: NodeClaim) -> str:
        """Return why the provider calls a claim drifted, empty if it does not.

        Its node class has changed, or the claim's condition names a reason of the provider, such as
        ``AMIDrift``, that can't be found out from the objects.
        """
        noted = self._of_class.get(claim.node_class, ("", ""))
        if _differ(noted, noted_hash(claim.annotations, NODE_CLASS_HASH)):
            return NODE_CLASS_DRIFT
        for condition in claim.conditions:
            if condition.type == "Drifted" and condition.status == "True":
                return "" if condition.reason in CORE_REASONS else condition.reason
        return ""


def _differ(pool: tuple[str, str], claim: tuple[str, str]) -> bool:
    """Hashes of two versions, and missing ones, say nothing."""
    return all(pool) and all(claim) and pool[1] == claim[1] and pool[0] != claim[0]
