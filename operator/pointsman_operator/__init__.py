"""The control plane: watches resources, compiles them with the pure core, and tells routers and people the result.

    handlers → store → cycle → publisher → stream        (what routers get)
    resync ──▲           └───▶ reporter → API server     (what people see: conditions, events)

Kopf is an informer here and nothing else: it writes to no object. Whatever it misses, an own LIST corrects.
"""
