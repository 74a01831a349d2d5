"""SMASHSEND's newer API, as its Node SDK speaks it: `Authorization: Bearer`, `/v1`, camelCase, milliseconds, cursors.

All fields of a contact stand in `properties`. Its own ones are native fields; the others are custom fields. Errors are
a message and a code.

Sources: github.com/smashsend/smashsend-node 1.19 and the vendor's pages smashsend.com/docs/api/contacts and
…/contact-properties. Where they are silent, the choice is ours, and docs/migrate/smashsend_v2.md tells it.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from time import monotonic
from typing import Any, Final, NamedTuple
from unicodedata import combining, normalize

from contacts.core.errors import (
    MAX_ERRORS_SHOWN,
    ContactNotFound,
    FieldError,
    InvalidInput,
    PropertyNotFound,
)
from contacts.core.violations import (
    NOT_ARRAY,
    NOT_OBJECT,
    NOT_STRING,
    REQUIRED,
    UNKNOWN_FIELD,
    FieldErrorCode,
    Violation,
    more_values_than,
    not_one_of,
)
from contacts.dialects.smashsend_shared import id_in, id_out, other_version
from contacts.dialects.wire import (
    CODES,
    Dialect,
    Fields,
    Named,
    NativeRequest,
    Problem,
    Reply,
    Translation,
    VendorRequest,
    field_errors,
    fields_of,
    in_words,
    one_of,
)

CONTACT: Final = "ctc_"
PROPERTY: Final = "cpd_"
WORKSPACE: Final = "wrk_"
"""The prefixes of ids. A workspace is an account."""
_BY_EMAIL: Final = "by-email/"
"""In the path, before an email in the place of an id."""

_PAGE_SIZE: Final = "15"
_PROPERTIES_PAGE_SIZE: Final = "100"
_SORTS: Final = {"createdAt.desc": "-created_at", "createdAt.asc": "created_at"}
_STATUSES: Final = {"SUBSCRIBED": False, "UNSUBSCRIBED": True}
"""With the native `is_unsubscribed`. The vendor has more, which no native field means."""
_BOOLEANS: Final = {"true": True, "false": False}

_OWN: Final = {
    "email": "email",
    "firstName": "first_name",
    "lastName": "last_name",
    "phone": "phone",
    "tags": "tags",
}
"""Properties that are native fields. So is `status`, which is spelt otherwise, too."""
_KEPT: Final = ("avatarUrl", "birthday", "city", "countryCode", "language")
"""Properties that the vendor shows of every contact; custom fields here."""
_IGNORED: Final = "createdAt"
"""The vendor ignores it, too, unless a batch has `overrideCreatedAt`, which is refused."""
_NOT_PROPERTIES: Final = (
    *("id", "name", "first_name", "last_name", "external_id", "lists", "is_active", "is_unsubscribed"),
    *("metadata", "custom_fields", "customProperties"),
)
"""What would become a custom field although its sender means a field of the contact."""
_VERSION_1: Final = ("email", "name", "tags")
"""What the vendor's older API has beside `properties`."""
_NO_PROPERTY: Final = Violation(
    FieldErrorCode.RESERVED,
    "is no property; a contact's own are email, firstName, lastName, phone, status and tags",
)
_ADD_AND_REMOVE: Final = ("add", "remove")
_ONLY_FOR_TAGS: Final = Violation(
    FieldErrorCode.MISPLACED, "can be changed by add and remove for tags alone; send the whole value"
)
_ONLY_IN_AN_UPDATE: Final = Violation(
    FieldErrorCode.MISPLACED, "is for an update by id; here send add, or all the tags"
)
_NOT_SERVED: Final = Violation(FieldErrorCode.UNKNOWN, "is not served here")

