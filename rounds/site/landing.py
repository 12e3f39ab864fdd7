"""What the landing page computes: the score, the map of topics, a report.

{rounds-score}           the bank's score, as one sentence
{rounds-topics}          the topics by the parts of the book: the question as it is
                         asked, how long it takes, who asks it, and where to begin
{rounds-check} NAME      a program, and the report that its check really gives
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import rounds
from rounds import audit, catalog
from rounds.site import contents


class ScoreDirective(SphinxDirective):
    """Says the score of the bank (rounds.audit)."""

    def run(self) -> list[nodes.Node]:
        """One paragraph with the sentence."""
        sentence = contents.score_sentence(audit.recorded())
        return [nodes.paragraph("", sentence, classes=["rounds-score"])]


class TopicsDirective(SphinxDirective):
    """The map of topics, in the order of the book: cards, grouped by part."""

    def run(self) -> list[nodes.Node]:
        """A section for each part of the book, with a list of cards in it."""
        self.root = Path(self.env.srcdir)
        self.in_book = contents.pages(self.root)
        self.scores = audit.recorded()
        return [self.part(*part) for part in contents.parts(self.root)]

    def part(self, caption: str, cards: list[catalog.Topic]) -> nodes.section:
        """The part's heading and, below it, its cards."""
        section = nodes.section("", nodes.title("", caption), names=[caption.lower()])
        self.state.document.note_implicit_target(section, section)
        topics = map(self.card, cards)
        section += nodes.bullet_list("", *topics, classes=["rounds-topics"])
        return section

    def card(self, card: catalog.Topic) -> nodes.list_item:
        """One topic. Its links are resolved like those of the page."""
        item = nodes.list_item(classes=["rounds-topic"])
        shortest, longest = card.minutes
        item += self.words("title", f"[{card.title}](chapters/{card.name}.ipynb)")
        effort = f"{shortest} to {longest} minutes, {card.difficulty}"
        item += self.words("effort", effort)
        asked = contents.question(self.root, card.name)
        if asked:
            item += self.words("question", f"“{asked}”")
        else:
            item += self.words("summary", card.summary)
        if card.asked_by:
            sources = ", ".join(f"[{name}]({link})" for name, link in card.asked_by)
            item += self.words("asked", f"Reported from {sources}.")
        if card.name in self.scores:
            score = self.scores[card.name]
            known = f"{score.right} right programs and name {score.named} mistakes"
            item += self.words("bank", f"Its checks accept {known}.")
        links = [
            f"[{title}]({room}/{card.name}.ipynb)"
            for room, title in contents.ROOMS.items()
            if f"{room}/{card.name}" in self.in_book
        ]
        item += self.words("links", " ".join(links))
        return item

    def words(self, role: str, text: str) -> nodes.Node:
        """A paragraph of Markdown that the style sheet knows as rounds-topic-`role`."""
        (paragraph,) = self.parse_text_to_nodes(text)
        paragraph["classes"].append(f"rounds-topic-{role}")
        return paragraph


class CheckDirective(SphinxDirective):
    """Shows a program and the report that the named check gives it."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The program as code, and under it the report."""
        program = "\n".join(self.content)
        exercise = catalog.find(self.arguments[0])
        # As in a notebook: a program of __main__ can be sent to a child process.
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(program, f"<{self.env.docname}>", "exec"), namespace)
        report = rounds.check(exercise.name, namespace[exercise.target])
        code = nodes.literal_block(program, program, language="python")
        return [code, nodes.raw("", report._repr_html_(), format="html")]
