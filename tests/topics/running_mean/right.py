from collections import deque

from rounds.bank import alternative


class RunningMean:
    def __init__(self, window):
        if window < 1:
            raise ValueError("window must be at least 1")
        self.values = deque(maxlen=window)

    def add(self, value):
        self.values.append(value)
        return sum(self.values) / len(self.values)

    def __len__(self):
        return len(self.values)


@alternative("RunningMean")
class RunningMeanOfAList:
    def __init__(self, window):
        if window < 1:
            raise ValueError(window)
        self.window, self.values = window, []

    def add(self, value):
        self.values = [*self.values, value][-self.window :]
        return sum(self.values) / len(self.values)

    def __len__(self):
        return len(self.values)


@alternative("RunningMean")
class RunningMeanOfASum:
    def __init__(self, window):
        if window < 1:
            raise ValueError(window)
        self.window, self.values, self.total = window, [], 0.0

    def add(self, value):
        self.values.append(value)
        self.total += value
        if len(self.values) > self.window:
            self.total -= self.values.pop(0)
        return self.total / len(self.values)

    def __len__(self):
        return len(self.values)
