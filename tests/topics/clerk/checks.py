from rounds.topics.clerk.right import Entry

from rounds.exercise import Exercise
from rounds.fakes import ScriptedLLM

ask = Exercise("clerk.ask", "ask(question, llm)")
parse = Exercise("clerk.parse", "parse(line)")
EXERCISES = [ask, parse]


@ask.case("The note has the reply and names the model; it is asked once.")
def _(t):
    llm = ScriptedLLM(["yes", "no"])
    note = t.call("Is it so?", llm)
    note.seen_as(lambda note: {"yes": "yes" in note.text, "sources": note.sources})
    note.equals({"yes": True, "sources": ["llm"]})
    t.look("len(llm.sent)", lambda: len(llm.sent)).equals(1)


@parse.case("A name and its tags.")
def _(t):
    t.call("a b c").equals([Entry("a", ("b", "c"))])
