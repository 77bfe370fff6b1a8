"""Requirements as truth tables say what the operators say."""

from hypothesis import given
from hypothesis import strategies as st

from pyscale.kernel._match import MatchTable
from pyscale.model.pods import PodSpec
from pyscale.model.requirements import NodeSelectorTerm, Requirement
from pyscale.model.taints import Taint, Toleration
from pyscale.policies.kube_scheduler.interning import Interner
from pyscale.policies.kube_scheduler.node_rules import (
    any_term_matches,
    tolerates_hard_taints,
    untolerated_soft_taints,
)
from pyscale.policies.kube_scheduler.profile import Profile

AFFINITY, ENFORCED, TAINTS, SCHEDULABLE, NAME = 1, 2, 4, 8, 16
KEYS = st.sampled_from(["zone", "gen", "kubernetes.io/hostname"])
VALUES = st.sampled_from(["a", "b", "1", "5", "05", "x"])


@st.composite
def requirements(draw):
    operator = draw(st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]))
    if operator in ("Gt", "Lt"):
        values = (draw(st.sampled_from(["1", "5", "3"])),)
    elif operator in ("In", "NotIn"):
        values = tuple(draw(st.lists(VALUES, min_size=1, max_size=3)))
    else:
        values = ()
    return Requirement(draw(KEYS), operator, values)


@st.composite
def terms(draw):
    fields = ()
    if draw(st.booleans()):
        name = draw(st.sampled_from(["n0", "n1", "n9"]))
        fields = (Requirement("metadata.name", draw(st.sampled_from(["In", "NotIn"])), (name,)),)
    return NodeSelectorTerm(tuple(draw(st.lists(requirements(), max_size=2))), fields)


LABELS = st.dictionaries(KEYS, VALUES, max_size=3)
EFFECTS = st.sampled_from(["NoSchedule", "PreferNoSchedule", "NoExecute"])
TAINT_LISTS = st.lists(st.builds(Taint, st.sampled_from("kl"), EFFECTS, st.sampled_from(["", "v"])))
TOLERATION_LISTS = st.lists(
    st.builds(
        Toleration,
        st.sampled_from(["", "k", "l"]),
        st.sampled_from(["", "Equal", "Exists", "Lt"]),
        st.sampled_from(["", "v"]),
        st.sampled_from(["", "NoSchedule", "PreferNoSchedule", "NoExecute"]),
    )
)


@given(
    st.lists(st.tuples(LABELS, TAINT_LISTS), min_size=1, max_size=4),
    st.lists(terms(), max_size=3),
    TOLERATION_LISTS,
    st.booleans(),
)
def test_a_static_says_what_its_rules_say(nodes, node_terms, tolerations, rules_first):
    match = MatchTable()
    interner = Interner(match, Profile())
    spec = PodSpec(
        required_node_affinity=tuple(node_terms),
        tolerations=tuple(tolerations),
        node_name="n1",
    )
    # Values may be met before or after the rules that speak of them.
    static = interner.static(spec)[0] if rules_first else -1
    for i, (labels, taints) in enumerate(nodes):
        columns = interner.labels(labels)
        columns[0] = interner.name(f"n{i}")
        columns[1] = interner.hostname(labels)
        match.set_node(i, columns, interner.taint_set(tuple(taints)), i == 2)
    if not rules_first:
        static = interner.static(spec)[0]
    for i, (labels, taints) in enumerate(nodes):
        bits, soft, _ = match.verdict(static, i)
        assert bool(bits & AFFINITY) == any_term_matches(node_terms, labels, f"n{i}")
        assert bool(bits & TAINTS) == tolerates_hard_taints(tolerations, taints)
        assert soft == untolerated_soft_taints(tolerations, taints)
        assert bool(bits & NAME) == (i == 1)
        assert bits & ENFORCED


def test_values_without_a_bit_get_the_verdict_other():
    match = MatchTable()
    column = match.add_column()
    excluded = match.add_requirement(column, True, True, [])
    wanted = match.add_requirement(column, False, False, [])
    values = [match.add_value(column) for _ in range(70)]
    match.decide(excluded, values[65], False)
    match.decide(wanted, values[65], True)
    tolerations = match.add_tolerations()
    taints = match.add_taint_set()
    match.tolerate(tolerations, taints, True, 0)
    statics = [
        match.add_static([r], None, None, [], [], tolerations, -1, False)
        for r in (excluded, wanted)
    ]
    found = []
    for node, value in enumerate((values[3], values[65], values[69])):
        match.set_node(node, {column: value}, taints, False)
        found.append([bool(match.verdict(static, node)[0] & AFFINITY) for static in statics])
    assert found == [[True, False], [False, True], [True, False]]
