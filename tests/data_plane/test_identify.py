"""Who is asking."""

import pytest

from pointsman.core.errors import Unauthenticated
from pointsman.core.keys import KeyEntry, KeyRights, new_key
from pointsman.core.request import Rights, Subject
from router_svc.identify import Keyring
from tests.support.clock import ManualClock

KEY, ENTRY = new_key(b"a" * 32, tenant="free", user="ada", rights=KeyRights(models=("auto",)))
SPEAKING_KEY, SPEAKING = new_key(b"b" * 32, tenant="paid", rights=KeyRights(speak_for_users=True))
EXPIRING_KEY, EXPIRING = new_key(b"c" * 32, tenant="paid", expires="2027-01-01T00:00:00Z")
DISABLED_KEY, DISABLED = new_key(b"d" * 32, tenant="paid")
NEW_YEAR = 1798761600.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NEW_YEAR - 1)


@pytest.fixture
def ring(clock: ManualClock) -> Keyring:
    disabled = DISABLED.model_copy(update={"disabled": True})
    return Keyring((ENTRY, SPEAKING, EXPIRING, disabled), clock)


def refused(ring: Keyring, authorization: str | None) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        ring.identify(authorization)
    assert not any(key in str(caught.value) for key in (KEY, DISABLED_KEY, EXPIRING_KEY))
    return caught.value


def test_a_key_names_its_tenant_user_and_rights(ring: Keyring) -> None:
    identity = ring.identify(f"Bearer {KEY}", "someone else")
    assert identity.subject == Subject("free", "ada", ENTRY.id)
    assert identity.rights == Rights(models=("auto",))


def test_only_a_key_with_the_right_speaks_for_users(ring: Keyring) -> None:
    assert ring.identify(f"Bearer {SPEAKING_KEY}", "bob").subject == Subject("paid", "bob", SPEAKING.id)
    assert ring.identify(f"bearer   {SPEAKING_KEY} ").subject.user == ""


def test_open_mode_asks_for_nothing(clock: ManualClock) -> None:
    ring = Keyring(None, clock)
    assert ring.open
    for header in (None, "Bearer anything", "nonsense"):
        identity = ring.identify(header, "bob")
        assert identity.subject == Subject("default", "bob", "")
        assert identity.rights.allow("any model")


def test_an_empty_file_is_not_open_mode(clock: ManualClock) -> None:
    ring = Keyring((), clock)
    assert not ring.open
    assert refused(ring, f"Bearer {KEY}").code == "invalid_api_key"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "missing_api_key"),
        ("", "missing_api_key"),
        ("Bearer", "invalid_api_key"),
        ("Bearer  ", "invalid_api_key"),
        (KEY, "invalid_api_key"),
        (f"Basic {KEY}", "invalid_api_key"),
        (f"Bearer {KEY}x", "invalid_api_key"),
        (f"Bearer {ENTRY.hash}", "invalid_api_key"),
        ("Bearer \udcff", "invalid_api_key"),
        (f"Bearer {DISABLED_KEY}", "disabled_api_key"),
    ],
)
def test_anything_else_is_refused(ring: Keyring, header: str | None, code: str) -> None:
    assert refused(ring, header).code == code


def test_a_key_expires(ring: Keyring, clock: ManualClock) -> None:
    assert ring.identify(f"Bearer {EXPIRING_KEY}").subject.key == EXPIRING.id
    clock.now = NEW_YEAR
    assert refused(ring, f"Bearer {EXPIRING_KEY}").code == "expired_api_key"


def test_no_key_is_kept(ring: Keyring) -> None:
    assert KEY not in repr(vars(ring))
    assert isinstance(ENTRY, KeyEntry)


def test_an_anonymous_entry_stands_for_requests_without_a_key_only(clock: ManualClock) -> None:
    ring = Keyring((ENTRY, KeyEntry(id="public", anonymous=True, tenant="public")), clock)
    assert ring.identify(None, "bob").subject == Subject("public", "", "public")
    assert ring.identify(f"Bearer {KEY}").subject.tenant == "free"
    assert refused(ring, "Bearer ").code == "invalid_api_key"
    assert refused(ring, f"Bearer {KEY}x").code == "invalid_api_key"
