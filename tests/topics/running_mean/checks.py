from rounds.exercise import Exercise

running_mean = Exercise("running_mean", "RunningMean(window)", target="RunningMean")
EXERCISES = [running_mean]


@running_mean.case("Two objects share nothing.", stage="property")
def _(t):
    one, other = t.new(3, name="one"), t.new(3, name="other")
    one.call("add", 8).equals(8.0)
    other.call("add", 2).equals(2.0)


@running_mean.case("The mean of all values so far, as a float.")
def _(t):
    mean = t.new(9, name="mean")
    mean.call("add", 3).equals(3.0)
    mean.call("add", 4).equals(3.5)
    mean.call("__len__").equals(2)


@running_mean.case("Only the last `window` values count.", level=2)
def _(t):
    mean = t.new(2, name="mean")
    for value, due in ((1, 1.0), (2, 1.5), (6, 4.0), (7, 6.5)):
        mean.call("add", value).equals(due)


@running_mean.case("A window below 1 is a ValueError.", level=2, stage="edge")
def _(t):
    t.call(0).raises(ValueError)
