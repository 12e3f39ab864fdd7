"""Errors that a user can cause: one sentence and an exit status, no traceback.

Exit status: 1 not passed, 2 bad input, 130 interrupted.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any, NoReturn


class Trouble(Exception):
    """What the learner has to be told, in one sentence."""


def fail(sentence: str, status: int) -> NoReturn:
    """End the command with a sentence on the error stream."""
    print(sentence, file=sys.stderr)
    raise SystemExit(status)


def in_a_sentence(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command end in a sentence whatever the user's files and machine do."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from rounds.catalog import UnknownName
        from rounds.root import NoCourse

        for stream in (sys.stdout, sys.stderr):
            # A console of another encoding shall show "?" rather than stop.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        try:
            return command(*args, **kwargs)
        except (Trouble, NoCourse, UnknownName) as trouble:
            fail(str(trouble), 2)
        except ModuleNotFoundError as error:
            install = "python -m pip install -r requirements.txt"
            fail(f"{error.name} is not installed: {install}", 2)
        except BrokenPipeError:
            raise  # `rounds status | head`: typer ends quietly
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            fail(f"{where}{error.strerror or error}", 2)
        except KeyboardInterrupt:
            fail("Interrupted. Your files are as they were.", 130)

    return wrapped
