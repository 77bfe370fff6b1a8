from ._population import Population

class WaitingLines(Population):
    pending_version: int
