"""The ``pyscale`` command; one file per sub-command."""

from __future__ import annotations

import sys
from typing import NoReturn

from ..errors import MissingDependencyError, PyscaleError

USAGE_ERROR = 2
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Exit codes: 0 done; 1 an answer differs or a check failed; 2 the input is wrong (one line on
    standard error says what, in which file, row and field); 130 interrupted.
    """
    try:
        from .app import app
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich"}:
            raise
        sys.exit(str(MissingDependencyError(str(error.name), "cli")))
    try:
        code = app(args=arguments, prog_name="pyscale", standalone_mode=False)
    except PyscaleError as error:
        print(f"pyscale: {error}", file=sys.stderr)
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left; nothing to say
        sys.exit(0)
    except Exception as error:
        if not hasattr(error, "format_message"):  # click's usage errors have it
            raise
        print(f"pyscale: {error.format_message()}", file=sys.stderr)
        sys.exit(USAGE_ERROR)
    sys.exit(code if isinstance(code, int) else 0)
