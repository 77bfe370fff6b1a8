"""The case input as objects; nothing in here changes during a decision."""

from functools import cached_property

from .catalogues import named_catalogue
from .clock import parse_time
from .instance_types import instance_type_from_input
from .labels import NODE_CLASS, NODE_POOL, SIMULATION_ONLY, well_known_labels
from .nodes import state_node_from_input
from .pods import pod_from_input
from .quantities import parse_resources
from .requirements import make_requirement, requirements_from_expressions, requirements_from_labels
from .volumes import Volumes


class NodePool:
    """"""

    def __init__(self, description):
        spec = description["spec"]
        template = spec["template"]
        self.name = description["metadata"]["name"]
        self.weight = spec.get("weight") or 0
        # A status is only given to say that the pool is not ready.
        self.ready = "status" not in description
        self.limits = parse_resources(spec.get("limits"))
        self.taints = template["spec"].get("taints", [])
        self.declared_requirements = requirements_from_expressions(
            template["spec"].get("requirements")
        )
        self.labels = template.get("metadata", {}).get("labels", {})
        disruption = spec.get("disruption", {})
        self.consolidation_policy = disruption.get(
            "consolidationPolicy", "WhenEmptyOrUnderutilized"
        )
        self.consolidate_after = disruption.get("consolidateAfter", "0s")
        budgets = disruption.get("budgets")
        self.budgets = [{"nodes": "10%"}] if budgets is None else budgets

    @property
    def own_requirements(self):
        return self.declared_requirements.merged_with(requirements_from_labels(self.labels))

    @property
    def template_requirements(self):
        """What every NodeClaim of the pool requires, simulation-only keys included."""
        requirements = self.own_requirements
        requirements.add(
            requirements_from_labels({NODE_POOL: self.name, NODE_CLASS: "default"}).values()
        )
        return requirements.add(
            make_requirement(key, "In", ["true"]) for key in sorted(SIMULATION_ONLY)
        )


class Cluster:
    def __init__(self, case_input):
        options = case_input.get("options", {})
        gates = options.get("featureGates", {})
        self.now = parse_time(case_input["now"])
        self.ignore_preferences = options.get("preferencePolicy") == "Ignore"
        self.best_effort_min_values = options.get("minValuesPolicy") == "BestEffort"
        self.reserved_capacity = gates.get("ReservedCapacity", True)
        self.reserved_fallback = bool(options.get("reservedFallback"))
        self.spot_to_spot = bool(gates.get("SpotToSpotConsolidation"))

        self.well_known = well_known_labels(case_input)
        self.instance_types = self.read_instance_types(case_input)
        self.type_by_name = {
            instance_type.name: instance_type for instance_type in self.instance_types
        }
        self.all_pools = {pool.name: pool for pool in map(NodePool, case_input["nodePools"])}
        self.pools = self.pools_in_order()
        self.types_of_pool = self.read_types_of_pools(case_input.get("instanceTypesByNodePool", {}))

        pods = [pod_from_input(given, case_input["templates"]) for given in case_input["pods"]]
        self.pods = sorted(pods, key=lambda pod: (pod.namespace, pod.name))
        self.pod_by_key = {pod.key: pod for pod in self.pods}
        self.nodes = [
            state_node_from_input(
                given,
                case_input.get("nodeTemplates", []),
                self.pods,
                case_input.get("csiNodes", ()),
            )
            for given in case_input.get("nodes", ())
        ]
        self.node_objects = {node.node_name: node for node in self.nodes if node.has_node}

        self.volumes = Volumes(case_input)
        self.daemon_sets = sorted(
            case_input.get("daemonSets", ()), key=lambda daemon_set: daemon_set["metadata"]["name"]
        )
        self.disruption_budgets = case_input.get("podDisruptionBudgets", ())
        self.namespace_labels = {
            namespace["metadata"]["name"]: namespace["metadata"].get("labels", {})
            for namespace in case_input.get("namespaces", ())
        }

    @staticmethod
    def read_instance_types(case_input):
        if case_input.get("catalogue"):
            return named_catalogue(case_input["catalogue"])
        extra_keys = case_input.get("wellKnownLabels", ())
        return [
            instance_type_from_input(description, extra_keys)
            for description in case_input["instanceTypes"]
        ]

    def pools_in_order(self):
        """Ready pools by weight descending, then name descending."""
        ready = [pool for pool in self.all_pools.values() if pool.ready]
        return sorted(ready, key=lambda pool: (pool.weight, pool.name), reverse=True)

    def read_types_of_pools(self, given):
        return {
            pool.name: [self.type_by_name[name] for name in given[pool.name]]
            if pool.name in given
            else self.instance_types
            for pool in self.pools
        }

    @cached_property
    def domain_universe(self):
        """Topology key → domain → taint lists of the pools that offer it.

        The excluded values of a NotIn count as domains too. An empty taint list makes the others
        irrelevant.
        """
        universe = {}

        def insert(key, domain, taints):
            known = universe.setdefault(key, {})
            if domain not in known or not taints:
                known[domain] = [taints]
            elif known[domain][0]:
                known[domain].append(taints)

        for pool in self.pools:
            own = pool.own_requirements
            for instance_type in self.types_of_pool[pool.name]:
                for requirement in own.merged_with(instance_type.requirements).values():
                    for domain in sorted(requirement.values):
                        insert(requirement.key, domain, pool.taints)
            for requirement in own.values():
                if requirement.operator == "In":
                    for domain in sorted(requirement.values):
                        insert(requirement.key, domain, pool.taints)
        return universe
