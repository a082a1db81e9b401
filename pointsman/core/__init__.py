"""The pure core: resources, validation, compilation, snapshots, and `decide`.

Nothing here imports kopf, grpc, an HTTP library, asyncio or opentelemetry, reads a clock or draws a random
number: both planes, the command and the tests call the same functions with the same results.
"""