_TYPES: Final = {
    "SELECT": "enum",
    "MULTI_SELECT": "array",
    "STRING": "string",
    "NUMBER": "number",
    "DATE": "date",
    "BOOLEAN": "boolean",
}
_THEIR_TYPES: Final = {
    **{native: theirs for theirs, native in _TYPES.items()},
    "datetime": "DATE",
    "object": "OBJECT",  # a native type; the vendor has nothing of the kind
}
_OPTIONS_OF_MANY: Final = Violation(
    FieldErrorCode.MISPLACED, "are kept for SELECT alone: leave them out, and any array is taken"
)

_OF_CONTACTS: Final = {
    **{native: f"properties.{theirs}" for theirs, native in _OWN.items()},
    "add_tags": "properties.tags.add",
    "remove_tags": "properties.tags.remove",
    "is_unsubscribed": "properties.status",
    "custom_fields": "properties",
}
_OF_PROPERTIES: Final = {"name": "displayName", "label": "displayName", "options": "typeConfig.options"}
_OF_LISTS: Final = {"include_total": "includeCount"}
_MOST_IN_A_BATCH: Final = 100
_BATCH: Final = "POST /v1/contacts/batch"
_SEARCH: Final = "GET /v1/contacts/search"
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "GET /v1/contacts": _OF_LISTS,
    "POST /v1/contacts": _OF_CONTACTS,
    "PUT /v1/contacts/{ref}": _OF_CONTACTS,
    "POST /v1/contact-properties": _OF_PROPERTIES,
    "PUT /v1/contact-properties/{id}": _OF_PROPERTIES,
}
"""The vendor's names of native fields by route."""
_MESSAGES: Final = {
    "contact_not_found": "Contact not found",
    "property_not_found": "Contact property not found",
    "duplicate_contact": "A contact with this email already exists",
    "duplicate_property": "A contact property with this name already exists",
    "route_not_found": "Of SMASHSEND's API this path is not served here: contacts and their properties are",
}
"""The messages by native code. Other messages are the native ones."""
_RETRYABLE: Final = 500
"""From this status on, a contact of a batch may be sent again as it is."""


# Contacts


def contact_out(native: Fields, workspace: str) -> Fields:
    """Returns a native contact as SMASHSEND shows it; what a shortened contact lacks is null.

    `workspace`: the id of the account.
    """
    custom_fields = native.get("custom_fields") or {}
    has_opted_out = native.get("is_unsubscribed")
    own = {
        **{name: custom_fields.get(name) for name in _KEPT},
        **{theirs: native.get(name) for theirs, name in _OWN.items()},
        "status": None if has_opted_out is None else "UNSUBSCRIBED" if has_opted_out else "SUBSCRIBED",
        "tags": native.get("tags") or [],
    }
    return {
        "id": id_out(CONTACT, native["id"]),
        "createdAt": native.get("created_at"),
        "updatedAt": native.get("updated_at") if native.get("version", 0) > 1 else None,
        "workspaceId": _workspace_id(workspace),
        "properties": {**own, **{name: value for name, value in custom_fields.items() if name not in own}},
    }


def _workspace_id(account_id: str) -> str | None:
    return id_out(WORKSPACE, account_id) if account_id else None


def _of_contact(call: VendorRequest) -> Fields:
    """The `properties` of a body.

    Raises:
        InvalidInput: the body is of the older API, or has something beside `properties`.
    """
    given = fields_of(call)
    found = [name for name in _VERSION_1 if name in given]
    if found:
        raise other_version(f"body.{found[0]}", pinned="smashsend_v2", needed="smashsend")
    _refuse_others(given, "body", "properties")
    return _object(given, "properties")


