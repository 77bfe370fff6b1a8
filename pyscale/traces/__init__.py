"""Traces: readers of public formats, seeded generators, and public datasets by name."""
