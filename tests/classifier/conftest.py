"""The real models, loaded once for all tests of this folder."""

import pytest
from pointsman_classifier.embedded import EmbeddedClassifier
from pointsman_classifier.encoder import Encoder
from pointsman_classifier.language import LanguageDetector


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder.load()


@pytest.fixture(scope="session")
def classifier() -> EmbeddedClassifier:
    return EmbeddedClassifier.load()


@pytest.fixture(scope="session")
def detector() -> LanguageDetector:
    return LanguageDetector()
