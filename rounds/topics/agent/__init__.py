"""The agent loop: a model that calls tools, and a calculator that cannot be misused."""

from rounds.catalog import Topic

TOPIC = Topic(
    name="agent",
    title="Agent loop",
    summary=(
        "A model calls tools until it has an answer: errors it can read, checked "
        "arguments, approval, a budget; and a calculator without eval."
    ),
    minutes=(45, 60),
    difficulty="medium to hard",
)
