"""Check the installed package's types and stubs, away from the checkout.

Type checkers look in the current directory first and do not run the import hook of an editable
install; both would hide ``pyscale.kernel``.  Hence: the installed wheel, from an empty folder.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = str(ROOT / "pyproject.toml")
CHECKS = (
    ["mypy", "--config-file", SETTINGS, "-p", "pyscale"],
    [
        "mypy.stubtest",
        "pyscale.kernel",
        "--mypy-config-file",
        SETTINGS,
        "--allowlist",
        str(ROOT / "tools" / "stubtest-allowlist.txt"),
        "--ignore-unused-allowlist",
        # Extension classes are disjoint bases; saying so in stubs needs a newer typing_extensions.
        "--ignore-disjoint-bases",
    ],
)


def main() -> int:
    """Run all checks and return 1 if one fails."""
    failed = False
    with tempfile.TemporaryDirectory() as empty:
        for check in CHECKS:
            print("python -m", " ".join(check), flush=True)
            done = subprocess.run([sys.executable, "-m", *check], cwd=empty, check=False)
            failed |= done.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
