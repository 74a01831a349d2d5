"""Smart Sender: `Authorization: Bearer`, `/v1`, camelCase, whole seconds, page numbers; variables are custom fields.

The vendor's pages have most of the operations and fields. The tags, `/me`, `funnels`, `notes`, `originalId`,
`subscribed` and the variables at the top level of `/info` are what its public PHP scripts send and read besides. PHP
writes an empty object as `[]`, so an empty array is an empty object where an object is expected.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from contacts.core.errors import FieldError, InvalidInput
from contacts.core.json import same_json
from contacts.core.tags import tag_id
from contacts.core.violations import NOT_OBJECT, REQUIRED, FieldErrorCode, Violation
from contacts.dialects.wire import (
    Dialect,
    Fields,
    Named,
    NativeRequest,
    Problem,
    Reply,
    Translation,
    VendorRequest,
    Whole,
    fields_of,
    in_words,
    one_of,
    renamed,
    required,
    whole_number,
    with_body,
)

_PAGE: Final = Whole(default=1, least=1, most=None)
_PAGE_SIZE: Final = Whole(default=20, least=1, most=20)
_SYSTEM_FIELDS: Final = {
    "firstName": "first_name",
    "lastName": "last_name",
    "fullName": "name",
    "email": "email",
    "phone": "phone",
}
"""The vendor's fields of a contact, with their native names.

`photo` and `tags` are separate; all else is a variable.
"""
_READ_ONLY: Final = frozenset({"id", "createdAt", "updatedAt"})
"""Fields that responses show and requests cannot change."""
_NEVER_FILLED: Final = ("funnels", "notes")
"""Fields of a contact that clients read, and that are always empty here. A variable may have such a name."""
_CONTRADICTION: Final = Violation(
    FieldErrorCode.OTHER, "has one value among the values and another among their variables"
)
_NOT_SERVED: Final = (
    (re.compile(r"/v1/contacts/.+/send"), "Messages are not sent from here"),
    (re.compile(r"/v1/(contacts|chats|gates)/.+/messages"), "Messages are not kept here"),
    (
        re.compile(r"/v1/chats(/.+)?"),
        "Chats are read here by the contact alone: GET /v1/contacts/{contactId}/chat",
    ),
    (re.compile(r"/v1/(contacts/.+/)?funnels(/.+)?"), "There are no funnels here"),
    (re.compile(r"/v1/contacts/.+/checkout"), "There are no checkouts here"),
    (re.compile(r"/v1/operators"), "There are no operators here"),
    (re.compile(r"/v1/variables"), "Variables are not listed here; each contact shows its own"),
)
"""Paths of the vendor's clients that lead to nothing here, and what the error says of them."""
_GATE_FIELDS: Final = {"firstName": "first_name", "lastName": "last_name", "email": "email", "phone": "phone"}
_NAMES: Final = {
    "first_name": "firstName",
    "last_name": "lastName",
    "custom_fields": "parameters",
    "q": "term",
    "search": "term",
    "add_tags": "tags",
    "limit": "limitation",
    "offset": "page",
    "from": "targetContactId",
}
"""The vendor's names of native fields, for error messages."""
_PAGED: Final = ("page", "limitation")
_DONE: Final = {"state": True}
_FORBIDDEN: Final = 403


# Values in responses


def moment(native: str) -> str:
    """Returns a native timestamp as Smart Sender writes it: `2026-01-15 10:30:00`, UTC."""
    return f"{native[:10]} {native[11:19]}"


def contact_out(native: Fields) -> Fields:
    """Returns a native contact without its variables."""
    return {
        "id": native["id"],
        "firstName": native["first_name"],
        "lastName": native["last_name"],
        "fullName": native["name"],
        "email": native["email"],
        "phone": native["phone"],
        "photo": native["metadata"].get("photo"),
        "tags": [{"id": tag_id(tag), "name": tag} for tag in native["tags"]],
        "createdAt": moment(native["created_at"]),
        "updatedAt": moment(native["updated_at"]),
    }


