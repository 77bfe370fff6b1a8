"""Cluster Autoscaler over EC2 Auto Scaling groups, decision for decision."""

from __future__ import annotations

from .options import Options as Options
from .policy import AutoscalerRun as AutoscalerRun
from .policy import ClusterAutoscaler as ClusterAutoscaler
