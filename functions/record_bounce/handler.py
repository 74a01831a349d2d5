"""From the topic of bounces: mark the addresses that Amazon SES says have bounced for good."""

from contacts.email_validation.service import BounceRecorder
from contacts.runtime import runtime


def record_bounce(notification: str, recorder: BounceRecorder) -> None:
    """Mark the addresses that one notification of SES (JSON) names."""
    recorder.record(notification)


lambda_handler = runtime.notification_entrypoint(record_bounce)
