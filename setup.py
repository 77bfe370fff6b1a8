"""Build the compiled kernel; everything static lives in pyproject.toml.

``kernel/`` is installed as ``pyscale.kernel``.  Cython resolves ``cimport`` by
directory name, so the sources are first staged under ``build/stage`` in their
installed shape, and compiled from there.

Environment: ``PYSCALE_BUILD`` is ``release`` (default) or ``debug``.
"""

import os
import shutil
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

PACKAGE = "pyscale.kernel"
SHARED = f"{PACKAGE}._cyutility"  # memoryview code, compiled once for all modules
SOURCE = Path("kernel")
MODES = ("release", "debug")

COMPILE_ARGS = {
    ("msvc", "release"): ["/O2"],
    ("msvc", "debug"): ["/Od", "/Zi"],
    ("unix", "release"): ["-O3", "-g0", "-ffp-contract=off", "-fvisibility=hidden"],
    ("unix", "debug"): [
        "-O0",
        "-g",
        "-UNDEBUG",
        "-Wall",
        "-ffp-contract=off",
        # Signed overflow traps. Cython's overflowcheck would also refuse unsigned words that wrap
        # around on purpose, which is how bitsets are scanned.
        "-fsanitize=signed-integer-overflow",
        "-fsanitize-undefined-trap-on-error",
    ],
}

# Only checks differ between the modes: a directive that changes the meaning of
# the code (cdivision, wraparound) is the same in both.
DIRECTIVES = {
    "language_level": 3,
    "binding": True,
    "cdivision": True,
    "wraparound": False,
    "freethreading_compatible": True,
}
# ``nonecheck`` is not among them: with it Cython refuses ``self.x += y`` without the GIL.
CHECKS = ("boundscheck", "initializedcheck")


def build_mode() -> str:
    """Read the build mode from the environment."""
    mode = os.environ.get("PYSCALE_BUILD", "release")
    if mode not in MODES:
        raise SystemExit(f"PYSCALE_BUILD must be one of {MODES}, received {mode!r}.")
    return mode


def stage(mode: str) -> Path:
    """Mirror ``kernel/`` to its installed path and return the staging root."""
    root = Path("build", "stage", mode)
    target = root.joinpath(*PACKAGE.split("."))
    target.mkdir(parents=True, exist_ok=True)
    for parent in [target, *target.parents]:
        if parent == root:
            break
        (parent / "__init__.pxd").touch()
    for copy in target.glob("*.p[xy][dx]"):
        if copy.name != "__init__.pxd" and not (SOURCE / copy.name).exists():
            copy.unlink()  # a deleted source must not stay importable
    for source in SOURCE.iterdir():
        if source.suffix in {".pyx", ".pxd", ".pxi", ".h"}:
            copy = target / source.name
            if not copy.exists() or copy.stat().st_mtime < source.stat().st_mtime:
                shutil.copy2(source, copy)
    return root


class BuildKernel(build_ext):
    """Cythonise late, so that ``sdist`` and ``egg_info`` need no compiler."""

    def build_extensions(self) -> None:
        """Stage, cythonise and compile."""
        from Cython.Build import cythonize

        mode = build_mode()
        root = stage(mode)
        self.parallel = self.parallel or os.cpu_count()  # forty files: one core takes minutes
        kind = "msvc" if self.compiler.compiler_type == "msvc" else "unix"
        include = str(root.joinpath(*PACKAGE.split(".")))
        for extension in self.extensions:
            suffix = ".c" if extension.name == SHARED else ".pyx"
            extension.sources = [str(root.joinpath(*extension.name.split("."))) + suffix]
            extension.include_dirs = [include]
            extension.define_macros = [("PYSCALE_DEBUG", str(int(mode == "debug")))]
            extension.extra_compile_args = COMPILE_ARGS[kind, mode]
        compiled = cythonize(
            self.extensions,
            include_path=[str(root)],
            shared_utility_qualified_name=SHARED,
            compiler_directives={**DIRECTIVES, **dict.fromkeys(CHECKS, mode == "debug")},
            nthreads=self.parallel or 0,
        )
        for extension, result in zip(self.extensions, compiled, strict=True):
            extension.sources = result.sources
            extension.depends = [*result.depends, *map(str, Path(include).glob("*.h"))]
        marker = root.parent / "mode"
        if not marker.exists() or marker.read_text() != mode:
            self.force = True  # timestamps alone would keep the other mode's objects
        super().build_extensions()
        marker.write_text(mode)


setup(
    packages=[*find_packages(include=["pyscale", "pyscale.*"]), PACKAGE],
    ext_modules=[
        Extension(f"{PACKAGE}.{source.stem}", [str(source)])
        for source in sorted(SOURCE.glob("*.pyx"))
    ]
    + [Extension(SHARED, [])],
    cmdclass={"build_ext": BuildKernel},
)
