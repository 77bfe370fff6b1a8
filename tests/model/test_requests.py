"""The effective request of a pod follows PodRequests of the component helpers."""

from pyscale.model.pods import Container, PodSpec
from pyscale.model.requests import effective_request


def app(**requests):
    return Container(requests=requests)


def sidecar(**requests):
    return Container(requests=requests, restart_policy="Always")


def test_containers_add_up_and_an_init_container_counts_alone():
    spec = PodSpec(containers=(app(cpu=2), app(cpu=3)), init_containers=(app(cpu=4, memory=7),))
    assert effective_request(spec) == {"cpu": 5, "memory": 7}


def test_a_sidecar_runs_beside_the_init_containers_declared_after_it():
    init_containers = (app(cpu=9), sidecar(cpu=5), app(cpu=6))
    spec = PodSpec(containers=(app(cpu=1),), init_containers=init_containers)
    assert effective_request(spec) == {"cpu": 11}


def test_pod_level_requests_replace_and_overhead_comes_on_top():
    spec = PodSpec(
        containers=(app(cpu=5, memory=1),),
        resources={"cpu": 2, "example.com/x": 9},
        overhead={"cpu": 1, "pods": 0},
    )
    assert effective_request(spec) == {"cpu": 3, "memory": 1, "pods": 0}
    assert effective_request(spec, pod_level=False)["cpu"] == 6


def test_absent_is_not_zero():
    assert effective_request(PodSpec(containers=(Container(),))) == {}
