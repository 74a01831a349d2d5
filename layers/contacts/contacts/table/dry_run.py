"""The table of a test key: it is empty, and stays empty.

The stores work on it as they do on the real table, so a test key's requests are checked, measured and answered by the
same code as any other's.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contacts.table.client import ConditionsFailed, Page, Table
from contacts.table.expressions import Expression, Item, Step
from contacts.table.keys import Key


class DryRunTable(Table):
    """A table that reads nothing and keeps nothing; no call reaches DynamoDB."""

    def __init__(self) -> None:
        super().__init__(client=None, name="")

    def get(self, key: Key) -> Item | None:
        """Nothing."""
        return None

    def write(self, steps: Sequence[Step]) -> None:
        """Check the steps against an empty table; write nothing.

        Raises:
            ConditionsFailed: a step requires that its item exists.
        """
        failed = {step.name: None for step in steps if _asks_for_an_item(step.request)}
        if failed:
            raise ConditionsFailed(failed)

    def update(self, name: str, key: Key, expression: Expression, returning: str = "ALL_NEW") -> Item:
        """Check the update against an empty table; write nothing.

        Raises: as `write`.
        """
        self.write([self.update_step(name, key, expression)])
        return {}

    def query_page(
        self,
        expression: Expression,
        *,
        start: Key | None = None,
        limit: int | None = None,
        forward: bool = True,
        consistent: bool = True,
    ) -> Page:
        """An empty page, the last one."""
        return Page([], None, 0)

    def query_index(
        self,
        index: str,
        expression: Expression,
        *,
        start: Mapping[str, object] | None = None,
        limit: int,
        forward: bool = True,
    ) -> tuple[list[Item], bool]:
        """An empty page, the last one."""
        return [], True

    def how_many_of(self, expression: Expression, at_most: int) -> int | None:
        """0."""
        return 0

    def how_many(self, expression: Expression) -> int:
        """0."""
        return 0

    def write_many(self, puts: Mapping[Key, Mapping[str, object]], deletes: Iterable[Key] = ()) -> None:
        """Write nothing."""

    def _got(self, request: Mapping[str, Any]) -> tuple[dict[Key, Item], int]:
        return {}, 0


def _asks_for_an_item(request: Mapping[str, Any]) -> bool:
    """Whether the condition of a write fails where there is no item under the key.

    The stores' conditions either begin with `attribute_not_exists` (and hold), or ask for an item or for its values.
    """
    condition: str = request.get("ConditionExpression", "")
    return bool(condition) and not condition.lstrip("(").startswith("attribute_not_exists")
