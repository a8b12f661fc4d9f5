"""Draws are the same everywhere and for ever, uniform, and known by their words alone."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from ddasp._errors import InputError
from ddasp.homework.draw import Draw, student_id


def test_the_stream_is_sha256_of_the_words_and_a_counter() -> None:
    word = "example"
    first = len(word).to_bytes(8, "little") + word.encode() + (0).to_bytes(8, "little")
    by_hand = int.from_bytes(hashlib.sha256(first).digest()[:8], "little")
    assert Draw(word).bits() == by_hand


def test_equal_words_give_equal_draws_and_others_do_not() -> None:
    one, same, other = Draw("a", "b"), Draw("a", "b"), Draw("ab")
    first = [one.bits() for _ in range(20)]
    assert first == [same.bits() for _ in range(20)]
    assert first != [other.bits() for _ in range(20)]


def test_words_are_kept_apart() -> None:
    assert Draw("ab", "c").bits() != Draw("a", "bc").bits()
    assert Draw("a", "").bits() != Draw("a").bits()


def test_the_bits_of_a_known_draw_never_change() -> None:
    # Every task that was ever handed out hangs on these numbers.
    draw = Draw("matrix_fundamentals", "1", "s0123456")
    assert [draw.bits() for _ in range(3)] == [
        6632932246375312182,
        17948270966719783173,
        17838873652505374429,
    ]


def test_integers_are_uniform_between_both_ends() -> None:
    draw = Draw("uniform")
    counts = Counter(draw.between(-2, 2) for _ in range(5000))
    assert set(counts) == {-2, -1, 0, 1, 2}
    # 1,000 expected of each; the standard deviation is 28, so five of them
    assert all(abs(count - 1000) < 142 for count in counts.values())


def test_large_ranges_are_drawn_by_rejection_without_a_tilt() -> None:
    draw, n = (
        Draw("tilt"),
        3 * 2**61,
    )  # without rejection the lowest third would come twice as often
    low = sum(draw.below(n) < n // 3 for _ in range(3000))
    assert abs(low - 1000) < 130  # five standard deviations of 26


def test_a_shuffle_keeps_the_items_and_reaches_every_order() -> None:
    draw = Draw("shuffle")
    orders = Counter("".join(draw.shuffled("abc")) for _ in range(1200))
    assert sorted("".join(order) for order in orders) == ["abc", "acb", "bac", "bca", "cab", "cba"]
    assert all(abs(count - 200) < 65 for count in orders.values())  # five times 13


def test_reals_lie_in_their_range_with_the_mean_in_the_middle() -> None:
    draw = Draw("reals")
    values = [draw.uniform(2.0, 4.0) for _ in range(2000)]
    assert all(2.0 <= value < 4.0 for value in values)
    assert abs(sum(values) / 2000 - 3.0) < 0.065  # five standard errors


@pytest.mark.parametrize("typed", ["S0123456", "  s0123456\n", "s0123456"])
def test_one_student_has_one_id(typed: str) -> None:
    assert student_id(typed) == "s0123456"


@pytest.mark.parametrize(
    "typed", ["", "  ", "a b", "../x", "-x", ".x", "é", "a" * 65, "x/y", "x\0"]
)
def test_an_id_that_could_be_a_path_or_a_lookalike_is_refused(typed: str) -> None:
    with pytest.raises(InputError, match="the student's id is"):
        student_id(typed)


def test_nothing_is_drawn_below_less_than_one() -> None:
    with pytest.raises(InputError, match="n is 0; expected an integer of at least 1"):
        Draw("x").below(0)
    with pytest.raises(InputError, match="expected at most 2"):
        Draw("x").below(2**63 + 1)
    assert 0 <= Draw("x").below(2**63) < 2**63
