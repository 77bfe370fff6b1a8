"""Random clusters with every constraint of the scheduler on, in the schema of the recordings."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from pyscale.manifests import node_from_dict, pod_from_dict

ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
HOSTNAME = "kubernetes.io/hostname"
KEYS = [ZONE, HOSTNAME, "rack", "disk"]
APPS = ["web", "db", "cache"]
NAMESPACES = [
    {"metadata": {"name": "default"}},
    {"metadata": {"name": "team-a", "labels": {"team": "a"}}},
    {"metadata": {"name": "team-b", "labels": {"team": "b", "env": "prod"}}},
]


class Maker:
    """Makes one case from a random generator."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def maybe(self, share: float) -> bool:
        return self.rng.random() < share

    def node_template(self) -> dict[str, Any]:
        rng = self.rng
        labels = {}
        if self.maybe(0.8):
            labels["disk"] = rng.choice(["ssd", "hdd"])
        if self.maybe(0.6):
            labels["rack"] = rng.choice(["r1", "r2"])
        if self.maybe(0.6):
            labels["gen"] = rng.choice(["1", "5", "x"])
        allocatable = {
            "cpu": rng.choice(["1", "2", "3920m", "8"]),
            "memory": rng.choice(["1Gi", "4Gi", "6G"]),
            "pods": rng.choice(["3", "8", "110"]),
        }
        if self.maybe(0.3):
            allocatable["example.com/widget"] = rng.choice(["1", "3"])
        template: dict[str, Any] = {
            "metadata": {"labels": labels},
            "spec": {},
            "status": {"allocatable": allocatable},
        }
        if self.maybe(0.4):
            template["spec"]["taints"] = [
                {
                    "key": rng.choice(["spot", "gpu"]),
                    "value": rng.choice(["a", "b"]),
                    "effect": rng.choice(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
                }
                for _ in range(rng.randint(1, 2))
            ]
        if self.maybe(0.1):
            template["spec"]["unschedulable"] = True
        if self.maybe(0.5):
            template["status"]["images"] = [
                {"names": ["big/app:v1"], "sizeBytes": rng.choice([10**8, 9 * 10**8])},
                {"names": ["small:latest"], "sizeBytes": 3 * 10**7},
            ][: rng.randint(1, 2)]
        return template

    def node(self, i: int, n_templates: int) -> dict[str, Any]:
        labels = {}
        if self.maybe(0.95):
            labels[HOSTNAME] = f"n{i}"
        if self.maybe(0.85):
            labels[ZONE] = self.rng.choice(["z-a", "z-b", "z-c"])
        if self.maybe(0.3):
            labels[REGION] = "r-1"
        return {"name": f"n{i}", "template": self.rng.randrange(n_templates), "labels": labels}

    def selector(self) -> dict[str, Any] | None:
        rng = self.rng
        choice = rng.random()
        if choice < 0.06:
            return {}
        if choice < 0.1:
            return None
        if choice < 0.7:
            return {"matchLabels": {"app": rng.choice(APPS)}}
        operator = rng.choice(["In", "NotIn", "Exists", "DoesNotExist"])
        expression: dict[str, Any] = {"key": rng.choice(["app", "tier"]), "operator": operator}
        if operator in ("In", "NotIn"):
            expression["values"] = rng.sample(APPS, rng.randint(1, 2))
        return {"matchExpressions": [expression]}

    def node_term(self) -> dict[str, Any]:
        rng = self.rng
        term: dict[str, Any] = {}
        if self.maybe(0.15):
            term["matchFields"] = [
                {
                    "key": "metadata.name",
                    "operator": rng.choice(["In", "NotIn"]),
                    "values": [f"n{rng.randrange(6)}"],
                }
            ]
        if not term or self.maybe(0.5):
            operator = rng.choice(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"])
            key = "gen" if operator in ("Gt", "Lt") else rng.choice(["disk", "gen", ZONE])
            values = {"In": ["ssd", "z-a", "1"], "NotIn": ["hdd"], "Gt": ["2"], "Lt": ["3"]}
            term["matchExpressions"] = [
                {"key": key, "operator": operator, "values": values.get(operator, [])}
            ]
        return term

    def pod_term(self) -> dict[str, Any]:
        rng = self.rng
        term: dict[str, Any] = {"topologyKey": rng.choice(KEYS)}
        selector = self.selector()
        if selector is not None:
            term["labelSelector"] = selector
        if self.maybe(0.2):
            term["namespaces"] = rng.sample(["default", "team-a", "team-b"], rng.randint(1, 2))
        if self.maybe(0.2):
            term["namespaceSelector"] = rng.choice(
                [{}, {"matchLabels": {"team": "a"}},
                 {"matchExpressions": [{"key": "env", "operator": "DoesNotExist"}]}]
            )  # fmt: skip
        if self.maybe(0.15):
            term[rng.choice(["matchLabelKeys", "mismatchLabelKeys"])] = ["tier"]
        return term

    def affinity(self) -> dict[str, Any]:
        rng = self.rng
        required = "requiredDuringSchedulingIgnoredDuringExecution"
        preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        affinity: dict[str, Any] = {}
        if self.maybe(0.4):
            node: dict[str, Any] = {}
            if self.maybe(0.6):
                terms = [self.node_term() for _ in range(rng.randint(1, 2))]
                node[required] = {"nodeSelectorTerms": terms}
            if self.maybe(0.6):
                node[preferred] = [
                    {"weight": rng.randint(1, 100), "preference": self.node_term()}
                    for _ in range(rng.randint(1, 2))
                ]
            affinity["nodeAffinity"] = node
        for kind, share in (("podAffinity", 0.3), ("podAntiAffinity", 0.4)):
            if self.maybe(share):
                affinity[kind] = {}
                if self.maybe(0.6):
                    affinity[kind][required] = [self.pod_term() for _ in range(rng.randint(1, 2))]
                if self.maybe(0.6):
                    affinity[kind][preferred] = [
                        {"weight": rng.randint(1, 100), "podAffinityTerm": self.pod_term()}
                    ]
        return affinity

    def spread(self) -> dict[str, Any]:
        rng = self.rng
        constraint: dict[str, Any] = {
            "maxSkew": rng.randint(1, 3),
            "topologyKey": rng.choice(KEYS),
            "whenUnsatisfiable": rng.choice(["DoNotSchedule", "ScheduleAnyway"]),
        }
        selector = self.selector()
        if selector is not None:
            constraint["labelSelector"] = selector
        if constraint["whenUnsatisfiable"] == "DoNotSchedule" and self.maybe(0.3):
            constraint["minDomains"] = rng.randint(1, 4)
        if self.maybe(0.3):
            constraint["nodeAffinityPolicy"] = rng.choice(["Honor", "Ignore"])
        if self.maybe(0.3):
            constraint["nodeTaintsPolicy"] = rng.choice(["Honor", "Ignore"])
        if self.maybe(0.2):
            constraint["matchLabelKeys"] = ["tier"]
        return constraint

    def container(self) -> dict[str, Any]:
        rng = self.rng
        requests = {}
        if self.maybe(0.8):
            requests["cpu"] = rng.choice(["0", "100m", "333m", "900m"])
        if self.maybe(0.7):
            requests["memory"] = rng.choice(["64Mi", "300M", "1Gi"])
        if self.maybe(0.1):
            requests["example.com/widget"] = "1"
        container: dict[str, Any] = {
            "name": "c",
            "image": rng.choice(["big/app:v1", "small", "none"]),
            "resources": {"requests": requests},
        }
        if self.maybe(0.15):
            container["ports"] = [
                {"containerPort": 80, "hostPort": rng.choice([80, 8080]),
                 "hostIP": rng.choice(["", "10.0.0.1", "0.0.0.0"])}
            ]  # fmt: skip
        return container

    def pod_template(self) -> dict[str, Any]:
        rng = self.rng
        spec: dict[str, Any] = {"containers": [self.container() for _ in range(rng.randint(1, 2))]}
        if self.maybe(0.2):
            spec["initContainers"] = [self.container()]
            if self.maybe(0.5):
                spec["initContainers"][0]["restartPolicy"] = "Always"
        if self.maybe(0.15):
            spec["overhead"] = {"cpu": "50m"}
        if self.maybe(0.7):
            spec["affinity"] = self.affinity()
        if self.maybe(0.4):
            spec["topologySpreadConstraints"] = [self.spread() for _ in range(rng.randint(1, 2))]
        if self.maybe(0.2):
            spec["nodeSelector"] = {"disk": rng.choice(["ssd", "hdd"])}
        if self.maybe(0.5):
            spec["tolerations"] = [{"key": rng.choice(["spot", "gpu", ""]), "operator": "Exists"}]
        if self.maybe(0.1):
            spec["preemptionPolicy"] = "Never"
        labels = {"app": rng.choice(APPS)}
        if self.maybe(0.4):
            labels["tier"] = rng.choice(["front", "back"])
        return {"metadata": {"labels": labels}, "spec": spec}

    def pod(self, name: str, n_templates: int) -> dict[str, Any]:
        rng = self.rng
        pod: dict[str, Any] = {"name": name, "template": rng.randrange(n_templates)}
        if self.maybe(0.3):
            pod["namespace"] = rng.choice(["team-a", "team-b", "unlisted"])
        if self.maybe(0.5):
            pod["priority"] = rng.choice([0, 10, 100])
        return pod

    def case(self, n_nodes: int, n_pods: int, n_bound: int) -> dict[str, Any]:
        rng = self.rng
        node_templates = [self.node_template() for _ in range(3)]
        pod_templates = [self.pod_template() for _ in range(6)]
        nodes = [self.node(i, 3) for i in range(n_nodes)]
        bound = []
        for i in range(n_bound):
            pod = self.pod(f"b{i}", 6)
            pod["nodeName"] = f"n{rng.randrange(n_nodes)}"
            pod["startTime"] = f"2025-01-01T00:00:{rng.randrange(60):02d}Z"
            if self.maybe(0.1):
                pod["deletionTimestamp"] = "2025-01-01T01:00:00Z"
            bound.append(pod)
        pods = [self.pod(f"p{i}", 6) for i in range(n_pods)]
        for pod in pods:
            if self.maybe(0.05):
                pod["nominatedNodeName"] = f"n{rng.randrange(n_nodes)}"
        case: dict[str, Any] = {
            "kind": "sequence", "nodeTemplates": node_templates, "nodes": nodes,
            "podTemplates": pod_templates, "pods": pods, "boundPods": bound,
            "namespaces": NAMESPACES,
        }  # fmt: skip
        if self.maybe(0.5):
            case["services"] = [
                {"metadata": {"name": app}, "spec": {"selector": {"app": app}}}
                for app in rng.sample(APPS, 2)
            ]
        if self.maybe(0.5):
            case["podDisruptionBudgets"] = [
                {"metadata": {"name": "b"}, "spec": {"selector": {"matchLabels": {"app": "db"}}},
                 "status": {"disruptionsAllowed": rng.randint(0, 1)}}
            ]  # fmt: skip
        way = rng.choice(["plain", "immediate", "deferred", "steps"])
        if way in ("immediate", "deferred"):
            case["preemption"] = way
        elif way == "steps":
            case["steps"] = self.steps(case)
        return case

    def steps(self, case: dict[str, Any]) -> list[list[Any]]:
        rng = self.rng
        there = set(range(len(case["nodes"])))
        away: set[int] = set()
        steps: list[list[Any]] = []
        for i in range(len(case["pods"])):
            steps.append(["schedule", i])
            choice = rng.random()
            if choice < 0.15 and len(there) > 1:
                node = rng.choice(sorted(there))
                there.remove(node)
                away.add(node)
                steps.append(["removeNode", node])
            elif choice < 0.3 and away:
                node = rng.choice(sorted(away))
                away.remove(node)
                there.add(node)
                steps.append(["addNode", node])
            elif choice < 0.4:
                zone = rng.choice(["z-a", "z-b", None])
                steps.append(["relabelNode", rng.choice(sorted(there)), {ZONE: zone}])
            elif choice < 0.5:
                pods = case["boundPods"] + case["pods"][: i + 1]
                pod = rng.choice(pods)
                namespace = pod.get("namespace") or "default"
                steps.append(["deletePod", f"{namespace}/{pod['name']}"])
        return steps


@st.composite
def scheduler_cases(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a sequence with all constraints on; sizes shrink, the seed does not."""
    n_nodes = draw(st.integers(1, 12))
    n_pods = draw(st.integers(1, 24))
    n_bound = draw(st.integers(0, 10))
    return Maker(random.Random(draw(st.integers(0, 2**32)))).case(n_nodes, n_pods, n_bound)


def node(name, zone, cpu="4", **spec):
    return node_from_dict(
        {
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, ZONE: zone}},
            "spec": spec,
            "status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "10"}},
        }
    )


def pod(name, cpu="1", node_name=None, **spec):
    manifest = {
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {
            "containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}],
            **spec,
        },
    }
    if node_name:
        manifest["spec"]["nodeName"] = node_name
    return pod_from_dict(manifest)
