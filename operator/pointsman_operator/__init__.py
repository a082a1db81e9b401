"""The control plane: a Kopf operator that compiles resources into snapshots."""
