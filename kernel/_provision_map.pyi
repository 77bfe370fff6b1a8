"""A map from integers to numbers."""
