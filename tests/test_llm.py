"""`rounds.llm`: one function over three models; the server is one on loopback."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai
import pytest

from rounds import llm, models
from rounds.fakes import ScriptedLLM
from rounds.models import files, ranks
from rounds.models.tiny import CONFIG, tiny

HELLO = [{"role": "user", "content": "Hello, wörld."}]
VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")


@pytest.fixture(autouse=True)
def own_variables(monkeypatch):
    """No server of the reader's, and no proxy on the way to loopback."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


class Server:
    """A server of one answer that keeps what it was asked; `hold` keeps it waiting."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.asked: list[dict[str, Any]] = []
        self.hold = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked = {"path": self.path, "key": self.headers["Authorization"]}
                outer.asked.append(asked | {"body": json.loads(body)})
                answer(self)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.hold.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """serve(body, status=200) starts a server that answers with this."""
    servers = []

    def start(
        body: Any = None, status: int = 200, kind: str = "application/json"
    ) -> Server:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Content-Type", kind)
            handler.send_header("Content-Length", str(len(raw)))
            handler.end_headers()
            handler.wfile.write(raw)

        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def reply(content: Any) -> dict[str, Any]:
    """A body as OpenAI's interface has it."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "choices": [choice]}


def trouble(ask: llm.LLM) -> str:
    """The sentence of the failure, which is one sentence on one line."""
    with pytest.raises(llm.LLMError) as error:
        ask(HELLO)
    said = str(error.value)
    assert said.endswith(".") and "\n" not in said
    return said


def connect(server: Server, **options: Any) -> llm.LLM:
    options = {"model": "small", "api_key": "k", "base_url": server.url} | options
    return llm.connect("openai", **options)


# Which model


def test_scripted_model_is_the_default():
    ask = llm.connect(replies=["one"])
    assert isinstance(ask, ScriptedLLM)
    assert ask(HELLO) == "one"


def test_another_kind_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="'gpt' here: scripted, local, openai"):
        llm.connect("gpt")


# The local model


def test_local_model_says_what_the_model_generates():
    model = tiny()
    ask = llm.connect("local", model=model, max_tokens=6, temperature=1.5, seed=3)
    chat = [{"role": "system", "content": "x"}, {"role": "user", "content": "hi"}]
    options = dict(max_tokens=6, temperature=1.5, seed=3)
    due = "".join(models.stream(model, chat, **options))
    assert due and ask(chat) == due
    assert ask(chat) == due  # the seed counts anew
    other = llm.connect("local", model=model, max_tokens=6, temperature=1.5, seed=4)
    assert other(chat) != due


def test_local_model_is_greedy_unless_told_and_stops_at_the_end_of_its_turn():
    temperatures = []
    drawn = iter([*b"Yes.", 258, *b"user"])  # 258 is <|im_end|>

    def sample(logits, *, temperature, rng):
        temperatures.append(temperature)
        return next(drawn)

    ask = llm.connect("local", model=tiny(sample=sample), max_tokens=20)
    assert ask([{"role": "system", "content": ""}]) == "Yes."
    assert set(temperatures) == {0}


def test_messages_that_leave_no_room_for_the_reply_are_one_sentence():
    chat = [{"role": "system", "content": "x" * 20}, {"role": "user", "content": "hi"}]
    length = len(models.chat_ids(tiny().tokenizer, chat))
    room = CONFIG.max_len - length
    sample = lambda logits, **settings: 65  # noqa: E731
    fits = llm.connect("local", model=tiny(sample=sample), max_tokens=room)
    assert fits(chat) == "A" * room
    with pytest.raises(llm.LLMError) as error:
        llm.connect("local", model=tiny(), max_tokens=room + 1)(chat)
    assert str(error.value) == (
        f"The messages have {length} tokens and the reply may have {room + 1}, but the "
        "model holds 96: send fewer or shorter messages, or lower max_tokens."
    )