def _native_contact(properties: Fields, at: str, *, is_update: bool) -> Fields:
    """What `properties` means natively. `at`: its path in the body, for errors.

    Raises:
        InvalidInput: names every property that has no native meaning.
    """
    native: Fields = {}
    custom_fields: Fields = {}
    wrong: list[FieldError] = []
    for name, value in properties.items():
        if name == "tags" and isinstance(value, dict):
            wrong += _tags_in(value, f"{at}.tags", native, is_update=is_update)
        elif name in _OWN:
            native[_OWN[name]] = value
        elif name == "status":
            if value is not None:
                native["is_unsubscribed"] = _STATUSES.get(value) if isinstance(value, str) else None
        elif name != _IGNORED:
            custom_fields[name] = value
    objections = (
        FieldError(f"{at}.{name}", violation)
        for name, value in properties.items()
        if (violation := _objection(name, value))
    )
    wrong += islice(objections, MAX_ERRORS_SHOWN)
    if not is_update and native.get("email") is None:
        wrong.append(FieldError(f"{at}.email", REQUIRED))
    if wrong:
        raise InvalidInput(wrong)
    return {**native, "custom_fields": custom_fields} if custom_fields else native


def _objection(name: str, value: object) -> Violation | None:
    """Returns why a property has no native meaning; None: it has one."""
    if name == "status":
        return None if value in (None, *_STATUSES) else not_one_of(_STATUSES)
    if name in _NOT_PROPERTIES:
        return _NO_PROPERTY
    is_partial = isinstance(value, dict) and value and value.keys() <= {*_ADD_AND_REMOVE}
    return _ONLY_FOR_TAGS if is_partial and name != "tags" else None


def _tags_in(given: Fields, at: str, native: Fields, *, is_update: bool) -> Iterator[FieldError]:
    """Sets `add_tags` and `remove_tags` of a native contact; yields what is wrong."""
    for name, value in islice(given.items(), MAX_ERRORS_SHOWN):
        if name not in _ADD_AND_REMOVE:
            yield FieldError(f"{at}.{name}", UNKNOWN_FIELD)
        elif name == "remove" and not is_update:
            yield FieldError(f"{at}.{name}", _ONLY_IN_AN_UPDATE)
        else:
            native[f"{name}_tags"] = value


def _create(call: VendorRequest) -> NativeRequest:
    body = _native_contact(_of_contact(call), "body.properties", is_update=False)
    return NativeRequest(route=call.route, query={"on_conflict": ["update"]}, body=body)


def _update(call: VendorRequest) -> NativeRequest:
    ref = _named(call)
    body = _native_contact(_of_contact(call), "body.properties", is_update=True)
    return NativeRequest(route=call.route, ref=ref, body=body)


def _list(call: VendorRequest) -> NativeRequest:
    wrong = []
    if "filter" in call.query:
        wrong.append(FieldError("filter", _NOT_SERVED))
    query = {
        "limit": [one_of(call, "limit", _PAGE_SIZE)],
        "sort": [_chosen(call, "sort", _SORTS, "createdAt.desc", wrong)],
    }
    query |= {name: list(call.query[name]) for name in ("cursor", "search") if name in call.query}
    if "status" in call.query:
        has_opted_out = _chosen(call, "status", _STATUSES, "SUBSCRIBED", wrong)
        query["is_unsubscribed"] = ["true" if has_opted_out else "false"]
    if _flag(call, "includeCount", wrong):
        query["include_total"] = ["true"]
    if wrong:
        raise InvalidInput(wrong)
    return NativeRequest(route=call.route, query=query)


def _get(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, ref=_named(call))


def _search(call: VendorRequest) -> NativeRequest:
    email = one_of(call, "email", "")
    if not email:
        raise InvalidInput([FieldError("email", REQUIRED)])
    return NativeRequest(route="GET /v1/contacts/{ref}", ref=Named(email, by=("email",)))


def _delete(call: VendorRequest) -> NativeRequest:
    email = _email_in_path(call)
    ref = _named(call) if email is None else Named(email, by=("email",))
    return NativeRequest(route=call.route, ref=ref, query={"permanent": ["true"]})


def _named(call: VendorRequest) -> Named:
    native = id_in(CONTACT, call.path["ref"])
    if native is None:
        raise ContactNotFound
    return Named(native, by=("id",))


