"""What Kopf says of kinds that a cluster lacks: a warning, unless they may be missing."""

import logging

import pytest
from kopf._core.reactor import observation  # whose words the filter reads
from pointsman_operator.handlers import OptionalKinds, registry
from pointsman_operator.store import Store


@pytest.mark.parametrize(
    ("served", "level", "words"),
    [
        ({"modelbackends", "routingpolicies", "services", "secrets", "endpointslices"}, "INFO", "ReferenceGrant: not"),
        ({"services", "secrets", "endpointslices"}, "WARNING", "routingpolicies"),
    ],
)
def test_a_kind_that_may_be_missing_is_no_warning(
    caplog: pytest.LogCaptureFixture, served: set[str], level: str, words: str
) -> None:
    handlers = registry(Store(lambda: None))._watching.get_all_handlers()
    selectors = frozenset(each.selector for each in handlers if each.selector and each.selector.any_name not in served)
    filtered, wanted = logging.getLogger(OptionalKinds.LOGGER), OptionalKinds()
    filtered.addFilter(wanted)
    try:
        observation._disable_mismatched_selectors(resources=set(), selectors=selectors)
    finally:
        filtered.removeFilter(wanted)
    [record] = caplog.records
    assert record.levelname == level
    assert words in record.getMessage()
