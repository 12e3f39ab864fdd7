import asyncio
import heapq

from rounds.exercise import Exercise

gather = Exercise("gather.gather_limited", "gather_limited(jobs, limit)")
EXERCISES = [gather]


class FakeClock:
    """Time that passes only when everybody waits for it."""

    def __init__(self):
        self.now, self.waiting, self.count = 0.0, [], 0

    async def sleep(self, seconds):
        self.count += 1
        wake = asyncio.get_running_loop().create_future()
        heapq.heappush(self.waiting, (self.now + seconds, self.count, wake))
        await wake

    async def run(self):
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            if self.waiting:
                self.now, _, wake = heapq.heappop(self.waiting)
                wake.set_result(None)


class Jobs:
    """Jobs that take fake seconds, and how many ran at once."""

    def __init__(self, clock, seconds):
        self.clock, self.running, self.most = clock, 0, 0
        self.list = [self.job(number, s) for number, s in enumerate(seconds)]

    def job(self, number, seconds):
        async def work():
            self.running += 1
            self.most = max(self.most, self.running)
            await self.clock.sleep(seconds)
            self.running -= 1
            return number * 10

        return work


@gather.case("Results come in the order of the jobs, whichever ends first.")
async def _(t):
    clock = FakeClock()
    ticking = asyncio.ensure_future(clock.run())
    jobs = Jobs(clock, [3.0, 1.0, 2.0])
    (await t.acall(jobs.list, 3)).equals([0, 10, 20])
    ticking.cancel()


@gather.case("At most `limit` jobs run at once, and as many as that.", stage="property")
async def _(t):
    clock = FakeClock()
    ticking = asyncio.ensure_future(clock.run())
    jobs = Jobs(clock, [2.0, 2.0, 2.0, 2.0, 1.0])
    step = (await t.acall(jobs.list, 2)).equals([0, 10, 20, 30, 40])
    step.obeys(lambda value: jobs.most <= 2, "at most 2 jobs at once")
    step.obeys(lambda value: clock.now == 5.0, "5 seconds in all")
    ticking.cancel()
