"""Claims about what a case can do with a candidate besides calling it."""

import dataclasses
import random
import types
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pytest

from rounds import bank, catalog, check
from rounds.engine import run
from rounds.engine.compare import difference
from rounds.engine.diagnose import judge
from rounds.engine.draws import Draws
from rounds.engine.lines import Lines
from rounds.engine.perform import sight
from rounds.engine.show import call, parameters, show
from rounds.engine.step import Failure
from rounds.exercise import Exercise

pytestmark = pytest.mark.usefixtures("small_topics")


@pytest.mark.parametrize("name", ["dice.roll", "dice.distinct"])
def test_bank_of_draws_and_of_lines_is_judged_rightly(name: str):
    exercise = catalog.find(name)
    for label, program in bank.right(exercise).items():
        assert judge(exercise, program).state == "passed", label
    for label, (program, built) in bank.wrong(exercise).items():
        assert judge(exercise, built).mistake == program.slug, label


def test_another_way_to_make_the_same_mistake_in_drawing_is_named():
    def roll(weights, rng):
        return int(rng.random() * len(weights))  # other draws, the same mistake

    report = check("dice.roll", roll)
    assert report.mistake == "uniform"
    assert "roll([1, 0, 4, 5], a Generator), 2,000 times" in str(report)


def test_impossible_outcome_is_told_before_an_unlikely_one():
    def roll(weights, rng):
        return rng.choice(len(weights), p=[0.5, 0.001, 0.3, 0.199])

    text = str(check("dice.roll", roll))
    assert "1 in 0." in text and "expected  1 never" in text


@pytest.mark.parametrize("answer", [None, 0.0, "2", [2], True, np.array([2])])
def test_draw_that_is_no_whole_number_is_told(answer: object):
    report = check("dice.roll", lambda weights, rng: answer)
    assert report.state == "wrong" and "expected  an int" in str(report)


def test_draws_with_a_wrong_signature_are_told_so():
    report = check("dice.roll", lambda weights: 0)
    assert "it takes roll(weights, rng)" in str(report)


def test_outcomes_are_far_off_only_beyond_six_deviations():
    fair = [0.5, 0.5]
    # Of 10,000 draws the standard deviation is 50.
    assert Draws([0] * 5290 + [1] * 4710).signs(fair) == {}
    assert Draws([0] * 5310 + [1] * 4690).signs(fair) == {0: 1, 1: -1}
    assert Draws([0, 1, 2, -1]).signs(fair) == {2: 1, -1: 1}
    assert Draws([0, 0, 0]).signs([1.0]) == {}


def test_global_generators_are_seeded_for_the_candidate_and_left_alone():
    class Kept(list):
        pass

    seen = Kept()

    def roll(weights, rng):
        seen.append((random.random(), np.random.random()))
        return 0

    exercise = catalog.find("dice.roll")
    random.seed(5)
    np.random.seed(5)
    judge(exercise, roll)
    once = list(seen)
    seen.clear()
    judge(exercise, roll)
    assert once == seen
    after = random.random(), np.random.random()
    random.seed(5)
    np.random.seed(5)
    assert after == (random.random(), np.random.random())


def test_object_that_a_function_returned_is_called_by_name():
    class Die:
        def __init__(self, faces):
            self.faces = faces

        def top(self):
            return self.faces[-1]

    text = str(check("dice.make_die", lambda faces: Die(faces)))
    assert "called    die.top()" in text and "'b'" in text


def test_function_that_returns_no_object_is_told_so():
    text = str(check("dice.make_die", lambda faces: None))
    assert "returned  None" in text and "expected  an object, die" in text


def test_class_method_is_called_on_the_class():
    class Die:
        @classmethod
        def read(cls, text):
            return None

    text = str(check("dice.Die", Die))
    assert "called    die = Die.read('a b')" in text


def failures(candidate: object, script) -> list[Failure]:
    """Of a candidate in one case that is made up for a test."""
    exercise = Exercise("dice.made_up", "made_up(faces)")
    exercise.case("A made-up case.")(script)
    work = run.attempt(exercise, exercise.cases[0], candidate)
    return run.finish(work, False).failures


def test_report_shows_of_a_value_what_is_wrong_with_it():
    def script(t):
        t.call(7).obeys(lambda v: type(v) is int, "an int", told=lambda v: str(v.dtype))

    (found,) = failures(lambda face: np.int32(face), script)
    assert (found.returned, found.expected) == ("'int32'", "an int")
    (found,) = failures(lambda face: [face], script)  # of which it cannot be told
    assert found.returned == "[7]"
    assert failures(lambda face: face, script) == []


