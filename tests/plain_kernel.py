"""A provisioning kernel of one resource, without templates: pods go to nodes or nowhere."""

import numpy as np

from pyscale.kernel._provision import Provisioner

NO_ALTERNATIVES = np.array([-1, -1], np.int32)
N_TAINTS = 7


class Oracle:
    """Answers for pods without requirements, which nothing relaxes."""

    def relax(self, class_id):
        return -1


def plain_kernel():
    """Two sets of host ports that collide with themselves alone."""
    return Provisioner(
        Oracle(), 1, 1, np.array([1], np.int32), np.eye(2, dtype=np.uint8), 0, N_TAINTS
    )


def add_plain_class(kernel, amount, ports=-1):
    tolerates = np.ones(N_TAINTS, np.uint8)
    return kernel.add_class(
        np.array([amount]), 0, 0, -1, -1, True, tolerates, ports, -1, NO_ALTERNATIVES
    )