def _email_in_path(call: VendorRequest) -> str | None:
    ref = call.path["ref"]
    return ref.removeprefix(_BY_EMAIL) if ref.startswith(_BY_EMAIL) else None


def _contact(call: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, {"contact": contact_out(reply.body, call.account_id)})


def _page(call: VendorRequest, reply: Reply) -> Reply:
    page: Fields = {
        "items": [contact_out(one, call.account_id) for one in reply.body["data"]],
        "cursor": reply.body["next_cursor"],
        "hasMore": reply.body["has_more"],
    }
    if reply.body.get("total") is not None:
        page["totalCount"] = reply.body["total"]
    return Reply(reply.status, {"contacts": page})


def _deleted(call: VendorRequest, reply: Reply) -> Reply:
    """The contact is erased: what is left to show is its id, and the email if the client named it by that."""
    shown = {"id": reply.body["id"], "email": _email_in_path(call)}
    return Reply(reply.status, {"isDeleted": True, "contact": contact_out(shown, call.account_id)})


# Batches


class _Sent(NamedTuple):
    """A contact of a batch: its properties as they were sent, and what they mean natively, or what is wrong."""

    properties: Any
    native: Fields
    """Empty: the contact is invalid. Natively such an item is refused."""
    wrong: tuple[FieldError, ...] = ()


def _batch(call: VendorRequest) -> NativeRequest:
    wrong: list[FieldError] = []
    is_partial = _flag(call, "allowPartialSuccess", wrong)
    _flag(call, "includeFailedContacts", wrong)
    if _flag(call, "overrideCreatedAt", wrong):
        wrong.append(FieldError("overrideCreatedAt", _NOT_SERVED))
    if wrong:
        raise InvalidInput(wrong)
    sent = _contacts_of(call)
    if not is_partial:
        wrong = [error for one in sent for error in one.wrong]
        if wrong:
            raise InvalidInput(wrong)
    return NativeRequest(
        route=call.route,
        query={} if is_partial else {"all_valid": ["true"]},
        body={"operations": [{"op": "upsert", "contact": one.native} for one in sent]},
    )


def _contacts_of(call: VendorRequest) -> list[_Sent]:
    given = fields_of(call)
    _refuse_others(given, "body", "contacts")
    if not isinstance(given.get("contacts"), list):
        violation = REQUIRED if given.get("contacts") is None else NOT_ARRAY
        raise InvalidInput([FieldError("contacts", violation)])
    if len(given["contacts"]) > _MOST_IN_A_BATCH:  # Looked at one by one, a megabyte of them takes seconds.
        violation = more_values_than(_MOST_IN_A_BATCH, len(given["contacts"]), "read")
        raise InvalidInput([FieldError("contacts", violation)])
    return [_sent(one, f"contacts.{number}") for number, one in enumerate(given["contacts"])]


def _sent(given: object, at: str) -> _Sent:
    properties: object = None
    try:
        if not isinstance(given, dict):
            raise InvalidInput([FieldError(at, NOT_OBJECT)])
        properties = given.get("properties")
        _refuse_others(given, at, "properties")
        own = _object(given, "properties", f"{at}.")
        return _Sent(properties, _native_contact(own, f"{at}.properties", is_update=False))
    except InvalidInput as error:
        return _Sent(properties, {}, tuple(error.errors))


def _batch_results(call: VendorRequest, reply: Reply) -> Reply:
    sent, results = _contacts_of(call), reply.body["results"]
    failed = [
        {"index": result["index"], "errors": _errors_of(sent[result["index"]], result["problem"])}
        for result in results
        if "problem" in result
    ]
    body: Fields = {
        "requestId": call.request_id,
        "contacts": [contact_out(one["contact"], call.account_id) for one in results if "contact" in one],
        "summary": {
            "created": sum(one["status"] == 201 for one in results),
            "updated": sum(one["status"] == 200 for one in results),
            "failed": len(failed),
            "total": len(results),
            "processingTime": round((monotonic() - call.began_s) * 1000),
        },
    }
    if failed:
        body["errors"] = [{"email": _email_of(sent[one["index"]]), **one} for one in failed]
    if failed and one_of(call, "includeFailedContacts", "false") == "true":
        body["failedContacts"] = [{"contact": sent[one["index"]].properties, **one} for one in failed]
    return Reply(200, body)


