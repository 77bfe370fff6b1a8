"""What a run shows of its pods and nodes."""

from ._waiting cimport WaitingLines


cdef class Ledger(WaitingLines):
    pass
