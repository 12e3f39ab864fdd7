"""An object that a candidate's class or function made, in one case."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rounds.engine import show
from rounds.engine.perform import guarded
from rounds.engine.step import Step

if TYPE_CHECKING:
    from rounds.engine.trial import Trial


class NoObject(Exception):
    """The candidate made no object, which has been noted as a failure."""


class Instance:
    """An object that the candidate's class made; what is done to it are steps too."""

    def __init__(self, trial: "Trial", value: Any, name: str) -> None:
        self.trial, self.value, self.name = trial, value, name

    def call(self, method: str, *args: Any, **kwargs: Any) -> Step:
        """Call a method; `__len__` is shown as a person writes it."""
        text = self._text(method, args, kwargs)
        return self.trial.step(text, self._method(method), args, kwargs)

    async def acall(self, method: str, *args: Any, **kwargs: Any) -> Step:
        """Call an `async` method and await it."""
        text = self._text(method, args, kwargs)
        return await self.trial.astep(text, self._method(method), args, kwargs)

    def get(self, attribute: str) -> Step:
        """Read an attribute."""
        text = f"{self.name}.{attribute}"
        return self.trial.look(text, lambda: getattr(self.value, attribute))

    def _method(self, method: str) -> Any:
        return guarded(getattr, self.value, method, None, otherwise=None)

    def _text(self, method: str, args: tuple, kwargs: Mapping[str, Any]) -> str:
        if method == "__len__":
            return f"len({self.name})"
        return show.call(f"{self.name}.{method}", args, kwargs)
