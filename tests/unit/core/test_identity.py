"""Names: ids, emails, external ids, and what a ref may mean."""

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES
from hypothesis import example, given
from hypothesis import strategies as st

from contacts.core.ids import (
    NameKind,
    Ref,
    RefKind,
    _validated,
    first_uuid7,
    is_e164,
    is_plain_email,
    is_uuid,
    last_uuid7,
    looked_up_email,
    possible_id,
    possible_names,
    stored_email,
    uuid7,
)
from tests.support.counting import calls_made

MOMENTS = st.integers(0, (1 << 48) - 1)


@given(MOMENTS, st.binary(min_size=10, max_size=10))
def test_a_uuid7_has_its_version_variant_and_moment(at_ms: int, random: bytes) -> None:
    made = uuid7(at_ms, random)
    assert is_uuid(made)
    assert made[14] == "7"
    assert made[19] in "89ab"
    assert int(made.replace("-", "")[:12], 16) == at_ms


@given(MOMENTS, MOMENTS, st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_ids_made_later_sort_later(one: int, other: int, random: bytes, other_random: bytes) -> None:
    if one < other:
        assert uuid7(one, random) < uuid7(other, other_random)
    assert first_uuid7(one) <= uuid7(one, random) <= last_uuid7(one)


@given(st.lists(st.binary(min_size=10, max_size=10), unique=True, max_size=50))
def test_ids_of_one_millisecond_differ_where_their_random_bits_do(randoms: list[bytes]) -> None:
    kept = {int.from_bytes(random, "big") & ((1 << 74) - 1) for random in randoms}
    assert len({uuid7(0, random) for random in randoms}) == len(kept)


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("o'brien+news@example.com", "o'brien+news@example.com"),
        ("info@exämple.com", "info@xn--exmple-cua.com"),
        ("info@EXÄMPLE.com", "info@xn--exmple-cua.com"),
        ("info@xn--exmple-cua.com", "info@xn--exmple-cua.com"),
        ("jo@shop.test", "jo@shop.test"),
    ],
)
def test_an_email_is_stored_in_one_form(given_: str, stored: str) -> None:
    assert stored_email(given_) == stored
    assert stored_email(stored) == stored


