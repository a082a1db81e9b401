"""The whole line on a real cluster: images, chart, examples, clients. See docs/development-cluster.md."""
