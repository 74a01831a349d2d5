"""Encrypts short texts that callers hold and send back (cursors), so that nobody else can read or make them.

Python's standard library has no cipher, and a package would cost every cold start. So this is a deterministic
authenticated encryption of hashlib's parts, after the idea of SIV (RFC 5297): the tag of the text seeds the key stream,
and is verified after decryption. The same text always has the same ciphertext, so a page that is requested twice has
the same cursor. Nothing else can be seen but the length.
"""

import hmac
from hashlib import shake_256
from typing import Final

from contacts.accounts.model import AccountSecret

TAG_BYTES: Final = 16


def concealed(secret: AccountSecret, context: bytes, text: bytes) -> bytes:
    """Encrypt a text for an account. The result is 16 bytes longer. `context`: what the text belongs to."""
    tag = _tag(secret, context, text)
    return tag + _mixed(secret, tag, text)


def revealed(secret: AccountSecret, context: bytes, given: bytes) -> bytes:
    """Decrypt a text.

    Raises:
        ValueError: it was not encrypted here, or belongs to another account or context.
    """
    tag = given[:TAG_BYTES]
    text = _mixed(secret, tag, given[TAG_BYTES:])
    if not hmac.compare_digest(tag, _tag(secret, context, text)):
        raise ValueError("nothing that was concealed here")
    return text


def _tag(secret: AccountSecret, context: bytes, text: bytes) -> bytes:
    # The length comes first, so that no other context and text make the same message.
    message = len(context).to_bytes(8) + context + text
    return hmac.digest(secret.derived("concealment: tag"), message, "sha256")[:TAG_BYTES]


def _mixed(secret: AccountSecret, tag: bytes, text: bytes) -> bytes:
    # SHAKE has no length extension, so a key before the message is a keyed stream.
    stream = shake_256(secret.derived("concealment: stream") + tag).digest(len(text))
    return bytes(one ^ other for one, other in zip(text, stream, strict=True))