def _with_empty_fields(native: Fields) -> Fields:
    return {**contact_out(native), **{name: [] for name in _NEVER_FILLED}}


def detailed_contact_out(native: Fields) -> Fields:
    """Returns a native contact with its variables as a list of name, value and type."""
    variables = [
        {"name": name, "value": value, "type": type_of(value)}
        for name, value in native["custom_fields"].items()
    ]
    return {**_with_empty_fields(native), "variables": variables}


def simple_contact_out(native: Fields) -> Fields:
    """Returns a native contact with its variables as an object, and each once more beside the fields of the contact.

    A variable that is named like a field is in the object only.
    """
    variables = native["custom_fields"]
    fields = {**_with_empty_fields(native), "variables": variables}
    return fields | {name: value for name, value in variables.items() if name not in fields}


def tag_out(native: Fields) -> Fields:
    """Returns a native tag, or its count, as Smart Sender shows a tag."""
    return {"id": tag_id(native["tag"]), "name": native["tag"]}


def project_out(native: Fields) -> Fields:
    """Returns a native account as the vendor's project; a project here has no photo."""
    return {"id": native["id"], "name": native["name"], "photo": None}


def type_of(value: object) -> str:
    """Returns the type of a variable, by its value; `null` for null."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case Mapping():
            return "object"
        case list() | tuple():
            return "array"
        case _:
            return "number"


def gate_out(native: Fields) -> Fields:
    """Returns a native gate as Smart Sender shows it."""
    return {
        "id": native["id"],
        "channel": native["channel"],
        "identifier": native["identifier"],
        "createdAt": moment(native["created_at"]),
    }


def channel_out(native: Fields) -> Fields:
    """Returns a native channel as Smart Sender shows it."""
    return {name: native[name] for name in ("id", "type", "name", "state")}


def cursor_out(call: VendorRequest, native: Mapping[str, Any]) -> dict[str, int]:
    """Returns the vendor's `cursor` object for a page of a native list.

    Clients loop until `page == pages`. So an empty list has one page, and a list of unknown length (a search with more
    than 10,000 matches) has one page more than this one until the last. A total may be a moment behind.
    """
    page, size = _page(call)
    seen = (page - 1) * size + len(native["data"]) if native["data"] else 0
    elements = max(native["total"] or 0, seen + native["has_more"])
    # A page that is short, or empty, need not be the last.
    pages = max(1, -(-elements // size), page + 1 if native["has_more"] else 1)
    return {"page": page, "limitation": size, "pages": pages, "elements": elements}


# Requests


def _page(call: VendorRequest) -> tuple[int, int]:
    return whole_number(call, "page", _PAGE), whole_number(call, "limitation", _PAGE_SIZE)


def _paging(call: VendorRequest) -> dict[str, list[str]]:
    page, size = _page(call)
    return {"limit": [str(size)], "offset": [str((page - 1) * size)], "include_total": ["true"]}


def _list_contacts(call: VendorRequest) -> NativeRequest:
    # The oldest first: a contact created while a client reads the pages does not shift them.
    query = {**_paging(call), "sort": ["created_at"]}
    if "term" in call.query:
        query["search"] = [_term(call)]
    return NativeRequest(route=call.route, query=query)


def _search(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, query={**_paging(call), "q": [_term(call)]})


def _term(call: VendorRequest) -> str:
    term = one_of(call, "term", "")
    if not term.strip():
        raise InvalidInput([FieldError("term", REQUIRED)])
    return term


def _named(call: VendorRequest) -> Named:
    return Named(call.path["ref"], by=("id",))


def _get_contact(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route="GET /v1/contacts/{ref}", ref=_named(call))


def _get_chat(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, ref=_named(call))


def _list_gates(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, ref=_named(call), query=_paging(call))


def _object(sent: object) -> object:
    """Returns a value that is to be an object; an empty array, PHP's empty object, as one."""
    return {} if sent == [] and isinstance(sent, list) else sent


def _fields(call: VendorRequest) -> Fields:
    return fields_of(with_body(call, _object(call.body)))


