"""Imports go one way, and optional libraries are imported where they are needed, not before."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import pyscale
import pyscale.kernel

PACKAGE = Path(pyscale.__file__).parent
KERNEL = Path(pyscale.kernel.__file__).parent

BASE = {"kernel", "errors", "model"}
DECIDING = BASE | {"policies", "packing"}
OUTSIDE = {"manifests", "catalog", "traces"}
# Each room, and the rooms it may import.  Underscored modules beside the rooms: like errors.
MAY_IMPORT = {
    "kernel": set(),
    "errors": set(),
    "model": {"kernel", "errors"},
    "packing": BASE,
    "policies": BASE | {"packing", "catalog"},
    "manifests": BASE,
    "catalog": BASE | {"manifests"},
    "traces": BASE | {"manifests"},
    "simulation": DECIDING | {"catalog"},
    "study": DECIDING | OUTSIDE | {"simulation"},
    "conformance": DECIDING | {"manifests", "catalog"},
    "report": DECIDING | OUTSIDE | {"simulation", "study", "conformance"},
    "adapters": DECIDING | OUTSIDE | {"simulation", "study"},
    "bench": DECIDING | OUTSIDE | {"simulation", "study", "conformance", "report"},
}
LEAVES = {"cli", "__main__"}

# Libraries that may be imported inside a function.  At the top of a module only numpy may, and
# what the module is there for: see IN_PLACE.
OPTIONAL = {
    "cronsim", "dask", "dask_jobqueue", "distributed", "gymnasium", "highspy", "msgspec", "numba",
    "platformdirs", "plotly", "pyarrow", "rich", "simpy", "typer", "yaml",
}  # fmt: skip
IN_PLACE = {
    "kernel": {"numba"},  # only in modules that nothing imports at the top
    "cli": {"rich", "typer"},
    "adapters": {"dask", "dask_jobqueue", "distributed", "gymnasium", "simpy"},
}


class Import(NamedTuple):
    file: str
    line: int
    room: str
    module: str
    at_top: bool


def rooms_and_files() -> Iterator[tuple[str, str, Path]]:
    """Yield (room, dotted name, file) of every Python file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] != "kernel":
            yield parts[0], ".".join(("pyscale", *parts)), path
    for path in sorted(KERNEL.glob("*.py")):
        yield "kernel", f"pyscale.kernel.{path.stem}", path


def imports() -> Iterator[Import]:
    """Yield every import of every Python file, also those inside functions."""
    for room, name, path in rooms_and_files():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top = set(map(id, tree.body))
        for node in ast.walk(tree):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                above = name.split(".")[: -node.level] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                bare = base in ("pyscale", "pyscale.kernel")
                modules = [f"{base}.{a.name}" for a in node.names] if bare else [base]
            for module in modules:
                yield Import(path.name, getattr(node, "lineno", 0), room, module, id(node) in top)


def room_of(module: str) -> str | None:
    """The room of a module of ours, None for others'."""
    parts = module.split(".")
    return parts[1] if parts[0] == "pyscale" and len(parts) > 1 else None


def test_imports_go_one_way() -> None:
    wrong = []
    for found in imports():
        target = room_of(found.module)
        if target is None or target == found.room or found.room in {"__init__", *LEAVES}:
            continue
        private = target.startswith("_") and found.room != "kernel"
        if found.room.startswith("_"):
            allowed = target == "errors" or private
        else:
            assert found.room in MAY_IMPORT, f"say in {Path(__file__).name} where {found} stands"
            allowed = private or target in MAY_IMPORT[found.room]
        if not allowed:
            wrong.append(f"{found.room}/{found.file}:{found.line} imports {found.module}")
    assert not wrong, "\n".join(wrong)


def test_the_arrows_have_no_circle() -> None:
    done: set[str] = set()
    while len(done) < len(MAY_IMPORT):
        ready = {room for room, below in MAY_IMPORT.items() if below <= done} - done
        assert ready, f"a circle among {set(MAY_IMPORT) - done}"
        done |= ready


def test_the_kernel_imports_nothing_but_itself() -> None:
    pattern = re.compile(r"^\s*(?:from\s+(\S+)\s+c?import|c?import\s+(\S+))", re.MULTILINE)
    sources = [*KERNEL.glob("*.pyx"), *KERNEL.glob("*.pxd")]
    assert sources
    for path in sources:
        code = re.sub(r'"""(?s:.)*?"""', "", path.read_text(encoding="utf-8"))
        for match in pattern.finditer(code):
            module = match[1] or match[2]
            ours = module.startswith(".") or module.startswith("pyscale.kernel.")
            library = module.split(".")[0]
            assert ours or library in {"libc", "cython", "cpython", "numpy"}, (
                f"{path.name} imports {module}"
            )
        assert "cimport numpy" not in code, path.name


def test_libraries_are_imported_where_they_are_needed() -> None:
    wrong = []
    for found in imports():
        library = found.module.split(".")[0]
        if library in sys.stdlib_module_names or library in ("pyscale", "numpy"):
            continue
        if found.at_top and library not in IN_PLACE.get(found.room, ()):
            wrong.append(f"{found.room}/{found.file}:{found.line} imports {library} at the top")
        elif library not in OPTIONAL:
            wrong.append(f"{found.room}/{found.file}:{found.line} imports {library}: undeclared")
    assert not wrong, "\n".join(wrong)


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after the code."""
    show = "import sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import pyscale",
        "import pyscale; pyscale.pack([[1]], [3], [2]).node_of_pod",
        "import pyscale; dir(pyscale)",
    ],
)
def test_importing_and_packing_need_numpy_alone(code: str) -> None:
    assert not loaded_by(code) & OPTIONAL


def test_every_public_name_is_there_and_is_listed() -> None:
    for name in pyscale.__all__:
        assert getattr(pyscale, name) is not None, name
    assert set(pyscale.__all__) <= set(dir(pyscale))


def test_every_lazy_name_is_known_to_type_checkers() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    checked = next(
        node.body
        for node in tree.body
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )
    declared = {
        alias.asname: node.module
        for node in checked
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    assert declared == pyscale._PUBLIC


def test_no_lazy_name_is_hidden_by_a_module_of_the_same_name() -> None:
    for table in PACKAGE.rglob("__init__.py"):
        code = table.read_text(encoding="utf-8")
        if "_HOMES" not in code and "_MODULE_OF" not in code:
            continue
        names = re.findall(r'^    "(\w+)": "\w+"', code, re.MULTILINE)
        names += re.findall(r'"(\w+)": "\w+"[,}]', code)
        modules = {path.stem for path in table.parent.iterdir()}
        assert not modules & set(names), table


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pyscale' has no attribute 'pakc'"):
        pyscale.pakc  # noqa: B018
