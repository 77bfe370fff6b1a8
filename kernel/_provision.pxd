"""Karpenter's Solve over interned tables; see ``_provision.pyx``."""

from ._provision_round cimport ProvisionRound


cdef class Provisioner(ProvisionRound):
    pass
