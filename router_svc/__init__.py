"""The data plane: answers requests by the snapshot in force."""
