"""Claims about `check`: its states, its words, and that no candidate breaks it."""

import asyncio
import builtins
import itertools
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup

from rounds import bank, catalog, check, check_async, given
from rounds.engine import guard, isolate, run
from rounds.engine.diagnose import judge
from rounds.engine.lines import Lines
from rounds.report import write
from rounds.topics.attention import right


def softmax_right(x, axis=-1):
    return right.softmax(x, axis)


def softmax_no_max(x, axis=-1):
    with np.errstate(all="ignore"):
        return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


# States


def test_blank_exercise_reports_not_attempted():
    def softmax(x, axis=-1):
        raise NotImplementedError

    report = check("attention.softmax", softmax)
    assert (report.state, report.passed, report.mistake) == (
        "not attempted",
        False,
        None,
    )
    assert str(report) == "attention.softmax: not attempted yet."


def test_name_that_is_not_defined_reports_not_attempted():
    assert check("attention.softmax").state == "not attempted"


def test_right_program_passes():
    report = check("attention.softmax", softmax_right)
    assert report.passed and report.state == "passed"
    assert str(report).startswith("attention.softmax: passed. ")


def test_wrong_program_is_named_with_its_sentence_and_a_call():
    report = check("attention.softmax", softmax_no_max)
    assert (report.state, report.mistake) == ("wrong", "no-max-subtraction")
    text = " ".join(str(report).split())
    assert "mistake no max subtraction: exp overflows: exp(1000) is inf" in text
    assert "called softmax([1000, 1001])" in text
    assert "returned [nan, nan]" in text
    assert "expected [0.2689, 0.7311]" in text


def test_mistake_nobody_listed_shows_the_smallest_failing_call_and_no_name():
    def softmax(x, axis=-1):
        return np.cos(right.softmax(x, axis))

    report = check("attention.softmax", softmax)
    assert (report.state, report.mistake) == ("wrong", None)
    assert "called    softmax([1, -1, 2])" in str(report)


def test_first_failure_of_an_object_is_told_not_what_follows_from_it(
    small_topics: None,
):
    class RunningMean:
        def __init__(self, window):
            if window < 1:
                raise ValueError(window)
            self.n = 7

        def add(self, value):
            return float(value)

        def __len__(self):
            return self.n

    text = str(check("running_mean", RunningMean))
    assert "called    mean.add(4)" in text and "expected  3.5" in text
    assert "len(mean)" not in text


def test_what_objects_leave_behind_in_their_class_is_named(small_topics: None):
    exercise = catalog.find("running_mean")
    program, candidate = bank.wrong(exercise)["RunningMeanShared"]
    sizes = [
        run.finish(run.attempt(exercise, case, candidate), False).size
        for case in exercise.cases
    ]
    assert sizes != sorted(sizes)  # the smallest case is not the first
    _, candidate = bank.wrong(exercise)["RunningMeanShared"]
    assert judge(exercise, candidate).mistake == program.slug


def test_mistake_in_a_class_is_named_whatever_the_class_is_called(
    small_topics: None,
):
    exercise = catalog.find("running_mean")
    program, candidate = bank.wrong(exercise)["RunningMeanShared"]
    candidate.__name__ = candidate.__qualname__ = "RunningMean"
    assert judge(exercise, candidate).mistake == program.slug


def test_looking_for_a_name_does_not_pass_for_a_call_without_end():
    # A child that says nothing for long is ended: each program that is tried is told.
    exercise = catalog.find("attention.softmax")
    heard: list[str] = []
    verdict = judge(
        exercise,
        lambda x, axis=-1: np.cos(right.softmax(x, axis)),
        announce=heard.append,
    )
    assert heard.count(verdict.failure.called) >= len(bank.wrong(exercise))


def test_error_is_reported_with_the_line_it_came_from():
    def softmax(x, axis=-1):
        shifted = x - 1
        return shifted / unknown  # noqa: F821

    report = check("attention.softmax", softmax)
    assert report.state == "raised"
    assert "NameError: name 'unknown' is not defined" in str(report)
    assert "return shifted / unknown" in str(report)


def test_function_that_waits_for_an_unwritten_one_is_told_so():
    def softmax(x, axis=-1):
        raise NotImplementedError

    def attention(q, k, v, mask=None):
        return softmax(q @ np.swapaxes(k, -1, -2)) @ v, None

    report = check("attention.attention", attention)
    assert report.state == "not attempted"
    assert 'softmax = given("attention.softmax")' in str(report)


