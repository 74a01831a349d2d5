"""The wiring: every function starts with its own variables alone, and gets the services that it names."""

from typing import Any
from unittest.mock import MagicMock

import pytest

from contacts.accounts.model import Mode, Scope
from contacts.book.service import ContactBook
from contacts.channels.service import GateService
from contacts.properties.typed_fields import TypedFields
from contacts.runtime import Runtime, Settings
from contacts.table import aws as aws_clients
from contacts.table.dry_run import DryRunTable
from contacts.web import Answer, Operation
from contacts.web.files import OpenEntrypoint
from local.template import Function, functions
from tests.support.app import App, caller_of, deployed, module_of
from tests.support.fakes import CountingBytes, FakeClock

LIVE, TEST = caller_of(), caller_of(mode=Mode.TEST)


@pytest.mark.parametrize("function", functions(), ids=lambda function: function.name)
def test_a_function_starts_with_its_own_variables(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_clients, "new_client", lambda *_, **__: MagicMock())
    runtime = Runtime(Settings(function.resolved_environment({})), FakeClock(), CountingBytes())
    handler = deployed(function.name)(runtime)
    assert callable(handler)
    if not isinstance(handler, OpenEntrypoint):
        name = handler.operation.name if function.routes else handler._name
        assert name == function.name


def test_a_service_annotated_as_a_string_is_loaded_on_first_use() -> None:
    assert module_of("search_contacts").operation.services == {"Finder"}
    assert App(MagicMock(), LIVE).service("ContactBook", LIVE).__class__ is ContactBook


def test_a_function_that_names_no_service_of_ours_does_not_start() -> None:
    class Oracle:
        """Nothing that the runtime makes."""

    operation = Operation("ask_oracle", Scope.CONTACTS_READ)

    @operation.on("GET /v1/oracle")
    def ask_oracle(oracle: Oracle) -> Answer:
        raise AssertionError

    with pytest.raises(KeyError, match="Oracle"):
        App(MagicMock()).entrypoint(operation)


def table_in(service: Any) -> Any:
    """The table of a service's store."""
    return service._table


def test_a_test_keys_services_work_on_a_table_that_keeps_nothing() -> None:
    app = App(MagicMock())
    assert isinstance(table_in(app.contact_book(TEST)._store), DryRunTable)
    assert isinstance(table_in(app.records(TEST)), DryRunTable)
    assert table_in(app.contact_book(LIVE)._store) is app.table


def test_a_test_keys_contacts_meet_the_accounts_own_properties_and_channels() -> None:
    app = App(MagicMock())
    typed: TypedFields = app.typed_fields(TEST)
    gates: GateService = app.gate_service(TEST)
    assert table_in(typed._rules) is app.table
    assert table_in(gates._channels) is app.table
    assert isinstance(table_in(gates._contacts), DryRunTable)