def test_a_local_model_that_says_nothing_is_one_sentence():
    ask = llm.connect("local", model=tiny(sample=lambda *_, **__: 258), max_tokens=5)
    with pytest.raises(llm.LLMError, match="^The model said nothing: ask otherwise"):
        ask([{"role": "system", "content": ""}])


def test_a_local_model_that_is_not_installed_is_one_sentence(monkeypatch):
    def distribution(name):
        raise files.PackageNotFoundError(name)

    monkeypatch.setattr(files, "distribution", distribution)
    with pytest.raises(llm.LLMError, match=r"run make models\.$"):
        llm.connect("local")


@pytest.mark.skipif(
    not files.installed(files.SMOLLM2), reason="needs the model: make models"
)
def test_the_real_model_answers():
    said = llm.connect("local", max_tokens=24)(
        [{"role": "user", "content": "What is the capital of France?"}]
    )
    assert "Paris" in said and "<|" not in said


# A server


def test_server_is_sent_the_messages_the_model_and_the_key(serve, monkeypatch):
    server = serve(reply("Good morning, wörld."))
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "secret-1\n")
    ask = llm.connect("openai", model="small", temperature=0.2, max_tokens=9)
    assert ask(HELLO) == "Good morning, wörld."
    body = {"model": "small", "messages": HELLO, "temperature": 0.2, "max_tokens": 9}
    assert server.asked == [
        {"path": "/v1/chat/completions", "key": "Bearer secret-1", "body": body}
    ]


def test_arguments_come_before_the_variables(serve, monkeypatch):
    server = serve(reply("yes"))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "secret-1")
    assert connect(server, api_key="secret-2")(HELLO) == "yes"
    assert server.asked[0]["key"] == "Bearer secret-2"
    assert server.asked[0]["body"] == {"model": "small", "messages": HELLO}


def test_without_an_address_the_server_is_openai(monkeypatch):
    seen = []

    class Client(openai.OpenAI):
        def __init__(self, **options):
            super().__init__(**options)
            seen.append(str(self.base_url))

    monkeypatch.setattr(openai, "OpenAI", Client)
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    llm.connect("openai", model="small", api_key="k")
    assert seen == ["https://api.openai.com/v1/"]


@pytest.mark.parametrize("kind", ["local", "openai"])
def test_messages_that_no_server_would_take_are_not_sent(serve, kind):
    server = serve(reply("yes"))
    ask = connect(server) if kind == "openai" else llm.connect(kind, model=tiny())
    with pytest.raises(ValueError, match="message"):
        ask("Hello")
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "due"),
    [
        (400, "refuses the request (400), saying {'message': 'no {} now'}."),
        (401, "refuses the key (401): set OPENAI_API_KEY."),
        (403, "does not let this key do that (403): see what the account may use."),
        (
            404,
            "has no such model, or nothing at this address (404): see the model's "
            "name and OPENAI_BASE_URL, which mostly ends in /v1.",
        ),
        (
            429,
            "takes no more requests now (429): wait, or see what the account has left.",
        ),
        (500, "failed (500): try again later."),
        (503, "failed (503): try again later."),
    ],
)
def test_each_status_has_its_sentence_and_is_not_tried_again(serve, status, due):
    server = serve({"error": {"message": "no {} now"}}, status)
    assert trouble(connect(server)) == f"{server.url} {due}"
    assert len(server.asked) == 1


def test_what_a_server_says_of_the_key_is_not_repeated(serve):
    server = serve({"error": {"message": "bad key secret-1"}}, 401)
    assert "secret-1" not in trouble(connect(server, api_key="secret-1"))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>A router's page</html>", "text/html"),
        (b'{"choices": [', "application/json"),
        (b'{"choices": "\xff"}', "application/json"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"{}", "application/json"),
        (b'{"choices": []}', "application/json"),
        (b'{"choices": [{}]}', "application/json"),
        (b'{"choices": ["Hello"]}', "application/json"),
        (json.dumps(reply(7)).encode(), "application/json"),
        (json.dumps(reply(["Hello"])).encode(), "application/json"),
    ],
)
def test_an_answer_that_is_not_of_the_interface_is_one_sentence(serve, body, kind):
    server = serve(body, kind=kind)
    assert trouble(connect(server)) == (
        f"{server.url} answers, but not as OpenAI does: see that OPENAI_BASE_URL is "
        "right."
    )


