"""The bank: right and wrong programs of every exercise, as source that runs.

A topic's `right.py` holds the references, each under its exercise's own target
name, and alternatives:

    @alternative("softmax")
    def softmax_by_logsumexp(x, axis=-1): ...

Its `wrong.py` holds mistakes, as whole programs or as small edits to the reference:

    @mistake("softmax", "no-max-subtraction", "Large logits overflow ...")
    def softmax_as_on_paper(x, axis=-1): ...

    no_scale = edit("attention", "no-scale", "The scores are ...", old, new)

Several programs may share a slug: they are forms of one mistake.
"""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import CodeType, ModuleType
from typing import Any

from rounds.exercise import Exercise


class BankError(ValueError):
    """A program of the bank is not well formed; the sentence says which and why."""


@dataclass(frozen=True)
class Program:
    """A program of the bank.

    `slug` and `says` are empty for right programs. `says` is the sentence that the
    learner reads: what is seen, why, never the code. `seen_in` names a public bug.
    `whole` is the program, or `old` and `new` make an edit to the reference.
    """

    target: str
    slug: str = ""
    says: str = ""
    seen_in: str = ""
    whole: Any = None
    old: str = ""
    new: str = ""


def alternative(target: str) -> Callable[[Any], Program]:
    """Mark a right program that is built otherwise than the reference."""
    return lambda whole: Program(target, whole=whole)


def mistake(
    target: str, slug: str, says: str = "", seen_in: str = ""
) -> Callable[[Any], Program]:
    """Mark a whole wrong program."""
    return lambda whole: Program(target, slug, _one_line(says), seen_in, whole)


def edit(
    target: str, slug: str, says: str, old: str, new: str, seen_in: str = ""
) -> Program:
    """A wrong program: the reference with `old`, which occurs once, made `new`."""
    return Program(target, slug, _one_line(says), seen_in, None, old, new)


def reference(exercise: Exercise) -> Any:
    """The program that the solution shows."""
    return getattr(_module(exercise, "right"), exercise.target)


def right(exercise: Exercise) -> dict[str, Any]:
    """Right programs by name, the reference first."""
    module = _module(exercise, "right")
    found = {exercise.target: reference(exercise)}
    for name, program in _programs(module, exercise):
        found[name] = program.whole
    return found


def wrong(exercise: Exercise) -> dict[str, tuple[Program, Any]]:
    """Wrong programs by name: the mistake that each one is, and what to call.

    Each is built anew at every call, since a wrong program may keep what it should
    not, in a class attribute or a default argument.
    """
    return {
        label: (told, build(exercise, program))
        for label, (told, program) in mistakes(exercise).items()
    }


def mistakes(exercise: Exercise) -> dict[str, tuple[Program, Program]]:
    """Wrong programs by name, not built: the one whose sentence is told, and itself."""
    programs = _programs(_module(exercise, "wrong"), exercise)
    told = {program.slug: program for _, program in programs if program.says}
    for _, program in programs:
        if program.slug not in told:
            raise BankError(
                f"{exercise.name}: the mistake {program.slug!r} has no sentence."
            )
    return {label: (told[program.slug], program) for label, program in programs}


def build(exercise: Exercise, program: Program) -> Any:
    """What to call. Raises BankError for an edit that does not apply exactly once."""
    if program.whole is None:
        name, text = exercise.target, source(reference(exercise))
        count = text.count(program.old)
        if count != 1:
            raise BankError(
                f"{exercise.name}: the edit {program.slug!r} must apply once, "
                f"but {program.old!r} occurs {count} times in the reference."
            )
        text = text.replace(program.old, program.new)
    else:
        name, text = program.whole.__name__, source(program.whole)
    room = _module(exercise, "right" if program.whole is None else "wrong")
    names = dict(vars(room))
    exec(_code(text, f"<bank {exercise.name} {program.slug}>"), names)
    return names[name]


@cache
def _code(text: str, file: str) -> CodeType:
    """Compiled once: a program is built anew for each look at it."""
    return compile(text, file, "exec")


@cache
def source(program: Any) -> str:
    """The text of a function or class, without its decorators."""
    module = inspect.getmodule(program)
    if module is not None:
        found = _definitions(module).get(program.__qualname__)
        if found is not None:
            return found
    text = textwrap.dedent(inspect.getsource(program))  # it is inside another one
    first = ast.parse(text).body[0].lineno
    return "".join(text.splitlines(keepends=True)[first - 1 :])


@cache
def _definitions(module: ModuleType) -> dict[str, str]:
    """The texts of a module's functions and classes by name, without decorators.

    All at once: inspect would read and parse the whole file again for every class.
    """
    text = inspect.getsource(module)
    lines = text.splitlines(keepends=True)
    return {
        node.name: "".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _module(exercise: Exercise, name: str) -> ModuleType:
    return importlib.import_module(f"rounds.topics.{exercise.topic}.{name}")


def _programs(module: ModuleType, exercise: Exercise) -> list[tuple[str, Program]]:
    return [
        (name, value)
        for name, value in vars(module).items()
        if isinstance(value, Program) and value.target == exercise.target
    ]
