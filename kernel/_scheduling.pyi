from ._ledger import Ledger
from ._placer import Placer

class SchedulingEngine(Ledger):
    placer: Placer
    n_events: int
    n_preempted: int
    n_preempted_lost: int