@pytest.mark.parametrize(
    ("message", "fine"), [("no face 7", True), ("no such face", False), ("", False)]
)
def test_error_may_have_to_name_what_was_wrong(message: str, fine: bool):
    def candidate(face):
        raise ValueError(message)

    found = failures(candidate, lambda t: t.call(7).raises(ValueError, naming="7"))
    due = [] if fine else ["raises ValueError that names 7"]
    assert [f.expected for f in found] == due


def test_failure_of_an_object_tells_what_made_it_and_not_an_earlier_one():
    def candidate(faces):
        return list(faces)

    def script(t):
        for faces in ("ab", "cd"):
            die = t.hold(t.call(faces), name="die")
            for face in faces * 2:
                die.call("index", face).obeys(lambda place: True, "a place")
        die.call("count", "d").equals(2)

    (failure,) = failures(candidate, script)
    assert failure.before == (
        "die = made_up('cd')",
        "...",
        "die.index('d')",
        "die.index('c')",
        "die.index('d')",
    )


def test_keys_that_differ_are_named_where_the_dicts_are_too_large_to_show():
    due = {i: "x" for i in range(30)}
    got = {i: "x" for i in range(26)} | {99: "x"}
    (failure,) = failures(lambda: got, lambda t: t.call().equals(due))
    assert failure.note == "Keys missing: 26, 27, 28 and 1 more; not due: 99."


@pytest.mark.parametrize(
    ("got", "note"),
    [
        ([*range(20), 7], "They part at item 20: 7 instead of 20."),
        (list(range(20)), "What came back is the beginning of the other."),
        (list(range(40)), "What is due is the beginning of the other."),
        ([5, *range(20)], ""),  # it can be seen
    ],
)
def test_long_lists_that_differ_in_length_are_told_where_they_part(got: list, note):
    due = list(range(30))
    (failure,) = failures(lambda: got, lambda t: t.call().equals(due))
    assert failure.note == note


def test_lines_count_the_candidates_own_python_and_not_a_librarys():
    def loop(n):
        total = 0
        for i in range(n):
            total += i
        return total

    def count(call) -> int:
        with Lines() as lines:
            call()
        return lines.count

    few, many = count(lambda: loop(10)), count(lambda: loop(1000))
    assert 10 <= few <= 40 and 1000 <= many <= 2500
    import statistics  # written in Python, and not the candidate's

    assert count(lambda: statistics.mean(range(1000))) < 10
    # A lambda is a line of its own each time, also where C calls it.
    assert 1000 <= count(lambda: min(range(1000), key=lambda i: -i)) <= 2100
    # Counting the library switched its lines off for the tool, not the loop's.
    assert count(lambda: loop(1000)) == many


def test_cost_in_lines_is_told_in_words():
    def distinct(numbers):
        found = 0
        for place in range(len(numbers)):
            other = 0
            while numbers[other] != numbers[place]:
                other += 1
            found += other == place
        return found

    report = check("dice.distinct", distinct)
    text = str(report)
    assert report.mistake == "compared-with-all"
    assert "returned  its result, after more than 3,000 lines of Python" in text
    assert "expected  at most 10 lines a number" in text


# Records, views and what is left behind


@dataclasses.dataclass
class Written:
    text: str
    sources: list


def test_bank_of_records_and_looks_is_judged_rightly():
    for name in ("clerk.ask", "clerk.parse"):
        exercise = catalog.find(name)
        assert judge(exercise, bank.reference(exercise)).state == "passed"
        for label, (program, built) in bank.wrong(exercise).items():
            assert judge(exercise, built).mistake == program.slug, label


def test_mistake_is_named_in_a_record_of_another_class_with_other_words():
    def ask(question, llm):
        return Written("the model: " + llm([{"role": "user", "content": question}]), [])

    assert check("clerk.ask", ask).mistake == "no-source"


def test_record_of_another_class_is_right_when_its_fields_are():
    def parse(line):
        name, *tags = line.split()
        return [types.SimpleNamespace(name=name, tags=tuple(tags))]

    assert check("clerk.parse", parse).passed


def test_field_that_is_missing_or_wrong_is_told_with_its_name():
    Other = dataclasses.make_dataclass("Other", ["name"])
    text = str(check("clerk.parse", lambda line: [Other("a")]))
    assert "Other(name='a'), without .tags" in text
    Entry = dataclasses.make_dataclass("Entry", ["name", "tags"])
    text = str(check("clerk.parse", lambda line: [Entry("a", ("b",))]))
    assert "item 0: .tags: 1 item: ('b',)" in text


