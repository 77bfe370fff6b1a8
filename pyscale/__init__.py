"""Kubernetes scheduling and autoscaling decisions, offline and in virtual time."""

try:
    import pyscale.kernel as kernel
except ModuleNotFoundError as error:
    if error.name != "pyscale.kernel":
        raise
    raise ImportError(
        "pyscale.kernel is missing: this looks like a source checkout. "
        "Run 'pip install -e .' in it, or leave its directory."
    ) from error

__all__ = ["kernel"]
