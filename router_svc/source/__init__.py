"""Where snapshots, endpoints and credentials come from: a folder here; the control plane's stream later."""
