import numpy as np

from rounds.exercise import Exercise

roll = Exercise("dice.roll", "roll(weights, rng)")
make_die = Exercise("dice.make_die", "make_die(faces)")
Die = Exercise("dice.Die", "Die(faces)")
distinct = Exercise("dice.distinct", "distinct(numbers)")
EXERCISES = [roll, make_die, Die, distinct]


@roll.case("Face i comes as often as its weight says.")
def _(t):
    weights = np.array([1.0, 0.0, 4.0, 5.0])
    t.draws(2000, weights, np.random.default_rng(1)).follows(weights / weights.sum())


@roll.case("Equal generators give equal draws.", stage="property")
def _(t):
    first = t.draws(50, np.ones(9), np.random.default_rng(2))
    again = t.draws(50, np.ones(9), np.random.default_rng(2))
    again.obeys(
        lambda draws: draws.values == first.value.values, "the same draws as before"
    )


@make_die.case("The die that is made has the faces.")
def _(t):
    die = t.hold(t.call(["a", "b"]), name="die")
    die.get("faces").equals(["a", "b"])
    die.call("top").equals("a")


@Die.case("What is written can be read.")
def _(t):
    die = t.itself().call("read", "a b")
    t.hold(die, name="die").call("top").equals("a")


@distinct.case("How many different numbers there are.")
def _(t):
    t.call([3, 1, 3]).equals(2)


@distinct.case("Each number is looked at a few times at most.", stage="cost")
def _(t):
    step = t.counted(list(range(300)))
    step.lines_at_most(3000, "at most 10 lines a number")
    step.remark_beyond(300, "A set does this in one line.")
