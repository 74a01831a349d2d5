"""What the template tells the functions, in their environment."""

from collections.abc import Mapping


class Settings:
    """The variables of a function. Each is read when it is asked for: a function has only those that it uses.

    Raises:
        KeyError: the function has no such variable.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    @property
    def is_in_lambda(self) -> bool:
        """Whether this process is a Lambda function's."""
        return "AWS_LAMBDA_RUNTIME_API" in self._variables

    @property
    def table_name(self) -> str:
        """The name of the table."""
        return self._variables["TABLE_NAME"]

    @property
    def services_endpoint(self) -> str | None:
        """The URL that stands in for AWS; None on AWS."""
        return self._variables.get("SERVICES_ENDPOINT") or None

    @property
    def is_local(self) -> bool:
        """Whether something on this machine stands in for AWS."""
        return bool(self.services_endpoint or self._variables.get("AWS_ENDPOINT_URL"))

    def queue_url(self, queue: str) -> str:
        """The URL of a queue, by the beginning of its variable: `DELIVERY` of `DELIVERY_QUEUE_URL`."""
        return self._variables[f"{queue}_QUEUE_URL"]

    @property
    def delivery_queue_arn(self) -> str:
        """The ARN of the delivery queue, to which schedules send."""
        return self._variables["DELIVERY_QUEUE_ARN"]

    @property
    def schedule_group(self) -> str:
        """The group of EventBridge Scheduler that the schedules of deliveries are in."""
        return self._variables["SCHEDULE_GROUP"]

    @property
    def scheduler_role_arn(self) -> str:
        """The ARN of the role with which schedules send."""
        return self._variables["SCHEDULER_ROLE_ARN"]

    @property
    def looks_up_domains(self) -> bool:
        """Whether the DNS is asked about the domains of email addresses."""
        return self._variables["EMAIL_DNS"] == "on"

    @property
    def allows_private_endpoints(self) -> bool:
        """Whether webhooks may lead into private networks."""
        return self._variables.get("WEBHOOK_PRIVATE_ADDRESSES") == "allowed"
