"""Domains that hand out addresses to be thrown away: the list of the package disposable-email-domains."""

from disposable_email_domains import blocklist


def is_disposable(domain: str) -> bool:
    """Whether a domain, or one that it lies under, is on the list. `domain`: lower-case, as `xn--`."""
    labels = domain.split(".")
    return any(".".join(labels[start:]) in blocklist for start in range(len(labels) - 1))
