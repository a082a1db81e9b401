"""The errors of Pointsman, one small tree.

    PointsmanError
    ├── ConfigError            a file, flag or resource that cannot be used
    ├── SnapshotError          a snapshot that cannot be used
    │   └── UnknownFeature     it needs what this version lacks
    └── RequestError           answers one request; `code` is part of the API
        ├── InvalidRequest     malformed, or a field is out of range
        ├── TooLarge           the body exceeds the limit
        ├── Unauthenticated    no key, or an unknown one
        ├── Forbidden          the key or the policy does not allow it
        ├── UnknownModel       no such model; lists what exists
        ├── QuotaExceeded      the subject's quota is spent; may carry `retry_after`
        ├── NoCandidate        no backend satisfies the constraints; names the one that emptied the list
        ├── Overloaded         the router itself is full or draining; carries `retry_after`
        ├── Unsupported        an API that Pointsman does not offer
        └── UpstreamFailed     every candidate was tried and failed; by the last failure:
            ├── UpstreamLimited    rate-limited, or out of quota
            ├── UpstreamBusy       overloaded
            └── UpstreamTimedOut   no answer in time

Foreign errors are mapped to these once, at the edge that meets them. No message ever holds text of a prompt.
"""


class PointsmanError(Exception):
    """Base of every error that Pointsman raises on purpose."""


class ConfigError(PointsmanError):
    """A file, flag or resource that cannot be used; the message names it and the fix."""


class SnapshotError(PointsmanError):
    """A snapshot that cannot be used; the previous one stays in force."""


class UnknownFeature(SnapshotError):
    """The snapshot needs a feature that this version does not have (to ignore it would fail open)."""


class RequestError(PointsmanError):
    """Answers one request with an error in OpenAI's shape."""

    code: str = "internal_error"
    kind: str = "server_error"
    """OpenAI's `type`."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        """`param` names the offending request field; `retry_after` is in seconds."""
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.param = param
        self.retry_after = retry_after


class InvalidRequest(RequestError):
    """The request is malformed, or a field of it is out of range."""

    code, kind = "invalid_request", "invalid_request_error"


class TooLarge(RequestError):
    """The body exceeds the size limit."""

    code, kind = "request_too_large", "invalid_request_error"


class Unauthenticated(RequestError):
    """No API key, or an unknown one."""

    code, kind = "invalid_api_key", "authentication_error"


class Forbidden(RequestError):
    """The key's rights or the policy's overrides do not allow this."""

    code, kind = "not_allowed", "permission_error"


class UnknownModel(RequestError):
    """No virtual name, alias, backend or upstream model has this name."""

    code, kind = "model_not_found", "invalid_request_error"


class QuotaExceeded(RequestError):
    """The subject's quota is spent and the policy rejects."""

    code, kind = "quota_exceeded", "rate_limit_error"


class NoCandidate(RequestError):
    """No backend satisfies the constraints."""

    code, kind = "no_candidate", "server_error"


class Overloaded(RequestError):
    """The router is full or draining; another replica, or a later try, will do."""

    code, kind = "router_overloaded", "server_error"


class Unsupported(RequestError):
    """An API of OpenAI's that Pointsman does not offer."""

    code, kind = "unsupported", "invalid_request_error"


class UpstreamFailed(RequestError):
    """Every candidate was tried and failed."""

    code, kind = "upstream_failed", "server_error"


class UpstreamLimited(UpstreamFailed):
    """Every candidate failed, the last one by its own limits."""

    code, kind = "upstream_rate_limited", "rate_limit_error"


class UpstreamBusy(UpstreamFailed):
    """Every candidate failed, the last one by overload."""

    code = "upstream_overloaded"


class UpstreamTimedOut(UpstreamFailed):
    """Every candidate failed, the last one by giving no answer in time."""

    code = "upstream_timeout"