def test_view_that_cannot_be_taken_leaves_the_value_to_be_told():
    text = str(check("clerk.ask", lambda question, llm: None))
    assert "returned  None" in text and "Is a return missing?" in text


def test_what_is_left_behind_is_told_after_the_call_that_left_it():
    def ask(question, llm):
        llm([{"role": "user", "content": "a question of its own"}])
        return Written(llm([{"role": "user", "content": "and another"}]), ["llm"])

    def sent_nothing(question, llm):
        return Written("yes", ["llm"])

    assert check("clerk.ask", ask).mistake == "asks-twice"
    text = str(check("clerk.ask", sent_nothing))
    assert "after     ask('Is it so?', a ScriptedLLM)" in text
    assert "looked at len(llm.sent)" in text and "it is     0" in text


def test_hostile_record_is_no_trouble():
    @dataclasses.dataclass
    class Hostile:
        name: str

        def __getattribute__(self, name):
            raise OSError(name)

        def __repr__(self):
            raise SystemExit

    assert check("clerk.parse", lambda line: [Hostile("a")]).state == "wrong"


def test_error_in_compiled_code_is_told_at_the_line_that_called_it():
    def roll(weights, rng):
        return rng.choice(len(weights), p=weights * 2)

    report = check("dice.roll", roll)
    assert "rng.choice(len(weights), p=weights * 2)" in str(report)


def test_short_item_that_differs_is_shown_whole():
    found = difference([(b"a", b"b"), (b"c", b"d")], [(b"a", b"b"), (b"c", b"e")])
    assert (found.returned, found.expected) == (
        "item 1: (b'c', b'd')",
        "item 1: (b'c', b'e')",
    )


def test_changed_argument_of_a_method_has_the_name_that_the_method_gives_it():
    class RunningMean:
        def __init__(self, window):
            self.sums = []

        def add(self, numbers):
            numbers.append(0)

    exercise = Exercise("means.RunningMean", "RunningMean(window)")

    @exercise.case("The caller's list stays as it is.")
    def _(t):
        t.new(3).call("add", [1, 2])

    work = run.attempt(exercise, exercise.cases[0], RunningMean)
    (failure,) = run.finish(work, needs_loop=False).failures
    assert failure.returned == "numbers is now [1, 2, 0]"


def test_remark_is_made_on_a_right_program_and_only_there():
    def distinct(numbers):
        return len(set(numbers))

    def distinct_in_a_loop(numbers):
        seen = set()
        for number in numbers:
            seen.add(number)
        return len(seen)

    assert "remark" not in str(check("dice.distinct", distinct))
    report = check("dice.distinct", distinct_in_a_loop)
    assert report.passed
    assert report.lines[1] == "  remark    A set does this in one line."
    assert "remark" not in str(check("dice.distinct", lambda numbers: 0))


def test_integer_too_large_for_a_float_is_compared_exactly():
    def huge(value, due):
        exercise = Exercise("dice.roll", "roll(weights, rng)")
        exercise.case("It is what is due.")(lambda t: t.call().equals(due))
        return judge(exercise, lambda: value)

    assert huge(2**9990, 2**9990).state == "passed"
    assert huge(2**9990 + 1, 2**9990).state == "wrong"


@pytest.mark.parametrize("kind", [dict, Counter, OrderedDict, defaultdict])
def test_dict_that_came_back_is_noted_as_it_was(kind: type):
    value = kind()
    value["pairs"] = [1]
    noted = sight(value)
    value["pairs"].append(2)
    value["more"] = 3
    assert noted == {"pairs": [1]} and type(noted) is kind


def test_lists_and_tuples_of_a_class_of_their_own_are_shown_as_such():
    class Row(list):
        pass

    class Pair(tuple):
        pass

    assert show(Row([(b"b", b"o")])) == "[(b'b', b'o')]"
    assert show(Pair([1])) == "(1,)"


def test_empty_set_and_kinds_of_numbers_are_told_as_they_are():
    assert show(set()) == "set()"
    found = difference(np.zeros(1), np.zeros(1, int))
    assert found.expected == "an integer dtype"


def test_integers_without_a_sign_are_integers():
    due = np.array([3, 1])
    assert difference(due.astype(np.uint32), due) is None
    assert difference(np.array([3, 2], np.uint8), due).kind == "values"


def test_parameters_are_names_and_not_what_they_are_by_default():
    signature = "f(a, b=None, c=(1, 2), *, d=-1)"
    assert parameters(signature) == ["a", "b", "c"]
    arrays = [np.zeros((9, 9)) for _ in range(3)]
    shown = call("f", tuple(arrays), {"d": 1}, signature)
    assert shown == "f(a (9, 9), b (9, 9), c (9, 9), d=1)"
