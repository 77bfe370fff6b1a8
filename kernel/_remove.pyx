"""Can the pods of a node live elsewhere?  What both scale-downs ask of a snapshot.

The caller forks the state, empties the node, moves its pods, and reverts or commits: a question
costs what it changes.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyscale.kernel._bind cimport ClusterState


def empty_node(ClusterState state not None, int32_t node):
    """Take all pods off a node."""
    while state.nodes[node].classes.n:
        state.take(state.nodes[node].classes.at[state.nodes[node].classes.n - 1], node)


def move_pods(
    ClusterState state not None, const int32_t[::1] classes not None,
    const uint8_t[::1] accepted not None, int64_t last_match, int32_t[::1] nodes not None,
):
    """Place pods one after the other, by rotating scan, until one fits nowhere.

    Parameters
    ----------
    state : ClusterState
    classes : array of int32, shape (n_pods,)
    accepted : array of uint8
        Per node id, whether the node may be used.
    last_match : int
        Place in the list of nodes where the scan found one last.
    nodes : array of int32, shape (n_pods,)
        Filled with the node id of each pod placed.

    Returns
    -------
    (int, int)
        How many were placed, and the new ``last_match``.
    """
    cdef int64_t i
    cdef int32_t place
    if accepted.shape[0] < state.n_nodes:
        raise ValueError(
            f"accepted must have {state.n_nodes} entries, found {accepted.shape[0]}"
        )
    if nodes.shape[0] < classes.shape[0]:
        raise ValueError(f"nodes must have {classes.shape[0]} entries, found {nodes.shape[0]}")
    if state.n_active == 0:
        return 0, last_match
    for i in range(classes.shape[0]):
        place = state.first_fit(
            classes[i], <int32_t>((last_match + 1) % state.n_active), &accepted[0]
        )
        if place < 0:
            return i, last_match
        last_match = place
        nodes[i] = state.order.at[place]
        state.put(classes[i], nodes[i])
    return classes.shape[0], last_match
