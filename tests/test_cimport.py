"""Other people's Cython modules can cimport the kernel of an installed pyscale."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pyscale

MODULE = """
from libc.stdint cimport int64_t
from pyscale.kernel._fit cimport next_fit_64

def first_with_room(int64_t[:, ::1] room, int64_t[::1] request):
    with nogil:
        node = next_fit_64(
            &room[0, 0], room.shape[1], 0, room.shape[1], <int>room.shape[0], &request[0]
        )
    return node
"""

SETUP = """
from Cython.Build import cythonize
from setuptools import Extension, setup
from pathlib import Path
import pyscale.kernel

include = str(Path(pyscale.kernel.__file__).parent)
setup(ext_modules=cythonize(
    [Extension("theirs", ["theirs.pyx"], include_dirs=[include])], language_level=3
))
"""

USE = """
import numpy as np, theirs
room = np.array([[1, 4, 9], [9, 1, 9]], np.int64)
print(theirs.first_with_room(room, np.array([3, 3], np.int64)))
"""


def test_a_third_party_module_calls_the_fit_check_without_the_gil(tmp_path):
    pytest.importorskip("Cython")
    package = Path(pyscale.__file__).parent
    if Path(pyscale.kernel.__file__).parent != package / "kernel":
        pytest.skip("an editable install: Cython finds a package by its folders only")
    (tmp_path / "theirs.pyx").write_text(MODULE)
    (tmp_path / "setup.py").write_text(SETUP)
    run = {"cwd": tmp_path, "capture_output": True, "text": True, "check": False}
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    built = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"], env=environment, **run
    )
    assert built.returncode == 0, built.stderr
    done = subprocess.run([sys.executable, "-c", USE], env=environment, **run)
    assert done.stdout == "2\n", done.stderr