def _errors_of(sent: _Sent, problem: Fields) -> list[Fields]:
    code, is_retryable = CODES.get(problem["status"], problem["code"]), problem["status"] >= _RETRYABLE
    if sent.wrong:
        told = [
            f"{error.field.partition('.')[2].partition('.')[2]} {error.message}".lstrip()
            for error in sent.wrong
        ]
    else:
        told = [
            f"{_theirs(error['field'], _OF_CONTACTS)} {error['message']}"
            for error in problem.get("errors", ())
        ]
    told = told or [_MESSAGES.get(problem["code"]) or problem.get("detail") or problem["title"]]
    return [{"code": code, "message": message, "retryable": is_retryable} for message in told]


def _email_of(sent: _Sent) -> str | None:
    properties = sent.properties
    email = properties.get("email") if isinstance(properties, dict) else None
    return email if isinstance(email, str) else None


# Properties


def property_out(native: Fields, workspace: str) -> Fields:
    """Returns a native contact property as SMASHSEND shows it. `workspace`: the id of the account."""
    config: Fields = {}
    if native["type"] in ("enum", "array"):
        config["multiple"] = native["type"] == "array"
    if "options" in native:
        config["options"] = [
            {"id": option, "value": option, "displayName": option, "color": ""}
            for option in native["options"]
        ]
    return {
        "id": id_out(PROPERTY, native["id"]),
        "apiSlug": native["name"],
        "displayName": native["label"],
        "description": native["description"],
        "type": _THEIR_TYPES[native["type"]],
        "typeConfig": config,
        "isInternal": False,
        "createdAt": native["created_at"],
        "updatedAt": None if native["updated_at"] == native["created_at"] else native["updated_at"],
        "workspaceId": _workspace_id(workspace),
    }


def slug(display_name: str) -> str:
    """Returns the key of a property's values, made of its name: `Lead Score` → `leadScore`. Empty: nothing is left.

    The vendor makes it, too, and its examples look like this.
    """
    # Letter by letter: many marks on one letter would be sorted, in a time that grows with their square.
    letters = (part for letter in display_name for part in normalize("NFKD", letter))
    plain = "".join(part for part in letters if not combining(part))
    words: list[str] = re.findall("[A-Za-z0-9]+", plain) or [""]
    first, *others = words
    return (first.lower() if first.isupper() else first[:1].lower() + first[1:]) + "".join(
        word.capitalize() if word.isupper() else word[:1].upper() + word[1:] for word in others
    )


def _list_properties(call: VendorRequest) -> NativeRequest:
    kind = one_of(call, "type", "CUSTOM")
    if kind != "CUSTOM":
        raise InvalidInput([FieldError("type", not_one_of(["CUSTOM"]))])
    limit = [one_of(call, "limit", _PROPERTIES_PAGE_SIZE)]
    return NativeRequest(route="GET /v1/contact-properties", query={"limit": limit})


def _create_property(call: VendorRequest) -> NativeRequest:
    given = fields_of(call)
    if "displayName" not in given and ("name" in given or "label" in given):
        raise other_version(
            "body.name" if "name" in given else "body.label", pinned="smashsend_v2", needed="smashsend"
        )
    _refuse_others(given, "body", "displayName", "type", "description", "typeConfig")
    wrong = [
        FieldError(f"body.{name}", REQUIRED) for name in ("displayName", "type") if given.get(name) is None
    ]
    native: Fields = {"description": given.get("description")}
    name, kind = given.get("displayName"), given.get("type")
    if isinstance(name, str):
        native |= {"name": slug(name), "label": name}
        wrong += _wrong_slug(native["name"])
    elif name is not None:
        wrong.append(FieldError("body.displayName", NOT_STRING))
    if isinstance(kind, str) and kind in _TYPES:
        native["type"] = _TYPES[kind]
    elif kind is not None:
        wrong.append(FieldError("body.type", not_one_of(_TYPES)))
    wrong += _config_in(given.get("typeConfig"), kind, native)
    if wrong:
        raise InvalidInput(wrong)
    return NativeRequest(route=call.route, body=native)


