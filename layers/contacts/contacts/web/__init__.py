"""The native API: requests read, handlers called, answers written."""

from contacts.web.request import Request
from contacts.web.response import Answer, answer
from contacts.web.routing import Operation

__all__ = ["Answer", "Operation", "Request", "answer"]
