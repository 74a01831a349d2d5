"""Merges in the table: one transaction over both contacts and every name of the one that goes.

DynamoDB takes a hundred steps. These are 96 at most: the two contacts, the request's record with its pointer, and a
claim for each name: 40 that are absorbed, the loser's id among them, and 52 that become the winner's own, 50 of them
gates. Beside them stand the opt-outs of the addresses that opt out with the merge.
"""

from collections.abc import Iterable
from typing import Final

from contacts.adapters import keys
from contacts.adapters.contact_store import (
    claim_step,
    difference,
    is_owned,
    opt_out_steps,
    unchanged,
    with_opt_outs,
)
from contacts.adapters.expressions import Expression
from contacts.adapters.opt_outs import OptOuts
from contacts.adapters.records import write_recorded
from contacts.adapters.table import ConditionsFailed, Step, Table
from contacts.domain.identity import Name, NameKind
from contacts.services.merging import Merge
from contacts.services.ports import Moved, Randomness, Standing

_WINNER: Final = "winner"
_LOSER: Final = "loser"


class DynamoMergeStore:
    """`services.merging.MergeStore` on the table."""

    def __init__(self, table: Table, account_id: str, opt_outs: OptOuts, randomness: Randomness) -> None:
        self._table = table
        self._account = account_id
        self._opt_outs = opt_outs
        self._randomness = randomness

    def merge(self, merge: Merge) -> None:
        """One transaction, on condition that neither contact has changed since it was read, and no name's claim."""
        steps = [*self._contact_steps(merge), *self._claim_steps(merge)]
        steps = with_opt_outs(self._table, steps, opt_out_steps(self._opt_outs, merge.winner, merge.after))
        try:
            write_recorded(
                self._table, steps, self._account, merge.receipt, merge.outcome, merge.winner.id, merge.at_ms
            )
        except ConditionsFailed:
            raise Moved from None

    def _contact_steps(self, merge: Merge) -> Iterable[Step]:
        expression = difference(merge.winner, merge.after)
        expression.set("change_id", self._randomness(9).hex())
        yield self._table.update_step(_WINNER, keys.contact(self._account, merge.winner.id), expression)
        loser = keys.contact(self._account, merge.loser.id)
        yield self._table.delete_step(_LOSER, loser, unchanged(Expression(), merge.loser))

    def _claim_steps(self, merge: Merge) -> Iterable[Step]:
        """The loser's names, led to the winner; its id becomes one."""
        for name in merge.loser.names:
            expression = Expression()
            expression.require(is_owned(expression, merge.loser.id, Standing.LIVE))
            expression.set("contact_id", merge.winner.id)
            yield self._table.update_step(claim_step(name), keys.claim(self._account, name), expression)
        alias, expression = Name(NameKind.ALIAS, merge.loser.id), Expression()
        expression.require(expression.is_free())
        claim = {"contact_id": merge.winner.id, "state": Standing.LIVE}
        yield self._table.put_step(claim_step(alias), keys.claim(self._account, alias), claim, expression)
