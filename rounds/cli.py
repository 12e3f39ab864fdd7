"""The command `rounds`. Each command says what is wrong in one sentence.

Exit status: 0 done or passed, 1 not passed, 2 bad input, 130 interrupted. What a
command needs is imported when it runs, so that `rounds --help` is quick.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

try:
    import typer
except ImportError:
    sys.exit(
        "The command rounds needs typer: python -m pip install -r requirements.txt "
        "(python -m rounds.doctor says what else is missing)."
    )

from rounds import __version__, practice
from rounds.learner.trouble import fail, in_a_sentence
from rounds.root import course_root

if TYPE_CHECKING:
    from rounds.learner.progress import Standing

app = typer.Typer(
    help="Work the exercises of Coding Rounds on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
TopicName = Annotated[
    str, typer.Argument(metavar="TOPIC", help="Name of a topic, such as attention.")
]


def _standings(root: Path) -> dict[str, "Standing"]:
    """Where the learner stands; tells which lines of the record were skipped."""
    from rounds.learner import lookup

    standings, skipped = lookup.standings(root)
    for each in skipped:
        typer.echo(
            f"work/progress.jsonl, line {each.line} skipped: {each.why}.", err=True
        )
    return standings


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rounds {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    """Work the exercises of Coding Rounds on this machine."""


@app.command()
@in_a_sentence
def start(
    topic: TopicName,
    again: Annotated[
        bool,
        typer.Option("--again", help="Keep the present copy and make a new one."),
    ] = False,
) -> None:
    """Copy a topic's exercise to work/, where you write."""
    from rounds import catalog

    card = catalog.topic(topic)
    done = practice.start(course_root(), card.name, again)
    name = f"work/{card.name}.ipynb"
    if done.kept:
        typer.echo(f"Your copy so far is kept in work/{done.kept.name}.")
    if not done.created:
        typer.echo(f"{name} is there already and was left as it is.")
        typer.echo(f"To begin anew beside it: rounds start {card.name} --again")
        return
    low, high = card.minutes
    typer.echo(f"Created {name} ({low} to {high} minutes). The clock runs.")
    typer.echo(f"Open it in JupyterLab (make lab), or run: rounds check {card.name}")
    if done.unrecorded:
        typer.echo(f"The start was not recorded: {done.unrecorded}.", err=True)


@app.command()
@in_a_sentence
def check(
    topic: TopicName,
    timeout: Annotated[
        int, typer.Option(min=1, help="Seconds that one cell may take.")
    ] = 60,
) -> None:
    """Run your copy and show the reports.

    The exit status is 0 if every exercise of the topic passes, and 1 if not.
    """
    from rounds import catalog
    from rounds.learner import attempt, lookup, progress, screen

    card, root = catalog.topic(topic), course_root()
    notebook, levels = lookup.notebook(root, "work", card.name), lookup.levels(card)
    with screen.progress(f"Running work/{card.name}.ipynb") as on_cell:
        result = attempt.run(notebook, root, timeout, on_cell)
    for text in result.texts:
        typer.echo(f"{text}\n")
    if result.stopped:
        typer.echo(result.stopped)
    if result.unrecorded:
        typer.echo(f"These checks were not recorded: {result.unrecorded}.", err=True)
    ran = {entry.exercise for entry in result.results}
    missing = [screen.short(name) for name in levels if name not in ran]
    if missing:
        typer.echo(f"Not checked (no check ran): {', '.join(missing)}.")
    standing = progress.standing(card.name, levels, result.results)
    if not standing.done:
        typer.echo(f"{len(standing.passing)} of {len(levels)} exercises pass.")
        raise typer.Exit(1)
    fastest = _standings(root)[card.name].best
    best = f" Best time: {progress.duration(fastest)}." if fastest else ""
    typer.echo(f"All {len(levels)} exercises pass.{best}")
    typer.echo(f"Your code beside the solution: rounds compare {card.name}")


@app.command()
@in_a_sentence
def status() -> None:
    """List the topics with what passes and your best time."""
    from rounds.learner import screen

    root = course_root()
    standings = _standings(root)
    screen.console().print(screen.status(list(standings.values())))
    if not any(practice.copy_path(root, name).exists() for name in standings):
        typer.echo(f"Nothing is started yet. Begin with: rounds start {min(standings)}")


@app.command()
@in_a_sentence
def compare(
    topic: TopicName,
    yes: Annotated[
        bool, typer.Option("--yes", help="Show the solution without being asked.")
    ] = False,
) -> None:
    """Show your code beside the solution, which gives it away."""
    from rounds import catalog
    from rounds.learner import lookup, screen, sidebyside

    card, root = catalog.topic(topic), course_root()
    yours = lookup.notebook(root, "work", card.name)
    solution = lookup.notebook(root, "solutions", card.name)
    standing = _standings(root)[card.name]
    if not (yes or standing.done):
        _confirm_spoiler(standing)
    targets = [exercise.target for exercise in card.exercises()]
    pairs, unread = sidebyside.pairs(yours, solution, targets)
    for pair in pairs:
        sidebyside.show(pair, screen.console())
    for sentence in unread:
        typer.echo(sentence, err=True)


def _confirm_spoiler(standing: "Standing") -> None:
    """Ask before the solution is shown to who has not solved everything."""
    count = (
        f"{len(standing.passing)} of {len(standing.exercises)} exercises pass so far"
    )
    if not sys.stdin.isatty():
        fail(
            f"This shows the solution, and {count}: "
            f"rounds compare {standing.topic} --yes shows it all the same.",
            1,
        )
    if not typer.confirm(f"This shows the solution, and {count}. Show it?"):
        raise typer.Exit(1)


@app.command()
@in_a_sentence
def doctor() -> None:
    """Look whether everything the course needs is installed."""
    from rounds import doctor as look

    raise typer.Exit(look.main())


@app.command()
@in_a_sentence
def site() -> None:
    """Build the website into _build/."""
    from rounds.site import SiteError, build

    try:
        build.build(course_root())
    except SiteError as error:
        fail(str(error), 1)


@app.command()
@in_a_sentence
def serve(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port on this machine.")
    ] = 8000,
) -> None:
    """Serve the website on this machine until Ctrl-C."""
    from rounds.site import SiteError
    from rounds.site import serve as server

    try:
        server.serve(port, course_root() / "_build" / "html")
    except SiteError as error:
        fail(str(error), 2)


if __name__ == "__main__":
    app(prog_name="rounds")
