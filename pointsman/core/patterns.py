"""The patterns of the resources' strings, in words and with an example. A test holds it complete."""

_NAME = "a name of lower-case letters, digits and '-', with a letter or digit at both ends"

PATTERNS: dict[str, tuple[str, str]] = {
    r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$": (_NAME.replace("and '-'", "'-' and '.'"), "qwen3-32b"),
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$": (_NAME, "team-a"),
    r"^[A-Za-z0-9][-A-Za-z0-9._/@+]*$": (
        "a model name of letters, digits and - . _ / @ +, starting with a letter or digit (a colon separates a mode)",
        "gpt-4o-mini",
    ),
    r"^[!-~]+$": ("printable ASCII without spaces", "Qwen/Qwen3-32B"),
    r"^[0-9]{1,9}(\.[0-9]{1,12})?$": ("an amount of money as a decimal string", '"0.20"'),
    r"^[0-9]{1,15}(\.[0-9]{1,12})?$": ("an amount as a decimal string", '"20000"'),
    r"^([0-9]{1,5}(h|m|s|ms)){1,4}$": ("a GEP-2257 duration of hours, minutes, seconds and milliseconds", "1m30s"),
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$": (
        "an RFC 3339 time with its zone",
        '"2026-12-01T00:00:00Z"',
    ),
    r"^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$": (
        "a DNS name or IPv4 address, without scheme, port or path",
        "api.example.com",
    ),
    r"^[-._a-zA-Z0-9]+$": ("a key of letters, digits and - . _", "token"),
    r"^/[!-~]*$": ("a path that starts with a slash, without spaces", "/health"),
    r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$": ("the name of an HTTP header", "x-team"),
    r"^[a-z]{2}$": ("an ISO 639-1 language code of two lower-case letters", '"de"'),
    r"^[A-Za-z0-9_+/-]+$": ("an IANA time zone", "Europe/Berlin"),
}
"""Words and example by pattern."""
