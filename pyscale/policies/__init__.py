"""The decisions of the real programs, one package each; ``decide(view)`` and no clocks."""
