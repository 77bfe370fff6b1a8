"""The main job in six lines: a load, a catalogue, two policies, a table and a report."""

import sys

import pyscale as ps

trace = ps.load_example("bursty-batch").window(0, 2 * 3600 * 10**9)
catalog = ps.catalog.ec2("us-east-1")
comparison = ps.compare(trace, "ca,karpenter", catalog=catalog, seed=0)
print(comparison)
if len(sys.argv) > 1:
    print(comparison.report(sys.argv[1]))
