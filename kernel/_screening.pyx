"""The first candidate, or group of candidates, whose removal nothing rules out.

What-ifs end as soon as a refusal is certain; why is not said.
"""

from libc.stdint cimport int32_t, int64_t

from ._candidacy cimport SPOT, Candidacy, Facts
from ._provision cimport Provisioner
from ._provision_prices cimport ClaimPrices
from ._provision_round cimport DELETION, REFUSED


cdef class Screen:
    """Looks at the candidates of one moment.

    Parameters
    ----------
    kernel : Provisioner
    candidacy : Candidacy
        Of the same nodes.
    node_limits : ndarray of int64, shape (n_templates,)
        How many nodes each pool may still get; read only where nodes are limited.
    relax_min_values : bool
    spot_to_spot : bool
        Whether spot instances may replace spot instances.
    claim_prices : ClaimPrices or None
        None leaves the price of claims open.
    """

    def __cinit__(self, Provisioner kernel, Candidacy candidacy, const int64_t[::1] node_limits,
                  bint relax_min_values, bint spot_to_spot, ClaimPrices claim_prices):
        self.kernel, self.candidacy, self.node_limits = kernel, candidacy, node_limits
        self.relax_min_values, self.spot_to_spot = relax_min_values, spot_to_spot
        self.claim_prices = claim_prices

    cdef int begin(self) except -1:
        cdef const int64_t *limits = NULL
        if self.node_limits.shape[0]:
            limits = &self.node_limits[0]
        return self.kernel.begin_scan(
            self.candidacy.under_marks, limits, self.relax_min_values, self.claim_prices)

    def first_alone(self, const int32_t[::1] nodes, int start):
        """Find, from a place on, the first node whose removal alone is not ruled out.

        Returns
        -------
        index : int
            Its place, the number of nodes if all are ruled out.
        is_deletion : bool
            Whether every pod finds a place without a new node.
        """
        cdef int32_t n = <int32_t>nodes.shape[0], i = start
        cdef int found = REFUSED
        cdef Provisioner kernel = self.kernel
        cdef const Facts *facts
        if start >= n:
            return n, False
        self.begin()
        try:
            with nogil:
                while i < n:
                    facts = &self.candidacy.facts[nodes[i]]
                    found = kernel.try_group(
                        &nodes[i], 1, facts.price, facts.flags & SPOT != 0, self.spot_to_spot)
                    if found != REFUSED:
                        break
                    i += 1
        finally:
            kernel.end_scan()
        return i, found == DELETION

    def together(self, const int32_t[::1] nodes, int n):
        """Say whether the removal of the first nodes is ruled out, and if they can be deleted.

        Prices are summed from left to right, as upstream's.
        """
        cdef int found
        cdef int32_t i
        cdef Provisioner kernel = self.kernel
        cdef double price = 0.0
        cdef bint are_spot = True
        for i in range(n):
            price += self.candidacy.facts[nodes[i]].price
            if not self.candidacy.facts[nodes[i]].flags & SPOT:
                are_spot = False
        self.begin()
        try:
            with nogil:
                found = kernel.try_group(&nodes[0], n, price, are_spot, self.spot_to_spot)
        finally:
            kernel.end_scan()
        return found == REFUSED, found == DELETION
