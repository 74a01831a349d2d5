"""Which field each column is: guessed, or as the caller says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.book.schemas import ContactFields
from contacts.core.errors import InvalidInput
from contacts.imports.mapping.column_names import ENGLISH, OTHER_LANGUAGES, SECOND_CHOICE
from contacts.imports.mapping.columns import (
    FIELDS,
    SEVERAL,
    UNPACKED,
    complete_mapping,
    corrected_mapping,
    guessed_mapping,
    is_mappable,
    key_of,
    mapping_errors,
    target_of,
)
from contacts.properties.model import CORE_FIELDS


@pytest.mark.parametrize(
    ("columns", "targets"),
    [
        ("Email|First Name|LAST-NAME|phone", "email|first_name|last_name|phone"),
        ("E-Mail-Adresse|Vorname|Nachname|Handynummer", "email|first_name|last_name|phone"),
        ("Courriel|Prénom|Nom|Téléphone", "email|first_name|last_name|phone"),
        ("Correo electrónico|Nombre|Apellidos|Móvil", "email|first_name|last_name|phone"),
        ("Endereço de e-mail|Nome|Sobrenome|Celular", "email|first_name|last_name|phone"),
        ("Indirizzo e-mail|Nome|Cognome|Cellulare", "email|first_name|last_name|phone"),
        ("E-mailadres|Voornaam|Achternaam|Telefoonnummer", "email|first_name|last_name|phone"),
        ("Adres e-mail|Imię|Nazwisko|Numer telefonu", "email|first_name|last_name|phone"),
        ("E-POSTA|ADI|SOYADI|CEP TELEFONU", "email|first_name|last_name|phone"),
        ("Електронна пошта|Ім’я|Прізвище|Телефон", "email|first_name|last_name|phone"),
        ("Электронная почта|Имя|Фамилия|Телефон", "email|first_name|last_name|phone"),
        # A decomposed accent, as macOS writes it.
        ("Pre\u0301nom|email", "first_name|email"),
        # What "name" means depends on what stands beside it.
        ("Name|Vorname", "last_name|first_name"),
        ("Name|Surname", "first_name|last_name"),
        ("Name|Email", "name|email"),
        ("Nom|Courriel", "name|email"),
        ("Nombre|Correo", "name|email"),
        # The second column of a kind keeps its own name.
        ("Email|E-Mail 2|Email (2)", "email|custom_fields.e_mail_2|custom_fields.email_2"),
        ("Mail|Email", "custom_fields.mail|email"),
        ("Home Phone|Mobile Phone|Fax", "custom_fields.home_phone|phone|custom_fields.fax"),
        ("Home Phone|Fax", "phone|custom_fields.fax"),
        # Other words around a field's name make another column of it.
        (
            "Email|Email consent|Email opt-in date|Email domain|Lead Status",
            "email|is_subscribed|custom_fields.email_opt_in_date|custom_fields.email_domain|custom_fields.lead_status",
        ),
        ("Tags|Labels|Lists", "tags|tags|lists"),
        ("STATUS|UNSUB_TIME|Subscribed", "status|unsubscribed_at|is_subscribed"),
        # Unknown columns become custom fields.
        (
            "Shoe size|Größe (cm)|T-Shirt",
            "custom_fields.shoe_size|custom_fields.größe_cm|custom_fields.t_shirt",
        ),
        ("Shoe size|shoe-size", "custom_fields.shoe_size|custom_fields.shoe_size_2"),
        ("age:number|vip:boolean", "custom_fields.age:number|custom_fields.vip:boolean"),
        ("???|Add Tags|remove_tags", "custom_fields.column|add_tags|custom_fields.remove_tags_2"),
        # Ghost, Constant Contact, HubSpot, Outlook, Klaviyo, Keila.
        (
            "id|email|name|note|subscribed_to_emails|created_at|labels",
            "|email|name|custom_fields.note|is_subscribed||tags",
        ),
        (
            "Email address|First name|Email status|Email permission status|Email Lists|Tags",
            "email|first_name|status|status|lists|tags",
        ),
        (
            "Record ID|First Name|Email|Phone Number|Lead Status|Unsubscribed from all email",
            "external_id|first_name|email|phone|custom_fields.lead_status|is_unsubscribed",
        ),
        (
            "First Name|E-mail Address|E-mail 2 Address|Home Phone|Mobile Phone",
            "first_name|email|custom_fields.e_mail_2_address|custom_fields.home_phone|phone",
        ),
        (
            "Email|Phone Number|Email Marketing Consent|SMS Consent|Email Suppressions",
            "email|phone|status|custom_fields.sms_consent|unsubscribed_at",
        ),
        ("Email|Data|Status|External ID", "email|custom_fields|status|external_id"),
        # A postal code in Brazil, a mobile in Turkey: not guessed.
        ("CEP|Telefone", "custom_fields.cep|phone"),
        # Our own export, and an error file.
        (
            "id|version|created_at|custom_fields.age:number|custom_fields.a.b|custom_fields|metadata.x|metadata",
            "||||",
        ),
        ("email|import_line|import_field|import_reason", "email|||"),
    ],
)
def test_columns_are_guessed_by_their_names(columns: str, targets: str) -> None:
    names = columns.split("|")
    if targets == "||||":
        targets = "|||custom_fields.age:number|custom_fields.a.b|custom_fields|metadata.x|metadata"
    expected = [target or None for target in targets.split("|")]
    assert guessed_mapping(names) == dict(zip(names, expected, strict=True))


def test_every_word_of_the_tables_is_a_target() -> None:
    for table in (ENGLISH, *OTHER_LANGUAGES, SECOND_CHOICE):
        assert all(target_of(target) is not None for target in table)
        assert all(key_of(name) for names in table.values() for name in names.split(","))


def test_whatever_a_request_may_set_a_column_may_be() -> None:
    assert set(ContactFields.model_fields) <= set(FIELDS)
    own = {name: guessed_mapping([name])[name] for name in FIELDS if name != UNPACKED}
    assert own == {name: name for name in own}


def test_the_spelling_of_a_property_counts() -> None:
    assert guessed_mapping(["Shoe Size"], ["shoeSize"]) == {"Shoe Size": "custom_fields.shoeSize"}


def test_what_the_caller_says_counts_and_the_rest_is_guessed() -> None:
    given = {"Mail": "external_id", "Notes": None, "Age": "custom_fields.age:number"}
    assert complete_mapping(["Mail", "Kundennummer", "Notes", "Age", "E-Mail"], given) == {
        "Mail": "external_id",
        "Kundennummer": "custom_fields.kundennummer",
        "Notes": None,
        "Age": "custom_fields.age:number",
        "E-Mail": "email",
    }


@pytest.mark.parametrize(
    ("given_mapping", "field", "says"),
    [
        ({"Mail": "email"}, "mapping.Mail", "is no column of the file"),
        ({"Email": "mail"}, "mapping.Email", "must be null, email"),
        ({"Email": "custom_fields."}, "mapping.Email", "must be null, email"),
        ({"Email": "id"}, "mapping.Email", "must be null, email"),
        ({"Email": "email:text"}, "mapping.Email", "must be null, email"),
        ({"Email": f"custom_fields.{'x' * 256}"}, "mapping.Email", "must be null, email"),
        ({"Email": "metadata.a\0"}, "mapping.Email", "must be null, email"),
        ({"Email": "email", "Other": "email"}, "mapping.Other", "is email, and so is the column Email"),
        ({"Email": "metadata.a:json", "Other": "metadata.a"}, "mapping.Other", "is metadata.a, and so is"),
    ],
)
def test_a_wrong_mapping_is_refused_by_the_name_of_the_column(
    given_mapping: dict[str, str | None], field: str, says: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        complete_mapping(["Email", "Other"], given_mapping)
    assert [(error.field, says in error.message) for error in refused.value.errors] == [(field, True)]


@pytest.mark.parametrize(
    ("given_mapping", "corrected"),
    [
        ({}, {"Mail": "email", "Mail 2": "custom_fields.mail_2", "Tags": "tags"}),
        ({"Mail 2": "email"}, {"Mail": "custom_fields.mail", "Mail 2": "email", "Tags": "tags"}),
        ({"Mail 2": "tags"}, {"Mail": "email", "Mail 2": "tags", "Tags": "tags"}),
        ({"Mail 2": None, "Tags": "lists"}, {"Mail": "email", "Mail 2": None, "Tags": "lists"}),
        (
            {"Tags": "custom_fields.mail_2:json"},
            {"Mail": "email", "Mail 2": "custom_fields.mail_2_2", "Tags": "custom_fields.mail_2:json"},
        ),
    ],
)
def test_what_the_caller_says_later_wins(
    given_mapping: dict[str, str | None], corrected: dict[str, str | None]
) -> None:
    columns = ["Mail", "Mail 2", "Tags"]
    assert corrected_mapping(columns, guessed_mapping(columns), given_mapping) == corrected


DECOMPOSED = "Gro\u0308\u00dfe"
COMPOSED = "Gr\u00f6\u00dfe"


@pytest.mark.parametrize(
    ("column", "said"), [(DECOMPOSED, COMPOSED), (COMPOSED, DECOMPOSED), ("First name", " First\n name ")]
)
def test_a_column_may_be_named_as_it_looks(column: str, said: str) -> None:
    columns = ["Email", column]
    expected = {"Email": "email", column: "external_id"}
    assert complete_mapping(columns, {said: "external_id"}) == expected
    before = guessed_mapping(columns)
    assert corrected_mapping(columns, before, {said: "external_id"}) == expected
    # What is spelled as in the file wins.
    assert complete_mapping(columns, {said: "phone", column: "external_id"}) == expected


def test_two_columns_that_look_alike_are_named_as_they_are_spelled() -> None:
    given = {DECOMPOSED: "phone", COMPOSED: "email"}
    assert complete_mapping([DECOMPOSED, COMPOSED], given) == given


def test_a_correction_is_checked_as_a_mapping_is() -> None:
    with pytest.raises(InvalidInput, match=r"mapping\.Name"):
        corrected_mapping(["Mail"], {"Mail": "email"}, {"Name": "name"})
    with pytest.raises(InvalidInput, match=r"mapping\.Mail"):
        corrected_mapping(["Mail"], {"Mail": "email"}, {"Mail": "mail"})


def test_a_mapping_that_is_too_long_with_what_is_guessed_is_refused_as_a_whole() -> None:
    columns = [f"{n:090}x" for n in range(1000)]
    given = {f"{n:0250}": None for n in range(400)}
    with pytest.raises(InvalidInput, match="mapping: has columns and fields of more than 250,000 bytes"):
        complete_mapping(columns, given, may_have_more=True)
    assert len(complete_mapping(columns, {})) == 1000


def test_every_wrong_column_is_named_at_once() -> None:
    assert [error.field for error in mapping_errors({"a": "x", "b": "email", "c": "email", "d": None})] == [
        "mapping.a",
        "mapping.c",
    ]


def test_several_columns_may_be_tags_lists_and_consent() -> None:
    given_mapping = {"a": "tags", "b": "tags", "c": "status", "d": "status"}
    assert mapping_errors(given_mapping) == []


def test_a_member_that_the_first_objects_lack_may_be_mapped() -> None:
    found = complete_mapping(["email"], {"vip": "is_active"}, may_have_more=True)
    assert found == {"email": "email", "vip": "is_active"}


@pytest.mark.parametrize(
    ("columns", "is_enough"),
    [(["Vorname"], False), (["E-Mail"], True), (["Kundennummer"], True), (["properties"], True), ([], False)],
)
def test_a_file_needs_an_email_or_an_external_id(columns: list[str], is_enough: bool) -> None:
    assert is_mappable(guessed_mapping(columns)) is is_enough


USUAL = [
    name.strip()
    for table in (ENGLISH, *OTHER_LANGUAGES)
    for text in table.values()
    for name in text.split(",")
]
COLUMNS = st.lists(
    st.sampled_from([*FIELDS, *sorted(CORE_FIELDS), *USUAL])
    | st.text(max_size=20)
    | st.text("ab_ (2):.").map("custom_fields.{}".format),
    unique=True,
    max_size=12,
)


@given(COLUMNS, st.data())
def test_every_column_gets_a_valid_target_that_no_other_has(columns: list[str], data: st.DataObject) -> None:
    known = st.sampled_from(columns) if columns else st.nothing()
    given_mapping = data.draw(
        st.dictionaries(known, st.sampled_from([*FIELDS, "custom_fields.a", "metadata.b", None]))
    )
    if mapping_errors(given_mapping):
        given_mapping = {}
    mapping = complete_mapping(columns, given_mapping)
    assert list(mapping) == columns
    assert mapping.items() >= given_mapping.items()
    assert mapping_errors(mapping) == []
    targets = [target_of(text) for text in mapping.values() if text is not None]
    assert None not in targets
    for target in targets:
        assert target is not None
        assert target.field in SEVERAL or target.key is not None or target.field in FIELDS
