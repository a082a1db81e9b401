"""The snapshot stream's server: `delta` says what a router lacks, `session` what to say next, `server` says it."""
