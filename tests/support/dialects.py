"""What is different from vendor to vendor in tests of all of them."""

from contacts.accounts.model import Dialect
from contacts.dialects import smashsend, smashsend_v2
from contacts.dialects.smashsend_shared import id_out

_PREFIXES = {Dialect.SMASHSEND: smashsend.CONTACT, Dialect.SMASHSEND_V2: smashsend_v2.CONTACT}


def contact_id(dialect: Dialect, native: str) -> str:
    """A contact's id as a vendor's clients have it."""
    prefix = _PREFIXES.get(dialect)
    return native if prefix is None else id_out(prefix, native)
