"""Classification by a Triton server: `client.Triton` asks it, within a deadline, and knows whether it is well.

It is a stranger to `router_svc.classify`, which asks it by a Protocol of its own and has the embedded classifier when
there is no answer. In other words, the loss of Triton costs a request some of its classifier's deadline, or nothing.
"""
