"""Foreign text in sentences, commands that can be pasted, and secrets that are not written."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.wording import amount, inert, plain, shell_line, shown, without_passwords


@given(st.text(), st.integers(1, 80))
def test_what_is_shown_is_one_inert_line_of_bounded_length(text, limit):
    said = shown(text, limit)
    assert len(said) <= limit
    assert said == inert(said)
    assert len(said.splitlines()) <= 1
    if len(text) <= limit and text.isprintable():
        assert said == text


def test_what_was_cut_says_so():
    assert shown("abcdef", 4) == "abc…"
    assert shown("abcd", 4) == "abcd"


@given(st.text())
def test_plain_text_is_inert(text):
    assert plain(text) == inert(plain(text))


# No program can be given a NUL.
WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=40)
@given(st.lists(WORD, min_size=1, max_size=4))
def test_a_shell_reads_the_same_words_back(words):
    words = [word.rstrip("\n") for word in words]
    line = shell_line(["printf", r"%s\0", *words])
    assert line == inert(line)
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=True)
    assert done.stdout.decode("utf-8").split("\0")[:-1] == words


def test_names_that_need_no_quotes_have_none():
    assert shell_line(["mobilesr-tune", "bench", "exp[v2]"]) == "mobilesr-tune bench 'exp[v2]'"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgresql://u:s3cret@h/db", "postgresql://u:***@h/db"),
        ("postgresql+psycopg://u:s/3:cret@h:5/db?a=1", "postgresql+psycopg://u:***@h:5/db?a=1"),
        ("postgresql://u:s3@cr/e@t@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:a@h/db, mysql://v:b@g/e", "postgresql://u:***@h/db, mysql://v:***@g/e"),
        ("--storage=mysql://:s3cret@h/db", "--storage=mysql://:***@h/db"),
        ("postgresql://h/db?user=u&password=s3cret&a=b", "postgresql://h/db?user=u&password=***&a=b"),
        ("x?sslpassword=s3cret'", "x?sslpassword=***'"),
        ("sqlite:////home/a:b@c/study.db", "sqlite:////home/a:b@c/study.db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("no URL: a:b@c", "no URL: a:b@c"),
    ],
)  # fmt: skip
def test_passwords_are_not_shown(text, said):
    assert without_passwords(text) == said


@given(
    st.text(st.characters(exclude_characters="@\n"), min_size=1).filter(lambda p: "***" not in p)
)
def test_no_password_of_a_url_is_left(password):
    text = without_passwords(f"see postgresql://user:{password}@host/db and go on")
    assert text == "see postgresql://user:***@host/db and go on"


@pytest.mark.parametrize(
    ("value", "words"),
    [(1234.5, "1234"), (999.6, "1000"), (99.96, "100"), (12.34, "12.3"), (0.00123, "0.00123"),
     (0.0, "0.00"), (-3.217, "−3.22")],
)  # fmt: skip
def test_an_amount_has_three_digits_and_no_power_of_ten(value, words):
    assert amount(value) == words


@given(st.floats(1e-6, 1e9))
def test_an_amount_is_near_what_it_tells(value):
    assert float(amount(value)) == pytest.approx(value, rel=0.0051)
    assert "e" not in amount(value)
