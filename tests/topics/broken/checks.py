from rounds.exercise import Exercise

no_cases = Exercise("broken.no_cases", "no_cases(x)")
no_calls = Exercise("broken.no_calls", "no_calls(x)")
lenient = Exercise("broken.lenient", "lenient(x)")
EXERCISES = [no_cases, no_calls, lenient]


@no_calls.case("Nothing is called.")
def _(t):
    pass


@lenient.case("Doubles a number.")
def _(t):
    t.call(2).equals(4)
