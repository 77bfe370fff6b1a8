"""Cluster Autoscaler over EC2 Auto Scaling groups, decision for decision."""

from __future__ import annotations

from .explain import GroupVerdict as GroupVerdict
from .options import Options as Options
from .policy import AutoscalerRun as AutoscalerRun
from .policy import ClusterAutoscaler as ClusterAutoscaler
from .policy import ScaleUpPlan as ScaleUpPlan
