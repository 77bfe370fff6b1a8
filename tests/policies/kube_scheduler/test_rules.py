"""Rules of one's own: Numba, NumPy and C in the same slot, and clear errors."""

import ctypes

import numpy as np
import pytest

from pyscale.bench._clusters import mixed_cluster
from pyscale.kernel._callbacks import SIGNATURE
from pyscale.policies.kube_scheduler import Profile, filter_rule, score_rule
from pyscale.policies.kube_scheduler.profile import DEFAULT_SCORE_WEIGHTS


def least_allocated(offered, requested, request, out):
    for i in range(out.shape[0]):
        total = 0
        for r in range(2):
            left = offered[r, i] - requested[r, i] - request[r]
            if left > 0:
                total += left * 100 // offered[r, i]
        out[i] = total // 2


def least_allocated_arrays(offered, requested, request, out):
    left = np.maximum(offered[:2] - requested[:2] - request[:2, None], 0)
    out[:] = (left * 100 // offered[:2]).sum(axis=0) // 2


WITHOUT_FIT = {name: w for name, w in DEFAULT_SCORE_WEIGHTS.items() if name != "NodeResourcesFit"}


def placements(profile, n_pods=600, n_nodes=130):
    snapshot, classes = mixed_cluster(n_nodes, 24, profile)
    order = np.array(classes, np.int32)[
        np.random.default_rng(1).integers(len(classes), size=n_pods)
    ]
    nodes = np.empty(n_pods, np.int32)
    snapshot.state.bind_queue(order, nodes)
    return nodes.tolist()


@pytest.mark.parametrize(
    ("function", "jit"),
    [(least_allocated, True), (least_allocated, False), (least_allocated_arrays, False)],
)
def test_least_allocated_rewritten_places_as_the_built_in(function, jit):
    profile = Profile(score_weights=WITHOUT_FIT, rules=(score_rule(function, jit=jit),))
    assert placements(profile) == placements(None)


def test_a_c_function_is_called_through_its_capsule():
    address, kept = compiled(least_allocated)
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    name = ctypes.c_char_p(SIGNATURE.encode())
    capsule = new(address, name, None)
    profile = Profile(score_weights=WITHOUT_FIT, rules=(score_rule(capsule, name="least"),))
    assert placements(profile) == placements(None)
    assert kept is not None


def compiled(function):
    from pyscale.kernel._jit import compile_rule

    return compile_rule(function)


def test_a_capsule_of_another_signature_is_refused():
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    name = ctypes.c_char_p(b"double (double)")
    capsule = new(1, name, None)
    with pytest.raises(TypeError, match=r"expected a capsule named 'void .*', found 'double"):
        score_rule(capsule, name="other").compiled()


@pytest.mark.parametrize("jit", [True, False])
def test_a_filter_keeps_pods_off_nodes(jit):
    def small_nodes(offered, requested, request, out):
        for i in range(out.shape[0]):
            out[i] = 1.0 if offered[0, i] <= 16_000 else 0.0

    nodes = placements(Profile(rules=(filter_rule(small_nodes, jit=jit),)), n_pods=50)
    assert all(node % 4 == 0 for node in nodes if node >= 0)
    assert any(node >= 0 for node in nodes)


@pytest.mark.parametrize("jit", [True, False])
def test_nan_is_an_error_and_no_placement(jit):
    def forgets(offered, requested, request, out):
        out[0] = 1.0

    with pytest.raises(ValueError, match="rule 'forgets': the answer is NaN"):
        placements(Profile(rules=(score_rule(forgets, jit=jit),)))


@pytest.mark.parametrize("jit", [True, False])
def test_a_score_out_of_range_is_an_error(jit):
    def too_much(offered, requested, request, out):
        out[:] = 101.0

    with pytest.raises(ValueError, match="'too_much': expected a score from 0 to 100, found 101"):
        placements(Profile(rules=(score_rule(too_much, jit=jit),)))


def test_an_exception_of_a_python_function_is_named():
    def breaks(offered, requested, request, out):
        raise KeyError("gpu")

    with pytest.raises(ValueError, match="rule 'breaks': KeyError: 'gpu'"):
        placements(Profile(rules=(score_rule(breaks, jit=False),)))


def test_a_function_of_other_arguments_is_refused():
    with pytest.raises(TypeError, match=r"expected function.offered, requested, request, out."):
        score_rule(lambda node: 1.0, name="one").compiled()


def test_what_numba_cannot_compile_is_refused():
    def dictionary(offered, requested, request, out):
        out[0] = {}.nothing

    with pytest.raises(TypeError, match=r"dictionary.* cannot be compiled"):
        score_rule(dictionary, jit=True).compiled()


def test_a_weight_out_of_range_is_refused():
    with pytest.raises(ValueError, match="weight: expected 1 to 1000000, found 0"):
        score_rule(least_allocated, weight=0)
