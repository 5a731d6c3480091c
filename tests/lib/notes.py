"""Notes of a report: what people say of a run. They are data, so that a report that is written again keeps them."""

import tomllib


class StaleNotes(Exception):
    """Notes of another version, or such as are none."""


def read(file, version):
    """The notes of a file (TOML: `of`, a version, and `notes`, a list of texts in Markdown); none, if there is no file.

    Notes of another version than this one are refused: they would be told of a run that they are not about.
    """
    if not file.exists():
        return []
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as fault:
        raise StaleNotes(f"{file.name}: {fault}") from None
    notes = told.get("notes")
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes) or set(told) != {"of", "notes"}:
        raise StaleNotes(f"{file.name} has `of`, a version, and `notes`, a list of texts, and nothing else")
    if told["of"] != version:
        raise StaleNotes(f"the notes in {file.name} are of {told['of']}, the run is of {version}: write its own, or none")
    return [" ".join(note.split()) for note in notes]


def section(notes):
    """The lines of a report about them."""
    if notes:
        yield ""
        yield "## Notes"
        yield ""
        yield from (f"- {note}" for note in notes)


def of_page(page):
    """The notes that stand in a report."""
    _, _, rest = page.partition("\n## Notes\n\n")
    return [line.removeprefix("- ") for line in rest.split("\n\n")[0].splitlines()]
