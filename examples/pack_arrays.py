"""Pack a million pods in a thousand classes: arrays in, arrays out, no model objects."""

import numpy as np

import pyscale as ps

rng = np.random.default_rng(0)
requests = np.column_stack(
    [rng.integers(50, 8000, 1000), rng.integers(64, 32_000, 1000), np.ones(1000, np.int64)]
)  # milli-cores, MiB, pods
counts = rng.integers(1, 2000, 1000)
capacity = np.array([63_000, 250_000, 110])

for rule in ("first_fit_decreasing", "best_fit_decreasing", "next_fit"):
    bins = ps.pack(requests, counts, capacity, rule=rule)
    print(f"{rule:22} {bins.n_nodes:,} nodes for {counts.sum():,} pods")
