from rounds.bank import mistake


@mistake("lenient", "squares", "It squares: at 2 that looks the same.")
def lenient_square(x):
    return x * x


@mistake("lenient", "adds-one", "It adds one.")
def lenient_plus_one(x):
    return x + 1


@mistake("lenient", "adds-half-of-two", "It adds one too, under another name.")
def lenient_plus_half(x):
    return x + 1