def test_mistake_is_named_although_a_second_fault_shows_on_edges():
    def attention(q, k, v, mask=None):
        scores = q @ np.swapaxes(k, -1, -2)
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights = weights / weights.sum(-1, keepdims=True)
        return weights @ v, weights

    assert check("attention.attention", attention).mistake == "no-scale"


def test_result_that_a_later_call_overwrites_is_told():
    def softmax(x, axis=-1, kept={}):  # noqa: B006
        out = kept.setdefault((np.shape(x), np.result_type(x, np.float32)), None)
        result = right.softmax(x, axis)
        if out is None:
            out = kept[(np.shape(x), result.dtype)] = result
        out[...] = result
        return out

    report = check("attention.softmax", softmax)
    assert "after later calls" in " ".join(str(report).split())


def test_candidate_is_looked_up_by_name_where_check_is_called():
    softmax = softmax_right  # noqa: F841
    assert check("attention.softmax").passed


def test_given_is_a_working_helper():
    softmax = given("attention.softmax")
    assert softmax(np.zeros(2)).tolist() == [0.5, 0.5]
    assert "does not count" in str(check("attention.softmax", softmax))
    with pytest.raises(LookupError, match=r"Did you mean 'attention\.softmax'\?"):
        given("attention.sofmax")


@pytest.mark.parametrize("name", ["softmax", "attention.sofmax", "Attention.Softmax"])
def test_unknown_exercise_suggests_the_nearest(name: str):
    with pytest.raises(LookupError) as caught:
        check(name, softmax_right)
    assert str(caught.value) == (
        f"There is no exercise {name!r}. Did you mean 'attention.softmax'?"
    )


def test_exchanged_arguments_and_levels_that_do_not_exist_are_explained():
    with pytest.raises(TypeError, match="The exercise comes first"):
        check(softmax_right, "attention.softmax")
    with pytest.raises(ValueError, match="attention.attention has no level 4, only"):
        check("attention.attention", right.attention, level=4)


# Levels, and the other kinds of candidates


def test_level_runs_the_cases_below_it_and_not_those_above(small_topics: None):
    class RunningMean:
        def __init__(self, window):
            self.values = []

        def add(self, value):
            self.values.append(value)
            return sum(self.values) / len(self.values)

        def __len__(self):
            return len(self.values)

    assert check("running_mean", RunningMean, level=1).passed
    assert not check("running_mean", RunningMean, level=2).passed
    report = check("running_mean", RunningMean)
    assert "after     mean = RunningMean(2); mean.add(1); mean.add(2)" in str(report)
    assert "called    mean.add(6)" in str(report)


def test_class_that_lacks_a_method_is_told_so(small_topics: None):
    class RunningMean:
        def __init__(self, window):
            pass

    report = check("running_mean", RunningMean)
    assert "there is nothing of that name" in str(report)


def test_async_candidates_are_checked_from_plain_code_and_from_a_running_loop(
    small_topics: None,
):
    async def gather_limited(jobs, limit):
        gate = asyncio.Semaphore(limit)

        async def one(job):
            async with gate:
                return await job()

        return await asyncio.gather(*map(one, jobs))

    async def one_by_one(jobs, limit):
        return [await job() for job in jobs]

    async def notebook():
        inside = check("gather.gather_limited", gather_limited)
        return inside, await check_async("gather.gather_limited", one_by_one)

    assert check("gather.gather_limited", gather_limited).passed
    passed, failed = asyncio.run(notebook())
    assert passed.passed
    assert failed.mistake == "one-by-one"


def test_byte_streams_are_cut_at_every_position(small_topics: None):
    def read_lines(chunks):
        return "".join(chunk.decode(errors="replace") for chunk in chunks).splitlines()

    report = check("lines.read_lines", read_lines)
    assert report.mistake == "decoded-by-chunk"
    assert r"b'caf\xc3'" in str(report)


def test_forgotten_async_is_told(small_topics: None):
    async def read_lines(chunks):
        return []

    assert "a coroutine (the function is async)" in str(
        check("lines.read_lines", read_lines)
    )


# Order of diagnosis


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (lambda x: None, ["returned  None", "Is a return missing?"]),
        (lambda x: x.tolist(), ["returned  a list", "expected  an ndarray, (3,)"]),
        (lambda x: x[None], ["array of shape (1, 3)", "array of shape (3,)"]),
        (lambda x: x > 0, ["dtype bool", "a floating dtype"]),
        (lambda x: x * np.nan, ["returned  [nan, nan, nan]"]),
        (lambda x: x, ["returned  [1, -1, 2]", "expected  [0.2595, 0.03512"]),
        (lambda x: (y for y in x), ["returned  a generator"]),
    ],
)
def test_failure_is_told_in_the_order_of_diagnosis(result, words: list[str]):
    def softmax(x, axis=-1):
        return result(x)

    text = str(check("attention.softmax", softmax))
    for word in words:
        assert word in text


