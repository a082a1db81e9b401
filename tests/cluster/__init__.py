"""A real Kubernetes for tests, on this machine and without Docker: docs/development-cluster.md."""
