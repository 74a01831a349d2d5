"""moto's DynamoDB does less work for the same answers: what it would do anew in each call, it does once.

It reads the same few hundred expressions again and again, compiles a pattern for each word of them, and goes through
each tree ten times. That was more than half of the time of the unit tests. Nothing here decides what an expression
means or what is refused; moto does, the first time. `make test-thorough` has moto as it is, so that both are held
against the same tests.
"""

import pickle
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from moto.dynamodb.comparisons import AttributeValue, ConditionExpressionParser, OpDefault
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.parsing.ast_nodes import (
    DepthFirstTraverser,
    Expression,
    LeafNode,
    Node,
    UpdateExpression,
    UpdateExpressionFunction,
)
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.parsing.validators import (
    ActionCountValidator,
    OverlappingPathsValidator,
    UpdateExpressionValidator,
)

_KEPT = 4096
"""Expressions; a run of all unit tests has fewer."""


def quicken() -> None:
    """Have moto, in this process, keep what it has read. A second call changes nothing."""
    if ConditionExpressionParser.parse is _parse:
        return
    ConditionExpressionParser.parse = _parse
    ConditionExpressionParser._make_operand = _make_operand
    UpdateExpressionParser.make = staticmethod(lru_cache(_KEPT)(UpdateExpressionParser.make))
    UpdateExpression.__deepcopy__ = _copy_of_tree
    UpdateExpressionValidator.validate = _validate
    Node.find_clauses = _find_clauses
    DepthFirstTraverser.traverse = _traverse
    DynamoType.cast_value = property(_cast_value)
    DynamoType.__deepcopy__ = _copy_of_value
    Item.__deepcopy__ = _copy_of_item


# --- Conditions: the tree of an expression is kept; a request's values are put into it.


class _Reader(ConditionExpressionParser):
    """Reads an expression, and stops before it looks at values."""

    parse = ConditionExpressionParser.parse

    def _make_op_condition(self, node: Any) -> Any:
        return node


class _AnyValue(dict[str, str]):
    """The values of a request that is not there yet."""

    def __missing__(self, placeholder: str) -> str:
        return placeholder


@lru_cache(_KEPT)
def _tree(expression: str, names: tuple[tuple[str, str], ...]) -> tuple[Any, list[str], list[str]]:
    """The tree of an expression, and the placeholders of names and of values in it."""
    reader = _Reader(expression, dict(names), _AnyValue())
    root = reader.parse()
    return root, reader.expr_attr_names_found, reader.expr_attr_values_found


def _parse(self: ConditionExpressionParser) -> Any:
    if not self.condition_expression:
        return OpDefault(None, None)
    names = tuple((self.expression_attribute_names or {}).items())
    root, names_found, values_found = _tree(self.condition_expression, names)
    self.expr_attr_names_found.extend(names_found)
    self.expr_attr_values_found.extend(values_found)
    return self._make_op_condition(root)


_make_other_operand = ConditionExpressionParser._make_operand


def _make_operand(self: ConditionExpressionParser, node: Any) -> Any:
    if node.kind == self.Kind.EXPRESSION_ATTRIBUTE_VALUE:
        return AttributeValue(self.expression_attribute_values[node.text])
    return _make_other_operand(self, node)


# --- Updates: the tree of an expression is kept; each update changes a copy of it.


def _copy_of_tree(self: UpdateExpression, memo: object) -> UpdateExpression:
    """A tree that was read is never changed, so one text of it serves all its copies."""
    if "_pickled" not in vars(self):
        self._pickled, self._sound = pickle.dumps(self), set()
    copy: UpdateExpression = pickle.loads(self._pickled)
    copy._sound = self._sound
    return copy


_OF_THE_EXPRESSION_ALONE = (ActionCountValidator, OverlappingPathsValidator)
"""What these find depends on nothing but the expression and its names."""


def _validate(self: UpdateExpressionValidator) -> Node:
    node = self.node_to_validate
    names = tuple((self.expression_attribute_names or {}).items())
    sound = node._sound
    for processor in self.processors:
        if names not in sound or not isinstance(processor, _OF_THE_EXPRESSION_ALONE):
            node = processor.traverse(node)
    sound.add(names)
    return node


@cache
def _is_a(kind: type, wanted: tuple[type, ...]) -> bool:
    """`issubclass`, which takes long for abstract classes."""
    return issubclass(kind, wanted)


def _find_clauses(self: Node, clause_types: list[type]) -> list[Node]:
    clauses: list[Node] = []
    for child in self.children or []:
        if type(child) in clause_types:
            clauses.append(child)
        elif _is_a(type(child), (Expression, UpdateExpressionFunction)):
            clauses += _find_clauses(child, clause_types)
    return clauses


def _traverse(self: DepthFirstTraverser, node: Node) -> Node:
    """As moto does it, but for what it asks at each node and could know."""
    processors: dict[type, Callable[[Node], Node]] = self._processing_map()
    wanted = tuple(processors)
    hook = type(self).pre_processing_of_child
    before_child = (
        None if hook is DepthFirstTraverser.pre_processing_of_child else self.pre_processing_of_child
    )

    def visit(node: Node, place: int) -> Node:
        parent = node.parent
        for number, child in enumerate(node.children or ()):
            if before_child is not None:
                before_child(node, number)
            kind = type(child)
            if _is_a(kind, (Node,)) and (_is_a(kind, wanted) or not _is_a(kind, (LeafNode,))):
                visit(child, number)
        if _is_a(type(node), wanted):
            kind = next(kind for kind in wanted if _is_a(type(node), (kind,)))
            node = processors[kind](node)
            node.parent = parent
            if parent:
                parent.children[place] = node
        return node

    return visit(node, -1)


# --- Values


def _cast_value(
    self: DynamoType, of_another: Callable[[DynamoType], Any] = DynamoType.cast_value.fget
) -> Any:
    return self.value if self.type == "S" else of_another(self)


def _copy_of_value(self: DynamoType, memo: object = None) -> DynamoType:
    copy = DynamoType.__new__(DynamoType)
    copy.type = self.type
    match self.type:
        case "M":
            copy.value = {key: _copy_of_value(value) for key, value in self.value.items()}
        case "L":
            copy.value = [_copy_of_value(value) for value in self.value]
        case "SS" | "NS" | "BS":
            copy.value = list(self.value)
        case _:
            copy.value = self.value
    return copy


def _copy_of_item(self: Item, memo: object) -> Item:
    copy = Item.__new__(Item)
    copy.hash_key, copy.range_key = self.hash_key, self.range_key
    copy.attrs = LimitedSizeDict({name: _copy_of_value(value) for name, value in self.attrs.items()})
    return copy
