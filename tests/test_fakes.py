"""The fakes do the same every time and keep what was asked of them."""

import asyncio

import numpy as np
import pytest

from rounds.fakes import CountingEmbed, FakeClock, HashingEmbed, ScriptedLLM


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def test_scripted_model_says_its_replies_in_order_and_keeps_what_it_was_sent():
    llm = ScriptedLLM(["one", "two"])
    messages = [user("first")]
    assert llm(messages) == "one"
    messages.append(user("second"))
    assert llm(messages) == "two"
    assert llm.sent == [[user("first")], [user("first"), user("second")]]


def test_scripted_exception_is_raised_and_a_function_answers_what_it_was_sent():
    llm = ScriptedLLM([TimeoutError("slow"), lambda sent: sent[-1]["content"].upper()])
    with pytest.raises(TimeoutError, match="slow"):
        llm([user("a")])
    assert llm([user("a")]) == "A"


def test_scripted_model_asked_once_too_often_says_so():
    llm = ScriptedLLM(["only"])
    llm([user("a")])
    with pytest.raises(IndexError, match="asked 2 times, but only 1 "):
        llm([user("a")])


@pytest.mark.parametrize(
    "messages", ["hello", [], ["hello"], [{"role": "user"}], [{"content": "x"}], None]
)
def test_messages_that_no_server_would_take_are_refused(messages):
    with pytest.raises(ValueError, match="message"):
        ScriptedLLM(["x"])(messages)


def test_hashing_embedder_gives_unit_rows_the_same_every_time():
    texts = ["the cat sat", "", "naïve 你好"]
    rows = HashingEmbed(64)(texts)
    assert rows.shape == (3, 64) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 0, 1], rtol=1e-6)
    np.testing.assert_array_equal(rows, HashingEmbed(64)(texts))
    assert HashingEmbed(64)([]).shape == (0, 64)


def test_hashing_embedder_puts_texts_that_share_words_closer():
    a, b, c = HashingEmbed()(
        ["The cache holds keys.", "Which keys are cached?", "Rain fell on Paris."]
    )
    assert a @ b > 0.2 > a @ c


def test_hashing_embedder_refuses_a_bare_text():
    with pytest.raises(TypeError, match="a list of texts"):
        HashingEmbed()("one text")


def test_counting_embedder_keeps_each_call():
    embed = CountingEmbed(HashingEmbed(8))
    assert embed(["a", "b"]).shape == (2, 8)
    embed(["c"])
    assert embed.calls == [["a", "b"], ["c"]]


def test_fake_time_passes_only_by_sleeping():
    clock = FakeClock(5)
    clock.sleep(2.5)
    asyncio.run(clock.async_sleep(1))
    assert (clock(), clock.slept) == (8.5, [2.5, 1])
    with pytest.raises(ValueError, match="non-negative"):
        clock.sleep(-1)
