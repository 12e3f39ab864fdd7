from rounds.exercise import Exercise

lines = Exercise("lines.read_lines", "read_lines(chunks)")
EXERCISES = [lines]

TEXT = "caf\u00e9\n\u4f60\u597d\n\nlast"


@lines.case("Lines without their newlines, from one chunk.")
def _(t):
    t.call([b"a\nb\n"]).equals(["a", "b"])


@lines.case("Wherever the bytes are cut, the lines are the same.")
def _(t):
    data = TEXT.encode()
    for cut in range(len(data) + 1):
        t.call([data[:cut], data[cut:]]).equals(TEXT.split("\n"))
    t.call([data[i : i + 1] for i in range(len(data))]).equals(TEXT.split("\n"))


@lines.case("No bytes, no lines.", stage="edge")
def _(t):
    t.call([]).equals([])
