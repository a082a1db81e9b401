"""Where requests come in: OpenAI's HTTP API and gRPC, on one pipeline and within one limit."""