def _update(call: VendorRequest) -> NativeRequest:
    values = _object(_fields(call).get("values"))
    if not isinstance(values, dict):
        raise InvalidInput([FieldError("values", NOT_OBJECT)])
    if values.get("originalId") == call.path["ref"]:  # as a chat shows its contact
        values = {name: value for name, value in values.items() if name != "originalId"}
    query = {"on_invalid": ["skip"]}
    return NativeRequest(route=call.route, ref=_named(call), query=query, body=changes(values))


def changes(values: Fields) -> Fields:
    """Returns the native update for `values`, in which system fields and variables are mixed.

    The native operation skips invalid fields. Only a photo that is no text is skipped here.

    Raises:
        InvalidInput: names each variable that has one value among `values` and another in their `variables`.
    """
    body = renamed(values, _SYSTEM_FIELDS)
    if "photo" in values and isinstance(values["photo"], str | None):
        body["metadata"] = {"photo": values["photo"]}
    if "tags" in values:
        body["tags"] = _tag_names(values["tags"])
    system = {*_SYSTEM_FIELDS, *_READ_ONLY, "photo", "tags", "variables"}
    system |= {name for name in _NEVER_FILLED if values.get(name) == []}
    variables = {name: value for name, value in values.items() if name not in system}
    nested = _variables(values.get("variables"))
    contradictory = [
        name for name in variables if name in nested and not same_json(nested[name], variables[name])
    ]
    if contradictory:
        raise InvalidInput([FieldError(f"values.{name}", _CONTRADICTION) for name in contradictory])
    variables |= nested
    return {**body, "custom_fields": variables} if variables else body


def _tag_names(tags: object) -> object:
    """Returns the names of tags that are sent in the form of responses; any other value unchanged."""
    if not isinstance(tags, list):
        return tags
    return [tag["name"] if isinstance(tag, dict) and "name" in tag else tag for tag in tags]


def _variables(sent: object) -> Fields:
    """Returns variables that are sent in either form of responses, by name; nothing for any other value."""
    match sent:
        case dict():
            return sent
        case list():
            return {
                one["name"]: one.get("value")
                for one in sent
                if isinstance(one, dict) and isinstance(one.get("name"), str)
            }
        case _:
            return {}


def _fire_event(call: VendorRequest) -> NativeRequest:
    given = {} if call.body is None else _fields(call)
    name = given["name"] if "name" in given else one_of(call, "name", "")
    required({"name": name or None}, "name")
    return NativeRequest(route="POST /v1/contacts/{ref}/events", ref=_named(call), body={"name": name})


def _merge(call: VendorRequest) -> NativeRequest:
    body = {"from": call.path["target"], "by": "id"}
    return NativeRequest(route="POST /v1/contacts/{ref}/merge", ref=_named(call), body=body)


def _delete(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, ref=_named(call), query={"permanent": ["true"]})


def _list_tags(call: VendorRequest) -> NativeRequest:
    query = _paging(call)
    del query["include_total"]  # which this operation always includes
    return NativeRequest(route="GET /v1/tags/search", query={**query, "q": [one_of(call, "term", "")]})


def _change_tag(call: VendorRequest) -> NativeRequest:
    tag = call.path["tag"].lower()
    return NativeRequest(route=call.route, ref=_named(call), path={"tag": tag})


def _get_project(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route="GET /v1/account")


def _list_channels(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, query=_paging(call))


def _get_channel(call: VendorRequest) -> NativeRequest:
    return NativeRequest(route=call.route, path=call.path)


def _update_channel(call: VendorRequest) -> NativeRequest:
    given = _fields(call)
    required(given, "state")
    return NativeRequest(route=call.route, path=call.path, body={"state": given["state"]})


def _create_gate(call: VendorRequest) -> NativeRequest:
    given = _fields(call)
    required(given, "identifier", "firstName")
    if "parameters" in given:
        given = {**given, "parameters": _object(given["parameters"])}
    body = {
        "identifier": given["identifier"],
        **renamed(given, {**_GATE_FIELDS, "parameters": "custom_fields"}),
    }
    return NativeRequest(route=call.route, path=call.path, body=body)


