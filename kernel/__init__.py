"""The compiled kernel: integers, arrays and bitsets in, the same out.

No module of this package knows a name, a unit, a clock or a random number.  Installed as
``pyscale.kernel``; the checkout's ``kernel`` folder is not importable under its own name.
"""

if __name__ != "pyscale.kernel":
    raise ImportError("import this package as pyscale.kernel, not as kernel")

from ._build import build_info as build_info