def _wrong_slug(name: str) -> Iterator[FieldError]:
    if not name[:1].isalpha():
        message = "must begin with an ASCII letter: the property's apiSlug is made of it"
        yield FieldError("body.displayName", Violation(FieldErrorCode.INVALID_FORMAT, message))
    elif name in (*_OWN, *_NOT_PROPERTIES, "status", _IGNORED):
        message = f"cannot be {name}: every contact has a field of that name"
        yield FieldError("body.displayName", Violation(FieldErrorCode.RESERVED, message))


def _config_in(given: object, kind: object, native: Fields) -> Iterator[FieldError]:
    """Sets the `options` of a native property by a `typeConfig`; yields what is wrong.

    `kind`: the type; None: an update, which does not say it.
    """
    if given is None:
        return
    if not isinstance(given, dict):
        yield FieldError("body.typeConfig", NOT_OBJECT)
        return
    # What the vendor has by default is taken, although nothing here does it.
    defaults = {"multiple": kind == "MULTI_SELECT", "isRequired": False, "isDeletable": True}
    for name, value in islice(given.items(), MAX_ERRORS_SHOWN):
        if name == "options" and kind == "MULTI_SELECT" and value:
            yield FieldError("body.typeConfig.options", _OPTIONS_OF_MANY)
        elif name == "options" and (value or kind == "SELECT" or (kind is None and value == [])):
            native["options"] = value
        elif name in defaults and value is not None and value is not defaults[name]:
            yield FieldError(f"body.typeConfig.{name}", _NOT_SERVED)
        elif name not in (*defaults, "options"):
            yield FieldError(f"body.typeConfig.{name}", UNKNOWN_FIELD)


def _one_property(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, path={"id": _property_id(call)})


def _update_property(call: VendorRequest) -> NativeRequest:
    native_id, given = _property_id(call), fields_of(call)
    if "label" in given:
        raise other_version("body.label", pinned="smashsend_v2", needed="smashsend")
    _refuse_others(given, "body", "displayName", "description", "typeConfig")
    native = {
        native: given[theirs]
        for theirs, native in {"displayName": "label", "description": "description"}.items()
        if theirs in given
    }
    wrong = list(_config_in(given.get("typeConfig"), None, native))
    if wrong:
        raise InvalidInput(wrong)
    return NativeRequest(route=call.route, path={"id": native_id}, body=native)


def _property_id(call: VendorRequest) -> str:
    native = id_in(PROPERTY, call.path["id"])
    if native is None:
        raise PropertyNotFound
    return native


def _properties(call: VendorRequest, reply: Reply) -> Reply:
    items = [property_out(one, call.account_id) for one in reply.body["data"]]
    return Reply(reply.status, {"properties": {"items": items, "hasMore": reply.body["has_more"]}})


def _property(call: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, {"property": property_out(reply.body, call.account_id)})


def _archived_property(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, {"isDeleted": True, "property": {"id": id_out(PROPERTY, reply.body["id"])}})


# Keys


def _check_key(_: VendorRequest) -> NativeRequest:
    return NativeRequest(route="GET /v1/account")


