"""`pointsman triton`, and what the command line lends to others of a Triton server."""
