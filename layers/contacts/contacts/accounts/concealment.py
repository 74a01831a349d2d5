"""Short texts that leave the service and come back, which nobody else is to read or to make.

The Python of a function has no cipher, and a package for one would cost every cold start. So this is composed of what
hashlib has, as a deterministic authenticated encryption (the idea of SIV, RFC 5297): the tag of the text begins its
key stream, and is checked once the text is back. The same text is always concealed alike, so a page that is asked for
twice has the same cursor; that is all that can be seen of it, besides its length.
"""

import hmac
from hashlib import shake_256
from typing import Final

from contacts.accounts.model import AccountSecret

TAG_BYTES: Final = 16


def concealed(secret: AccountSecret, context: bytes, text: bytes) -> bytes:
    """A text as only the account can read it; it has 16 bytes more. `context`: what it belongs to."""
    tag = _tag(secret, context, text)
    return tag + _mixed(secret, tag, text)


def revealed(secret: AccountSecret, context: bytes, given: bytes) -> bytes:
    """A text that was concealed.

    Raises:
        ValueError: it was not, or belongs to another account or context.
    """
    tag = given[:TAG_BYTES]
    text = _mixed(secret, tag, given[TAG_BYTES:])
    if not hmac.compare_digest(tag, _tag(secret, context, text)):
        raise ValueError("nothing that was concealed here")
    return text


def _tag(secret: AccountSecret, context: bytes, text: bytes) -> bytes:
    # The length first, so that no other context and text read the same together.
    message = len(context).to_bytes(8) + context + text
    return hmac.digest(secret.derived("concealment: tag"), message, "sha256")[:TAG_BYTES]


def _mixed(secret: AccountSecret, tag: bytes, text: bytes) -> bytes:
    # SHAKE has no length extension, so a key before the message is a keyed stream.
    stream = shake_256(secret.derived("concealment: stream") + tag).digest(len(text))
    return bytes(one ^ other for one, other in zip(text, stream, strict=True))
