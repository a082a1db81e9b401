"""An OpenAI-compatible model server that answers with canned text and fails on request, for tests and demonstrations.

- `kinds`, `script`: what goes wrong, and when: the typed form of PUT /faults (pure)
- `answers`, `errors`: answers and errors in OpenAI's shape (pure)
- `streaming`: a streamed answer, and everything that can go wrong in one
- `received`: what was received
- `server`: the HTTP server, and `serve` for tests
"""
