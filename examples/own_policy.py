"""An autoscaler of one's own: one cheap machine per four pending pods, empty ones go."""

from dataclasses import dataclass

import numpy as np

import pyscale as ps
from pyscale.policies.base import BOOTING, READY, Policy
from pyscale.policies.decision import AddNodes, Decision, RemoveNodes, WakeOn


@dataclass(frozen=True)
class FourPerNode(Policy):
    """Buys the cheapest of a few types; the simulation does the rest."""

    name = "four-per-node"
    types: tuple[str, ...] = ("m6i.2xlarge", "m7i.2xlarge", "m6a.2xlarge")

    def decide(self, view):
        actions = []
        booting = int((view.node_state == BOOTING).sum())
        wanted = -(-view.n_pending // 4) - booting
        if wanted > 0:
            reason = f"{view.n_pending} pods are pending"
            actions.append(AddNodes(reason, wanted, instance_types=self.types))
        pods_on_node = np.diff(view.placements.start)
        empty = view.node_id[(view.node_state == READY) & (pods_on_node == 0)]
        if len(empty) and not view.n_pending:
            actions.append(RemoveNodes(tuple(empty.tolist()), "nothing runs on it"))
        return Decision(tuple(actions), view.now_ns + 30 * 10**9, WakeOn.POD_PENDING)


trace = ps.load_example("bursty-batch").window(0, 2 * 3600 * 10**9)
print(ps.simulate(trace, FourPerNode(), ps.catalog.ec2("us-east-1")))
