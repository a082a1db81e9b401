"""The names of spans, attributes and instruments: OpenTelemetry's semantic conventions, and our own where it has none.

Followed are those of HTTP, RPC and errors (stable), and those of generative AI as of 2026 (in development: what changes
there changes here). No value of any attribute is text of a prompt or an answer.
"""

from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.42.0"
SCOPE: Final = "pointsman"

# HTTP, RPC, errors
ERROR_TYPE: Final = "error.type"
HTTP_METHOD: Final = "http.request.method"
HTTP_RESEND_COUNT: Final = "http.request.resend_count"
HTTP_ROUTE: Final = "http.route"
HTTP_STATUS: Final = "http.response.status_code"
RPC_METHOD: Final = "rpc.method"
RPC_STATUS: Final = "rpc.response.status_code"
RPC_SYSTEM: Final = "rpc.system.name"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
URL_FULL: Final = "url.full"
URL_PATH: Final = "url.path"
URL_SCHEME: Final = "url.scheme"

# Generative AI: attributes
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
CONVERSATION: Final = "gen_ai.conversation.id"
OUTPUT_TYPE: Final = "gen_ai.output.type"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE: Final = "gen_ai.token.type"

OPENAI: Final = "openai"
"""As provider: whose form of telemetry (and of API) it is, whoever serves the model."""

# Generative AI: instruments, each with its unit and the boundaries that the conventions ask for
TOKEN_USAGE: Final = "gen_ai.client.token.usage"
TOKEN_UNIT: Final = "{token}"
TOKEN_BOUNDARIES: Final = tuple(float(4**power) for power in range(14))
OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
OPERATION_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
DURATION_BOUNDARIES: Final = tuple(0.01 * 2**power for power in range(14))

# The router's own
CLASSIFY: Final = "classify"
DECIDE: Final = "decide"
DECISION: Final = "pointsman.decision.id"
SNAPSHOT: Final = "pointsman.snapshot"
MODEL_ASKED_FOR: Final = "pointsman.model"
POLICY: Final = "pointsman.policy"
ROUTE: Final = "pointsman.route"
MODE: Final = "pointsman.mode"
REASONS: Final = "pointsman.reasons"
"""Codes of why: of a route and mode, or of a candidate's place."""
CANDIDATES: Final = "pointsman.candidates"
REJECTED: Final = "pointsman.rejected"
"""BACKEND=CODE for each."""
REFUSAL: Final = "pointsman.refusal"
DOWNGRADED: Final = "pointsman.downgraded"
BACKEND: Final = "pointsman.backend"
EFFORT: Final = "pointsman.effort"
TIER: Final = "pointsman.tier"
TENANT: Final = "pointsman.tenant"
OUTCOME: Final = "pointsman.outcome"
ATTEMPTS: Final = "pointsman.attempts"
COST: Final = "pointsman.cost"
"""In the installation's currency."""
ESTIMATED: Final = "pointsman.usage.estimated"
CLASSIFIER: Final = "pointsman.classifier.outcome"
LANGUAGE: Final = "pointsman.language"
CATEGORY: Final = "pointsman.category"
DIFFICULTY: Final = "pointsman.difficulty"

# The operator's own
RECONCILE: Final = "reconcile"
GATHER: Final = "gather"
BUILD: Final = "build"
PUBLISH: Final = "publish"
REPORT: Final = "report"
PUSH: Final = "push"
OBJECTS: Final = "pointsman.objects"
POLICIES: Final = "pointsman.policies"
BACKENDS: Final = "pointsman.backends"
ENDPOINTS: Final = "pointsman.endpoints"
REFUSED: Final = "pointsman.objects.refused"
CHANGED: Final = "pointsman.changed"
"""What differs from the cycle before: snapshot, endpoints, credentials."""
POSITION: Final = "pointsman.position"
ROUTER: Final = "pointsman.router"
WRITES: Final = "pointsman.report.writes"
MESSAGES: Final = "pointsman.push.messages"
BYTES: Final = "pointsman.push.bytes"
