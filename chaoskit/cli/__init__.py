"""The command `chaoskit`: every outcome is an exit code, every error one line."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from .parser import UsageError, build_parser

OK, FAILED, INTERRUPTED = 0, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        0 if all went well, 2 after an error in the input or its use, 130 after Ctrl-C.
    """
    try:
        arguments = build_parser().parse_args(argv)
    except UsageError as error:
        return _fail(str(error))
    except SystemExit as finished:  # --help and --version
        return int(finished.code or 0)
    # Imported late, so that --help does not wait for the compiler.
    from ..errors import ChaoskitError
    from . import commands

    try:
        with warnings.catch_warnings():
            _warn_in_one_line()
            commands.COMMANDS[arguments.command](arguments)
        sys.stdout.flush()
    except ChaoskitError as error:
        return _fail(str(error))
    except MemoryError:
        return _fail("not enough memory; give a shorter series or a smaller network")
    except BrokenPipeError:
        # The reader went away (`| head`), which is no error; nothing more may be flushed to it.
        sys.stdout = None  # type: ignore[assignment]
        return OK
    except KeyboardInterrupt:
        print("\nchaoskit: interrupted", file=sys.stderr)
        return INTERRUPTED
    return OK


def _fail(message: str) -> int:
    print(f"chaoskit: error: {_one_line(message)}", file=sys.stderr)
    return FAILED


def _one_line(message: str) -> str:
    return " ".join(message.split())


def _warn_in_one_line() -> None:
    """chaoskit's warnings as one line each; those of other packages are not for users of a command."""
    from ..errors import ChaoskitWarning

    def show(message: Any, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, ChaoskitWarning):
            print(f"chaoskit: warning: {_one_line(str(message))}", file=sys.stderr)

    warnings.simplefilter("ignore")
    warnings.simplefilter("always", ChaoskitWarning)
    warnings.showwarning = show
