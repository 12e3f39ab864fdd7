from rounds.bank import edit, mistake

integer_division = edit(
    "RunningMean",
    "integer-division",
    "The mean is cut to an integer.",
    "sum(self.values) / len(self.values)",
    "sum(self.values) // len(self.values)",
)


@mistake("RunningMean", "shared-values", "All objects add to one list.")
class RunningMeanShared:
    values = []

    def __init__(self, window):
        if window < 1:
            raise ValueError(window)
        self.window = window

    def add(self, value):
        self.values.append(value)
        if len(self.values) > self.window:
            del self.values[0]
        return sum(self.values) / len(self.values)

    def __len__(self):
        return len(self.values)


window_unchecked = edit(
    "RunningMean",
    "window-unchecked",
    "A window of 0 is accepted.",
    "if window < 1:",
    "if window < 0:",
)
