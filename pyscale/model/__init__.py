"""Pods, nodes, machines and their rules: what is given, before anybody decides."""
