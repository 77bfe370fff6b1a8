"""What rounds know of the pods of one node."""
