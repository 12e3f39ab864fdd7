import numpy as np

from rounds.bank import mistake


@mistake("roll", "uniform", "Every face comes as often as the others.")
def roll_evenly(weights, rng):
    return rng.integers(len(weights))


@mistake("roll", "generator-ignored", "The draws are not from the generator.")
def roll_by_global_state(weights, rng):
    return np.random.choice(len(weights), p=weights / weights.sum())


@mistake("distinct", "compared-with-all", "Each number is compared with all others.")
def distinct_by_comparing(numbers):
    found = 0
    for place, number in enumerate(numbers):
        for earlier in numbers[:place]:
            if earlier == number:
                break
        else:
            found += 1
    return found
