import logging

import pytest

from pointsman.runtime import log


@pytest.mark.parametrize("style", ["text", "json"])
def test_an_exceptions_words_are_not_logged(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:]
    try:
        log.configure("json" if style == "json" else "text")
        try:
            int("the prompt")
        except ValueError:
            logging.getLogger("test").exception("it failed")
    finally:
        root.handlers[:] = before
    said = capsys.readouterr().err
    assert "it failed" in said
    assert "invalid literal" not in said
