"""Words for yes and no, and for who is subscribed, in the languages and products that files come from."""

from collections.abc import Iterator
from typing import Final

from contacts.imports.mapping.columns import MAX_KEY, key_of

_YES: Final = """
    true, yes, y, t, 1, on, x, ✓, ✔, ☑, checked, ja, j, wahr, oui, vrai, si, sí, verdadero, sim,
    verdadeiro, vero, waar, tak, prawda, evet, doğru, да, так, истина, істина
"""

_NO: Final = """
    false, no, n, f, 0, off, nein, falsch, non, faux, falso, não, nee, onwaar, nie, fałsz, hayır,
    yanlış, нет, ні, ложь, хибність, unchecked
"""

_NAMED_SUBSCRIBED: Final = """
    subscribed, subscribe, subscriber, opted in, opt in, optin, opted-in, single opt in, double opt in,
    abonniert, abonné, suscrito, abone, подписан, подписана, підписаний, підписана
"""
"""Words that name the subscription itself. They mean the same in a column that tells who has opted out."""

_AFFIRMED: Final = """
    express, explicit, implied, active, confirmed, enabled, consented, granted, mailable, email,
    accepted, angemeldet, aktiv, bestätigt, eingetragen, actif, inscrit, confirmé, activo, confirmado,
    inscrito, ativo, iscritto, attivo, confermato, ingeschreven, actief, bevestigd, zapisany, aktywny,
    potwierdzony, aktif, onaylı, активен, активный, активна, активний
"""
"""Words that affirm what their column is about. In a column that tells who has opted out, that may be the opt-out."""

_NOT_SUBSCRIBED: Final = """
    unsubscribed, cancelled, canceled, dropped, not set, unsubscribe, unsub, opted out, opt out, optout,
    inactive, disabled, cleaned, bounced, bounce, hard bounced, hard bounce, complained, complaint,
    spam, spam complaint, spammed, reported spam, junk, marked as spam, blocked, blocklisted,
    blacklisted, suppressed, unconfirmed, not confirmed, pending, pending confirmation, non subscribed,
    nonsubscribed, non-subscriber, not subscribed, never subscribed, not opted in, transactional,
    archived, deleted, removed, invalid, revoked, denied, declined, withdrawn, unavailable,
    undeliverable, do not contact, no consent, non marketing, redacted, abgemeldet, inaktiv, abbestellt,
    ausgetragen, gesperrt, unbestätigt, désabonné, désinscrit, inactif, bloqué, non confirmé, dado de
    baja, baja, inactivo, bloqueado, cancelado, no suscrito, no confirmado, descadastrado, inativo, não
    confirmado, disiscritto, inattivo, bloccato, cancellato, non confermato, uitgeschreven, afgemeld,
    inactief, geblokkeerd, onbevestigd, wypisany, nieaktywny, zablokowany, niepotwierdzony, abonelikten
    çıktı, pasif, engellendi, отписан, отписана, отписался, неактивен, заблокирован, спам, відписаний,
    відписана, відписався, неактивний, заблокований
"""
"""Who has not agreed (yet) is among them: nobody may write to them, either."""


class Words:
    """Texts that mean one thing, whatever their case and accents."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: frozenset[str] | None = None

    def __contains__(self, text: str) -> bool:
        if self._found is None:
            self._found = frozenset({key_of(word) or word for word in self})
        if len(text) > MAX_KEY:
            return False
        # 10, -1 and 1.5 are not 1.
        is_number = any(one.isdigit() for one in text)
        return (text if is_number else key_of(text) or text) in self._found

    def __iter__(self) -> Iterator[str]:
        return (word.strip() for word in self._text.split(","))


MEANS_YES: Final = Words(_YES)
MEANS_NO: Final = Words(_NO)
MEANS_SUBSCRIBED: Final = Words(f"{_NAMED_SUBSCRIBED}, {_AFFIRMED}")
"""Of a status, or of a column that tells who is subscribed."""
NAMES_SUBSCRIPTION: Final = Words(_NAMED_SUBSCRIBED)
MEANS_NOT_SUBSCRIBED: Final = Words(_NOT_SUBSCRIBED)
