from rounds.bank import alternative


def no_cases(x):
    return x


def no_calls(x):
    return x


def lenient(x):
    return 2 * x


@alternative("lenient")
def lenient_rejected(x):
    return float(x) * 3
