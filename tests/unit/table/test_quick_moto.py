"""What moto keeps of an expression does not change what it makes of a request."""

from typing import Any

import pytest
from moto.dynamodb.comparisons import ConditionExpressionParser

from local.table import NAME
from tests.support import quick_moto
from tests.support.moto_table import MotoTable, Refusal
from tests.support.thorough import THOROUGH

pytestmark = pytest.mark.skipif(THOROUGH, reason="`make test-thorough` has moto as it is")

CONDITIONS = [
    "attribute_not_exists(#a)",
    "#a = :v AND (size(#b) < :n OR begins_with(#a, :v))",
    "NOT contains(#b, :v) AND #a IN (:v, :w)",
    "#a BETWEEN :v AND :w OR #m.#a <> :v",
]
NAMES = {"#a": "a", "#b": "b", "#m": "m"}


class Anew(ConditionExpressionParser):
    """moto's own reading, each time."""

    parse = quick_moto._Reader.parse
    _make_operand = quick_moto._make_other_operand


def read(parser: type[ConditionExpressionParser], expression: str, values: Any) -> Any:
    reading = parser(expression, NAMES, values)
    return repr(reading.parse()), reading.expr_attr_names_found, reading.expr_attr_values_found


@pytest.mark.parametrize("expression", CONDITIONS)
def test_a_condition_is_read_as_if_anew_with_the_values_of_each_request(expression: str) -> None:
    for text in ("first", "second"):
        values = {":v": {"S": text}, ":w": {"S": "w"}, ":n": {"N": "3"}}
        assert read(ConditionExpressionParser, expression, values) == read(Anew, expression, values)
    with pytest.raises(KeyError):
        read(ConditionExpressionParser, CONDITIONS[1], {":n": {"N": "3"}})


def test_an_update_begins_with_what_was_read_whatever_was_made_of_it_before() -> None:
    table = MotoTable()

    def update(sort_key: str, expression: str, **values: Any) -> Any:
        request = {
            "TableName": NAME,
            "Key": {"PK": {"S": "p"}, "SK": {"S": sort_key}},
            "UpdateExpression": expression,
            "ExpressionAttributeNames": {"#l": "l", "#n": "n"},
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
            "ReturnValues": "ALL_NEW",
        }
        return table.call("update_item", request)["Attributes"]

    expression = "SET #l = list_append(if_not_exists(#l, :e), :v) ADD #n :one"
    for sort_key in ("a", "b", "a"):
        updated = update(sort_key, expression, e={"L": []}, v={"L": [{"S": sort_key}]}, one={"N": "1"})
    assert updated["l"] == {"L": [{"S": "a"}, {"S": "a"}]}
    assert updated["n"] == {"N": "2"}
    item = table.item("p", "b")
    assert item is not None
    assert item["l"] == {"L": [{"S": "b"}]}
    # What is wrong with an expression is said each time, as is what is wrong with one request.
    for _ in range(2):
        with pytest.raises(Refusal):
            update("a", "SET #l = :v, #l = :v REMOVE #n", v={"S": "x"})
        with pytest.raises(Refusal):
            update("a", "ADD #n :v REMOVE #l", v={"S": "not a number"})
