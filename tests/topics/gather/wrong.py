import asyncio

from rounds.bank import mistake


@mistake("gather_limited", "one-by-one", "The jobs run one after the other.")
async def gather_one_by_one(jobs, limit):
    return [await job() for job in jobs]


@mistake("gather_limited", "no-limit", "All jobs run at once.")
async def gather_all(jobs, limit):
    return await asyncio.gather(*(job() for job in jobs))


@mistake("gather_limited", "order-of-ending", "The results come as the jobs end.")
async def gather_as_completed(jobs, limit):
    gate, results = asyncio.Semaphore(limit), []

    async def one(job):
        async with gate:
            results.append(await job())

    await asyncio.gather(*(one(job) for job in jobs))
    return results
