import numpy as np

from rounds.bank import alternative


def roll(weights, rng):
    return rng.choice(len(weights), p=weights / weights.sum())


@alternative("roll")
def roll_by_inverse(weights, rng):
    edges = np.cumsum(weights / weights.sum())
    return int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))


@alternative("roll")
def roll_by_gumbel(weights, rng):
    with np.errstate(divide="ignore"):
        return np.argmax(np.log(weights) + rng.gumbel(size=len(weights)))


class Die:
    def __init__(self, faces):
        self.faces = faces

    @classmethod
    def read(cls, text):
        return cls(text.split())

    def top(self):
        return self.faces[0]


def make_die(faces):
    return Die(list(faces))


def distinct(numbers):
    seen = set()
    for number in numbers:
        seen.add(number)
    return len(seen)


@alternative("distinct")
def distinct_by_set(numbers):
    return len(set(numbers))
