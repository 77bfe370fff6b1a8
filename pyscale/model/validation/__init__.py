"""What an API server would refuse, one line per object: name, field path, expected and found.

Only fields that some decision reads are checked: a container without an image passes.  Every
``validate_*`` function raises :class:`~pyscale.errors.InvalidObjectError` for the first problem.
Follows ``k8s.io/kubernetes/pkg/apis/core/validation`` and the ``karpenter.sh/v1`` CRDs.
"""

from .groups import validate_node_group, validate_node_pool, validate_node_pools
from .nodes import validate_node, validate_node_claim
from .pods import validate_pod, validate_pod_template
from .storage import (
    validate_csi_node,
    validate_persistent_volume,
    validate_persistent_volume_claim,
    validate_storage_class,
)
from .workloads import (
    validate_namespace,
    validate_pod_disruption_budget,
    validate_service,
    validate_workload,
)

__all__ = [
    "validate_csi_node",
    "validate_namespace",
    "validate_node",
    "validate_node_claim",
    "validate_node_group",
    "validate_node_pool",
    "validate_node_pools",
    "validate_persistent_volume",
    "validate_persistent_volume_claim",
    "validate_pod",
    "validate_pod_disruption_budget",
    "validate_pod_template",
    "validate_service",
    "validate_storage_class",
    "validate_workload",
]
