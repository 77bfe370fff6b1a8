"""Hold recorded decisions of a real program against pyscale's own."""

import sys

from pyscale.conformance import Tally, judge

tally = Tally()
for verdict in judge(sys.argv[1:]):
    tally.add(verdict)
    if verdict.outcome == "different":
        print(verdict.id, verdict.detail, sep="\n")
print(tally.summary())