def _checked_key(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(reply.status, {"status": "SUCCEED", "displayName": reply.body["name"], "role": "EDITOR"})


# What is wrong


def _error(call: VendorRequest, problem: Problem) -> Reply:
    code = problem.body["code"]
    if call.route == _SEARCH and code == "contact_not_found":
        return Reply(200, {"contact": None})
    message = _MESSAGES.get(code) or _in_words(call, problem)
    return Reply(problem.status, {"message": message, "code": CODES[problem.status]})


def _in_words(call: VendorRequest, problem: Problem) -> str:
    if call.route == _BATCH:
        errors = tuple(error._replace(field=_in_batch(error.field)) for error in problem.errors)
        return in_words(problem._replace(errors=errors), {})
    errors = tuple(field_errors(problem, _NAMES.get(call.route, {})))
    errors = tuple(error._replace(field=error.field.removeprefix("body.")) for error in errors)
    return in_words(problem._replace(errors=errors), {})


def _in_batch(path: str) -> str:
    """The path of a field in a batch: `operations.0.contact.first_name` → `contacts.0.properties.firstName`."""
    named = re.fullmatch(r"operations\.([0-9]+)\.contact\.(.*)", path, re.DOTALL)
    if named is not None:
        return f"contacts.{named[1]}.{_theirs(named[2], _OF_CONTACTS)}"
    return re.sub("^operations", "contacts", path).removeprefix("body.")


def _theirs(path: str, names: Mapping[str, str]) -> str:
    first, dot, rest = path.partition(".")
    return names.get(first, first) + dot + rest


# Helpers


def _object(given: Fields, name: str, at: str = "body.") -> Fields:
    """
    Raises:
        InvalidInput: the field is missing, or no object.
    """
    value = given.get(name)
    if not isinstance(value, dict):
        raise InvalidInput([FieldError(f"{at}{name}", REQUIRED if value is None else NOT_OBJECT)])
    return value


def _refuse_others(given: Fields, at: str, *known: str) -> None:
    """
    Raises:
        InvalidInput: names every field that is not known. Ignored, it would be lost.
    """
    unknown = (FieldError(f"{at}.{name}", UNKNOWN_FIELD) for name in given if name not in known)
    wrong = [*islice(unknown, MAX_ERRORS_SHOWN)]
    if wrong:
        raise InvalidInput(wrong)


def _chosen(
    call: VendorRequest, name: str, values: Mapping[str, Any], default: str, wrong: list[FieldError]
) -> Any:
    """What a parameter's value stands for in `values`; None, with one more error in `wrong`: for nothing."""
    text = one_of(call, name, default)
    if text not in values:
        wrong.append(FieldError(name, not_one_of(values)))
    return values.get(text)


def _flag(call: VendorRequest, name: str, wrong: list[FieldError]) -> bool:
    return _chosen(call, name, _BOOLEANS, "false", wrong) is True


DIALECT: Final = Dialect(
    routes={
        "GET /v1/contacts": Translation(
            _list, _page, once=("limit", "cursor", "sort", "search", "status", "filter", "includeCount")
        ),
        "POST /v1/contacts": Translation(_create, _contact),
        _SEARCH: Translation(_search, _contact, once=("email",)),
        _BATCH: Translation(
            _batch,
            _batch_results,
            once=("allowPartialSuccess", "includeFailedContacts", "overrideCreatedAt"),
        ),
        "GET /v1/contacts/properties": Translation(_list_properties, _properties, once=("type", "limit")),
        "GET /v1/contacts/{ref}": Translation(_get, _contact, ignores_others=True),
        "PUT /v1/contacts/{ref}": Translation(_update, _contact),
        "DELETE /v1/contacts/{ref}": Translation(_delete, _deleted),
        "GET /v1/contact-properties": Translation(_list_properties, _properties, once=("type", "limit")),
        "POST /v1/contact-properties": Translation(_create_property, _property),
        "GET /v1/contact-properties/{id}": Translation(_one_property, _property),
        "PUT /v1/contact-properties/{id}": Translation(_update_property, _property),
        "DELETE /v1/contact-properties/{id}": Translation(_one_property, _archived_property),
        "GET /v1/api-keys/check": Translation(_check_key, _checked_key),
    },
    error=_error,
)
