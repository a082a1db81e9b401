"""What both planes share that is not pure: logging, lifecycle, metrics."""