# Responses


def _shown(out: Callable[[Fields], Fields]) -> Callable[[VendorRequest, Reply], Reply]:
    return lambda _, reply: Reply(reply.status, out(reply.body))


def _listed(out: Callable[[Fields], Fields]) -> Callable[[VendorRequest, Reply], Reply]:
    def listed(call: VendorRequest, reply: Reply) -> Reply:
        collection = [out(one) for one in reply.body["data"]]
        return Reply(reply.status, {"cursor": cursor_out(call, reply.body), "collection": collection})

    return listed


def _chat(_: VendorRequest, reply: Reply) -> Reply:
    native = reply.body
    # A gate has no opt-out of its own.
    subscribed = not native["contact"]["is_unsubscribed"]
    return Reply(
        reply.status,
        {
            "id": native["id"],
            "name": native["name"],
            "image": native["image"],
            "contact": {**contact_out(native["contact"]), "originalId": native["contact"]["id"]},
            "gates": [{**gate_out(gate), "subscribed": subscribed} for gate in native["gates"]],
            "createdAt": moment(native["created_at"]),
            "updatedAt": moment(native["updated_at"]),
        },
    )


def _created_gate(_: VendorRequest, reply: Reply) -> Reply:
    return Reply(200, gate_out(reply.body))


def _done(_: VendorRequest, __: Reply) -> Reply:
    return Reply(200, dict(_DONE))


def _error(call: VendorRequest, problem: Problem) -> Reply:
    # The vendor's clients expect 403, not 401, for a token that was revoked.
    status = _FORBIDDEN if problem.body["code"] == "key_revoked" else problem.status
    return Reply(status, {"error": {"code": status, "message": _message(call, problem)}})


def _message(call: VendorRequest, problem: Problem) -> str:
    if problem.body["code"] in ("contact_not_found", "method_not_allowed", "route_not_found"):
        for path, message in _NOT_SERVED:
            if path.fullmatch(call.url_path):
                return message
    # A parameter that the client has sent is named as sent.
    return in_words(problem, {native: own for native, own in _NAMES.items() if native not in call.query})


DIALECT: Final = Dialect(
    routes={
        "GET /v1/contacts": Translation(
            _list_contacts, _listed(detailed_contact_out), once=(*_PAGED, "term")
        ),
        "GET /v1/contacts/search": Translation(
            _search, _listed(detailed_contact_out), once=(*_PAGED, "term")
        ),
        "GET /v1/contacts/{ref}": Translation(
            _get_contact, _shown(detailed_contact_out), ignores_others=True
        ),
        "GET /v1/contacts/{ref}/info": Translation(
            _get_contact, _shown(simple_contact_out), ignores_others=True
        ),
        "GET /v1/contacts/{ref}/chat": Translation(_get_chat, _chat, ignores_others=True),
        "GET /v1/contacts/{ref}/gates": Translation(_list_gates, _listed(gate_out), once=_PAGED),
        "PUT /v1/contacts/{ref}": Translation(_update, _done),
        "POST /v1/contacts/{ref}/fire": Translation(_fire_event, _done, once=("name",)),
        "POST /v1/contacts/{ref}/merge/{target}": Translation(_merge, _done),
        "POST /v1/contacts/{ref}/tags/{tag}": Translation(_change_tag, _done),
        "DELETE /v1/contacts/{ref}/tags/{tag}": Translation(_change_tag, _done),
        "DELETE /v1/contacts/{ref}": Translation(_delete, _done),
        "GET /v1/tags": Translation(_list_tags, _listed(tag_out), once=(*_PAGED, "term")),
        "GET /v1/me": Translation(_get_project, _shown(project_out), ignores_others=True),
        "GET /v1/channels": Translation(_list_channels, _listed(channel_out), once=_PAGED),
        "GET /v1/channels/{id}": Translation(_get_channel, _shown(channel_out), ignores_others=True),
        "PUT /v1/channels/{id}": Translation(_update_channel, _done),
        "POST /v1/channels/{id}/gates": Translation(_create_gate, _created_gate),
    },
    error=_error,
)
