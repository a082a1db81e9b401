"""Quota: what subjects and backends may use in a window, admitted before and settled after each attempt."""

from router_svc.exchange import Denied, Grant
from router_svc.quota.ledger import MemoryLedger, share_of

__all__ = ["Denied", "Grant", "MemoryLedger", "share_of"]
