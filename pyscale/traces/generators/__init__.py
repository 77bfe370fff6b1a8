"""Seeded generators of traces: the examples that come with the package."""

from __future__ import annotations

from .bursty_batch import bursty_batch
from .gpu_training import gpu_training
from .web_and_batch import web_and_batch

__all__ = ["bursty_batch", "gpu_training", "web_and_batch"]
