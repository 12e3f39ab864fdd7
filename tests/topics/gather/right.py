import asyncio

from rounds.bank import alternative


async def gather_limited(jobs, limit):
    gate = asyncio.Semaphore(limit)

    async def one(job):
        async with gate:
            return await job()

    return await asyncio.gather(*(one(job) for job in jobs))


@alternative("gather_limited")
async def gather_by_workers(jobs, limit):
    results = [None] * len(jobs)
    places = iter(range(len(jobs)))

    async def worker():
        for place in places:
            results[place] = await jobs[place]()

    await asyncio.gather(*(worker() for _ in range(limit)))
    return results


@alternative("gather_limited")
async def gather_by_queue(jobs, limit):
    queue, results = asyncio.Queue(), {}
    for numbered in enumerate(jobs):
        queue.put_nowait(numbered)

    async def worker():
        while not queue.empty():
            place, job = queue.get_nowait()
            results[place] = await job()

    tasks = [asyncio.create_task(worker()) for _ in range(limit)]
    for task in tasks:
        await task
    return [results[place] for place in range(len(jobs))]