@pytest.mark.parametrize("content", ["", " \n", None])
def test_an_empty_reply_is_one_sentence(serve, content):
    server = serve(reply(content))
    said = f"{server.url} said nothing: ask otherwise, or raise max_tokens."
    assert trouble(connect(server)) == said


def test_a_server_that_does_not_answer_in_time_is_one_sentence():
    server = Server(lambda handler: server.hold.wait(20))  # or it would never end
    try:
        said = trouble(connect(server, timeout=0.05))
        assert said == (
            f"{server.url} has not answered in 0.05 s: try again, or give a longer "
            "timeout."
        )
    finally:
        server.close()


def test_a_server_that_hangs_up_is_one_sentence():
    def hang_up(handler):
        handler.connection.shutdown(socket.SHUT_RDWR)

    server = Server(hang_up)
    try:
        assert trouble(connect(server)).startswith(f"{server.url} cannot be reached")
        assert len(server.asked) == 1
    finally:
        server.close()


def test_a_server_that_is_not_there_is_one_sentence_without_the_password():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        place = f"127.0.0.1:{taken.getsockname()[1]}/v1"
        ask = llm.connect(
            "openai", model="small", api_key="k", base_url=f"http://me:word@{place}"
        )
        assert trouble(ask) == (
            f"http://{place} cannot be reached: see that it runs and that "
            "OPENAI_BASE_URL is right."
        )


def test_an_address_that_is_none_is_one_sentence(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:port/v1")
    with pytest.raises(llm.LLMError, match=r"^OPENAI_BASE_URL is no address: .*port"):
        llm.connect("openai", model="small", api_key="k")


@pytest.mark.parametrize("key", ["", "  ", "schlüssel", "a\nb"])
def test_a_key_that_is_none_is_one_sentence_that_does_not_repeat_it(monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(llm.LLMError) as error:
        llm.connect("openai", model="small")
    assert str(error.value) == (
        "OPENAI_API_KEY is not set, or has letters that no key has: set it (a server "
        "of your own mostly takes any word)."
    )


def test_the_client_that_is_not_installed_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(llm.LLMError, match="openai .*-r requirements-llm.txt.$"):
        llm.connect("openai", model="small", api_key="k")


def test_an_option_that_the_client_does_not_have_is_no_failure_of_the_server(serve):
    ask = connect(serve(reply("yes")), temprature=0)
    with pytest.raises(TypeError, match="temprature"):
        ask(HELLO)


# Tokens


@pytest.mark.skipif(
    not all(map(files.installed, ranks.ADDRESSES.values())),
    reason="needs the vocabularies: make models",
)
def test_tokens_are_those_of_tiktoken_and_special_ones_plain_text():
    assert llm.count_tokens("") == 0
    assert llm.count_tokens("Hello, world!") == 4
    assert llm.count_tokens("naïve 世界 " * 3, "gpt2") == len(
        ranks.encoding("gpt2").encode("naïve 世界 " * 3)
    )
    assert llm.count_tokens("<|endoftext|>", "cl100k_base") > 1


def test_vocabulary_that_is_not_installed_or_unknown_is_one_sentence(monkeypatch):
    def distribution(name):
        raise files.PackageNotFoundError(name)

    monkeypatch.setattr(files, "distribution", distribution)
    llm._encoding.cache_clear()
    with pytest.raises(models.ModelFileError, match="run make models"):
        llm.count_tokens("a")
    with pytest.raises(ValueError, match="no vocabulary 'gpt3' here: gpt2"):
        llm.count_tokens("a", "gpt3")
