"""Karpenter: which machines to buy for pending pods, which to give back or replace."""