def test_wrong_signature_is_told_with_the_one_that_is_due():
    text = str(check("attention.softmax", lambda logits: softmax_right(logits)))
    assert "yours takes (logits)" in text
    assert "expected  it takes softmax(x, axis=-1)" in text


def test_change_of_an_argument_is_told_only_when_all_else_is_right():
    def changes(x, axis=-1):
        result = right.softmax(x, axis) * 1.0
        x[...] = 7
        return result

    def changes_and_errs(x, axis=-1):
        x[...] = 7
        return right.softmax(x, axis)

    text = str(check("attention.softmax", changes))
    assert "x is now [7, 7, 7]" in text
    assert "x left as it was, [1, -1, 2]" in text
    assert "is now" not in str(check("attention.softmax", changes_and_errs))


def test_change_too_small_for_the_digits_shown_is_a_change():
    def nudges(x, axis=-1):
        result = right.softmax(x, axis)
        if x.dtype == np.float64:
            x *= 1 + 1e-9
        return result

    text = str(check("attention.softmax", nudges))
    assert "x is now [1.000000001, -1.000000001, 2.000000002]" in text


def test_mistake_in_the_dtype_names_no_program_that_has_only_wrong_digits():
    def coarse(x, axis=-1):
        return (right.softmax(x, axis) * (1 + 1e-9)).astype(x.dtype)

    def wide(x, axis=-1):
        return right.softmax(x, axis).astype(np.float64)

    assert check("attention.softmax", wide).mistake == "float32-becomes-float64"
    assert check("attention.softmax", coarse).mistake != "float32-becomes-float64"


def test_parameter_names_are_free_where_the_call_is_by_position():
    report = check(
        "attention.softmax", lambda logits, axis=-1: softmax_right(logits, axis)
    )
    assert report.passed


def test_callable_of_any_kind_is_accepted():
    class Softmax:
        def __call__(self, x, axis=-1):
            return right.softmax(x, axis)

    assert check("attention.softmax", Softmax()).passed


# Reports


def test_failing_call_can_be_made_again():
    report = check("attention.softmax", softmax_no_max)
    assert np.isnan(softmax_no_max(*report.args, **report.kwargs)).all()


def test_report_in_a_notebook_is_the_same_text_as_html():
    report = check("attention.softmax", softmax_no_max)
    page = report._repr_html_()
    assert page.startswith('<div class="rounds-report rounds-wrong" style="border')
    text = BeautifulSoup(page, "html.parser").get_text()
    assert text.split() == str(report).split()
    # What is long is one line, which the page breaks where it is narrow.
    heads = [line.split()[0] for line in text.splitlines()]
    assert heads == ["attention.softmax:", "mistake", "called", "returned", "expected"]


def test_report_is_the_same_on_every_run_and_in_either_process():
    def lossy(x, axis=-1):
        return right.softmax(x, axis) * 1.001

    first = check("attention.softmax", lossy)
    exercise = catalog.find("attention.softmax")
    assert str(check("attention.softmax", lossy)) == str(first)
    assert str(write(exercise, None, judge(exercise, lossy))) == str(first)


# Candidates that misbehave. Each ends in a report.


def exits(x, axis=-1):
    sys.exit(3)


def ends_the_process(x, axis=-1):
    os._exit(0)


def loops(x, axis=-1):
    while True:
        pass


def loops_and_catches(x, axis=-1):
    while True:
        try:
            loops(x)
        except BaseException:
            pass


def loops_in_c(x, axis=-1):
    return sum(itertools.count())


def sleeps(x, axis=-1):
    time.sleep(1000)


def recurses(x, axis=-1):
    return recurses(x, axis)


def interrupts(x, axis=-1):
    raise KeyboardInterrupt


def asks(x, axis=-1):
    return input("? ")


def prints_a_flood(x, axis=-1):
    for number in range(3000):
        print("line", number)
    return x


def returns_a_monster(x, axis=-1):
    return [0] * (2 * 10**6)


def returns_itself(x, axis=-1):
    loop = []
    loop.append(loop)
    return loop


def bombs_memory(x, axis=-1):
    return [0] * 10**11


def leaves_a_thread(x, axis=-1):
    threading.Thread(target=time.sleep, args=(1000,)).start()
    return x


def closes_everything(x, axis=-1):
    os.closerange(0, 64)
    return x


