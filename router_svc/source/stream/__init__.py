"""The control plane as the source: `held` applies what it sends, `shelf` keeps it on disk, `client` follows it."""
