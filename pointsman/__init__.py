"""Pointsman, the LLM router for Kubernetes: what both planes share."""

__version__ = "0.1.0"