class Hostile:
    def __getattribute__(self, name):
        raise SystemExit(name)

    def __eq__(self, other):
        raise KeyboardInterrupt


def returns_hostile(x, axis=-1):
    return Hostile()


def raises_hostile(x, axis=-1):
    class Strange(BaseException):
        def __str__(self):
            raise ValueError

    raise Strange


@pytest.mark.parametrize(
    ("candidate", "state", "words"),
    [
        (exits, "raised", "SystemExit: 3"),
        (ends_the_process, "wrong", "the Python process that ran it is gone"),
        (loops, "wrong", "it was stopped after"),
        (loops_and_catches, "wrong", "it was stopped after"),
        (loops_in_c, "wrong", "it was stopped after"),
        (sleeps, "wrong", "it was stopped after"),
        (recurses, "raised", "RecursionError"),
        (interrupts, "raised", "KeyboardInterrupt"),
        (asks, "raised", "EOFError"),
        (prints_a_flood, "wrong", "printed   line 0 / line 1"),
        (returns_a_monster, "wrong", "(2000000 in all)"),
        (returns_itself, "wrong", "a list: [[["),
        (leaves_a_thread, "wrong", "returned  [1, -1, 2]"),
        (closes_everything, "wrong", "is gone"),
        (returns_hostile, "wrong", "returned  a Hostile"),
        (raises_hostile, "raised", "Strange"),
        (3, "wrong", "it is an int, which cannot be called"),
        (None, "wrong", "there is nothing of that name"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_no_candidate_breaks_or_hangs_the_check(
    candidate, state: str, words: str, short_patience: None
):
    report = check("attention.softmax", candidate)
    assert report.state == state
    assert words in str(report)


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="memory is bounded on Linux only"
)
def test_memory_bomb_ends_in_memory_error():
    assert "MemoryError" in str(check("attention.softmax", bombs_memory))


def test_candidate_that_cannot_travel_runs_here_and_its_loop_is_stopped(
    short_patience: None,
):
    lock = threading.Lock()

    def softmax(x, axis=-1):
        with lock:
            return right.softmax(x, axis)

    def endless(x, axis=-1):
        with lock:
            while True:
                pass

    assert check("attention.softmax", softmax).passed
    assert "it was stopped after" in str(check("attention.softmax", endless))


def test_loop_is_stopped_where_its_lines_are_counted_too(short_patience: None):
    def endless():
        while True:
            pass

    with pytest.raises(guard.Stopped), guard.limited(), Lines():
        endless()


def test_file_beside_a_library_is_not_a_part_of_it():
    library = Path(guard.__file__).parent.parent
    assert not guard.is_own(str(library / "engine" / "run.py"))
    assert guard.is_own(f"{library}_mine.py")


def test_without_child_processes_the_check_runs_here(
    monkeypatch: pytest.MonkeyPatch, short_patience: None
):
    monkeypatch.setattr(isolate, "possible", lambda: False)
    assert check("attention.softmax", softmax_right).passed
    assert check("attention.softmax", loops).state == "wrong"
    assert check("attention.softmax", exits).state == "raised"
    assert check("attention.softmax", returns_hostile).state == "wrong"


def test_what_never_becomes_ready_is_stopped(small_topics: None, short_patience: None):
    async def gather_limited(jobs, limit):
        await asyncio.Event().wait()

    async def notebook():
        return await check_async("gather.gather_limited", gather_limited)

    assert "it was stopped after" in str(asyncio.run(notebook()))


def test_candidate_cannot_print_into_the_page(capfd: pytest.CaptureFixture):
    check("attention.softmax", prints_a_flood)
    assert capfd.readouterr() == ("", "")


def test_candidate_runs_in_a_process_of_its_own():
    marker = f"rounds_{os.getpid()}"

    def softmax(x, axis=-1):
        setattr(builtins, marker, True)
        return right.softmax(x, axis)

    assert check("attention.softmax", softmax).passed
    assert not hasattr(builtins, marker)


def test_what_is_kept_between_calls_is_told():
    def softmax(x, axis=-1, kept={}):  # noqa: B006
        kept.setdefault("x", np.asarray(x))
        return right.softmax(kept["x"] if kept["x"].ndim == np.ndim(x) else x, axis)

    report = check("attention.softmax", softmax)
    assert "something is kept from earlier calls" in " ".join(str(report).split())


def test_wrong_answer_that_does_not_depend_on_earlier_calls_draws_no_such_note():
    report = check("attention.softmax", lambda x, axis=-1: right.softmax(x, axis) * 1.1)
    assert "is kept" not in str(report)
