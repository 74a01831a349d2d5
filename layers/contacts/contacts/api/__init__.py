"""The native API: requests read, handlers called, answers written."""

from contacts.api.answers import Answer, answer
from contacts.api.operation import Operation
from contacts.api.request import Request

__all__ = ["Answer", "Operation", "Request", "answer"]
