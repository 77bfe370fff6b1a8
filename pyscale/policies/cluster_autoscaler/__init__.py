"""Cluster Autoscaler over EC2 Auto Scaling groups."""
