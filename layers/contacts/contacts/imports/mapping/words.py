"""Words for yes and no, and for who is subscribed, in the languages and products that files come from."""

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

_SUBSCRIBED: Final = """
    subscribed, express, explicit, implied, subscribe, active, confirmed, opted in, opt in, optin,
    opted-in, enabled, consented, granted, mailable, single opt in, double opt in, email, subscriber,
    accepted, angemeldet, aktiv, abonniert, bestätigt, eingetragen, abonné, actif, inscrit, confirmé,
    suscrito, activo, confirmado, inscrito, ativo, iscritto, attivo, confermato, ingeschreven, actief,
    bevestigd, zapisany, aktywny, potwierdzony, abone, aktif, onaylı, подписан, подписана, активен,
    активный, активна, підписаний, підписана, активний
"""

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
            words = [word.strip() for word in self._text.split(",")]
            self._found = frozenset({key_of(word) or word for word in words})
        if len(text) > MAX_KEY:
            return False
        # 10, -1 and 1.5 are not 1.
        is_number = any(one.isdigit() for one in text)
        return (text if is_number else key_of(text) or text) in self._found


MEANS_YES: Final = Words(_YES)
MEANS_NO: Final = Words(_NO)
MEANS_SUBSCRIBED: Final = Words(_SUBSCRIBED)
MEANS_NOT_SUBSCRIBED: Final = Words(_NOT_SUBSCRIBED)
