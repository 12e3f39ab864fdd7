"""What was done before a call, in as few words as tell it."""

from rounds.engine.step import Step


def led_here(steps: list[Step], called: str) -> tuple[str, ...]:
    """The last calls before one of an object's, and before them what made an object,
    "cache = KVCache(2)". Without those of an earlier object of its name."""
    calls = [_told(step) for step in steps if not _only_reads(step)]
    name = called.partition(".")[0]
    made = max(
        (i for i, c in enumerate(calls) if c.startswith(f"{name} = ")), default=0
    )
    calls = [
        call
        for place, call in enumerate(calls)
        if place >= made or not call.startswith((f"{name}.", f"{name} = "))
    ]
    makings = [call for call in calls[:-3] if "=" in call.partition("(")[0]]
    own = [call for call in makings if call.startswith(f"{name} = ")]
    made_by = (own or makings)[-1:]
    left_out = len(calls) > len(made_by) + 3
    return (*made_by, *(["..."] if left_out else []), *calls[-3:])


def _only_reads(step: Step) -> bool:
    """An attribute or a length was asked for, which leads nowhere."""
    return step.looked or step.called.startswith("len(")


def _told(step: Step) -> str:
    error = type(step.error).__name__ if step.error is not None else ""
    return f"{step.called} ({error})" if error else step.called