@pytest.mark.parametrize(
    "email",
    ["", "a", "a@b", "a@test", "ünï@exämple.com", "a b@example.com", "a@example..com", "@example.com",
     "a@-example.com", f"{'a' * 300}@example.com", f"a@{'b' * 250}.com", "a@[127.0.0.1]", "a@example.com\n",
     f"{'a' * 65}@example.com"],
)  # fmt: skip
def test_what_is_no_email_is_refused(email: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        stored_email(email)


@pytest.mark.parametrize(
    "domain",
    [
        "qua\N{KELVIN SIGN}.example",
        "ſhop.example",
        "İstanbul.example",
        "ｅxample.com",
        "ﬁrst.example",
        "example.ℂom",
    ],
)
def test_a_domain_with_a_letter_that_would_become_ascii_is_refused(domain: str) -> None:
    email = f"ada@{domain}"
    with pytest.raises(ValueError, match="only looks like an ASCII letter"):
        stored_email(email)
    assert looked_up_email(email) is None


@pytest.mark.parametrize(
    ("domain", "stored"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("ısı.example", "xn--s-ekab.example"),
        ("例え。example", "xn--r8jz45g.example"),
        ("BU\N{COMBINING DIAERESIS}CHER.example", "xn--bcher-kva.example"),
        ("Ångström.example", "xn--ngstrm-hua5l.example"),
    ],
)
def test_a_domain_in_any_other_script_is_taken(domain: str, stored: str) -> None:
    assert stored_email(f"ada@{domain}") == f"ada@{stored}"


@pytest.mark.parametrize("email", ["a@b@", "@"])
def test_an_email_without_a_domain_is_refused(email: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        stored_email(email)


@given(st.emails())
def test_looking_up_an_email_finds_what_was_stored(email: str) -> None:
    try:
        stored = stored_email(email)
    except ValueError:
        return
    assert looked_up_email(email) == stored
    assert looked_up_email(email.upper()) in (stored, None)


PLAIN_PARTS = st.text("abcz019._+-", max_size=70)


@given(
    st.one_of(
        st.emails(),
        st.builds(
            "{}@{}.{}".format,
            PLAIN_PARTS,
            PLAIN_PARTS,
            st.sampled_from(
                ["com", "de", "museum", "local", "onion", "test", "c", "co.uk", "a1", "xn--p1ai", "x" * 64]
            ),
        ),
    )
)
def test_a_plain_email_is_one_the_library_returns_as_it_is(email: str) -> None:
    if is_plain_email(email.lower()):
        assert _validated(email) == email.lower() == stored_email(email)


@given(st.text(st.characters(max_codepoint=127, exclude_characters="@")))
@example("<")
@example("<>0")
@example("><")
@example('"a')
@example('"<"')
def test_what_has_no_at_sign_is_refused_in_the_words_of_the_library(email: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as theirs:
        _validated(email)
    with pytest.raises(ValueError, match=r"\w") as ours:
        stored_email(email)
    assert str(ours.value) == str(theirs.value)


def test_every_special_use_domain_but_test_is_left_to_the_library() -> None:
    for domain in set(SPECIAL_USE_DOMAIN_NAMES) - {"test"}:
        assert not is_plain_email(f"ada@example.{domain}")


@pytest.mark.parametrize("email", ["ada@example.com", "ada.l+news@mail.example-shop.co.uk", "a_b-c@x1.io"])
def test_the_usual_email_is_plain(email: str) -> None:
    assert is_plain_email(email)


def test_a_ref_is_tried_as_what_it_looks_like_and_then_as_external_id() -> None:
    some_id = "01941F29-7C00-7AAA-8000-000000000001"
    assert possible_id(Ref(some_id)) == some_id.lower()
    assert [name.kind for name in possible_names(Ref(some_id))] == [NameKind.ALIAS, NameKind.EXTERNAL_ID]
    assert [*possible_names(Ref("Ada@Example.com"))] == [
        (NameKind.EMAIL, "ada@example.com"),
        (NameKind.EXTERNAL_ID, "Ada@Example.com"),
    ]
    assert [*possible_names(Ref("CRM-1"))] == [(NameKind.EXTERNAL_ID, "CRM-1")]


def test_by_says_outright_what_a_ref_is() -> None:
    some_id = "01941f29-7c00-7aaa-8000-000000000001"
    by_id, by_email, by_external_id = (RefKind.ID,), (RefKind.EMAIL,), (RefKind.EXTERNAL_ID,)
    assert possible_id(Ref(some_id, by_external_id)) is None
    assert [*possible_names(Ref(some_id, by_external_id))] == [(NameKind.EXTERNAL_ID, some_id)]
    assert [*possible_names(Ref("a@example.com", by_email))] == [(NameKind.EMAIL, "a@example.com")]
    assert [*possible_names(Ref("a@example.com", by_id))] == []
    assert [*possible_names(Ref("a@example.com", by_id + by_external_id))] == [
        (NameKind.EXTERNAL_ID, "a@example.com")
    ]
    assert [*possible_names(Ref("", by_email + by_external_id))] == []


@given(st.text(), st.sampled_from(["example.com", "exämple.com", "K.example"]))
@example("quac\N{KELVIN SIGN}", "example.com")
@example("a\N{GREEK VARIA}b", "example.com")
@example("ﬁ", "example.com")
@example("Ａda", "example.com")
@example("ada\N{FULLWIDTH COMMERCIAL AT}x", "example.com")
def test_a_local_part_that_is_not_ascii_is_nobodys(local: str, domain: str) -> None:
    """However it would be folded: it must not become the address of somebody else."""
    email = f"{local}@{domain}"
    if local.isascii():
        found = looked_up_email(email)
        assert found is None or found.rpartition("@")[0] == local.lower()
        return
    with pytest.raises(ValueError, match="before the @-sign"):
        stored_email(email)
    assert looked_up_email(email) is None
    names = [name for name in possible_names(Ref(email)) if name.kind is NameKind.EMAIL]
    assert names == []


@pytest.mark.parametrize("ref", ["x" * 256, f"{'x' * 250}@example.com"])
def test_a_ref_longer_than_any_name_names_nothing(ref: str) -> None:
    assert [*possible_names(Ref(ref))] == []


@pytest.mark.parametrize(("phone", "is_one"), [
    ("+4915112345678", True), ("+14155550100", True), ("+123456789012345", True),
    ("4915112345678", False), ("+0151123", False), ("+1234567890123456", False), ("+1 415 555", False),
    ("+١٢٣٤٥٦٧", False), ("", False),
])  # fmt: skip
def test_phones_are_e164(phone: str, is_one: bool) -> None:
    assert is_e164(phone) is is_one


def test_a_letter_of_a_domain_is_looked_at_once() -> None:
    def refused() -> None:
        with pytest.raises(ValueError, match="too long"):
            stored_email(f"a@{'é' * 10_000}.com")

    refused()
    assert calls_made(refused) < 2_000
