"""The other end of `rounds.engine.isolate`: a fresh Python that runs one check."""

import linecache
import os
import pickle
import sys

MEMORY = 4 << 30  # bytes that a candidate may take beyond what Python has


def main() -> None:
    """Read a parcel from standard input, tell of each call, send the verdict."""
    parcel = pickle.load(sys.stdin.buffer)
    out = _own_channel()
    sys.path[:] = parcel["path"]
    import rounds.topics

    rounds.topics.__path__[:] = parcel["topics"]
    for file, lines in parcel["cells"].items():
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)

    from rounds import catalog
    from rounds.engine import diagnose, isolate

    exercise = catalog.find(parcel["exercise"])
    candidate = pickle.loads(parcel["candidate"])
    _limit_memory()

    def announce(text: str) -> None:
        _say(out, pickle.dumps(("call", text)))

    if parcel["only"]:
        verdict = diagnose.judge_one_call(exercise, candidate, *parcel["only"])
    else:
        level = parcel["level"]
        verdict = diagnose.judge(exercise, candidate, level, announce=announce)
    _say(out, isolate.portable(verdict))
    os._exit(0)  # whatever threads and handlers the candidate left behind


def _own_channel() -> int:
    """Keep standard output for us; the candidate reads and prints into nothing."""
    out = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    return out


def _say(out: int, message: bytes) -> None:
    while message:
        message = message[os.write(out, message) :]


def _limit_memory() -> None:
    """Let a memory bomb end in MemoryError, where the system can be told so."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, hard))
    except (ImportError, OSError, ValueError):
        pass


if __name__ == "__main__":
    main()
