"""What is shown is what is printable, and a reader can tell what was there."""

from hypothesis import example, given
from hypothesis import strategies as st

from host.errors import BadInput
from host.printable import printable

ANY = st.text(st.characters(exclude_categories=()))


@given(ANY)
@example("\x1b]0;title\x07\x9b31m\u202e\u2028\ud800\x7f\xa0")
@example("Zaunkönig 鳥 …")
def test_everything_is_printable_and_what_was_stays(text: str) -> None:
    made = printable(text)
    assert made.isprintable()
    assert (made == text) == text.isprintable()
    shown = iter(made)
    for character in text:
        escape = (
            character.encode("unicode_escape").decode()
            if not character.isprintable()
            else character
        )
        assert "".join(next(shown) for _ in escape) == escape


@given(ANY)
def test_what_is_kept_stays(text: str) -> None:
    made = printable(text, keep="\n\t")
    assert made.replace("\n", "").replace("\t", "").isprintable()
    assert [made.count(c) for c in "\n\t"] == [text.count(c) for c in "\n\t"]


@given(ANY)
def test_an_error_can_be_shown(text: str) -> None:
    error = BadInput(text, evidence=text, next_step=text)
    for shown in (str(error), *error.args):
        assert shown.replace("\n", "").replace("\t", "").isprintable()
