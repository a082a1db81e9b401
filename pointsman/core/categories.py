"""The published list of task categories, versioned with the classifier."""

from enum import StrEnum


class Category(StrEnum):
    """What a request is about; backends state their `quality` by these."""

    CODE = "code"
    MATHEMATICS = "mathematics"
    SCIENCE = "science"
    WRITING = "writing"
    TRANSLATION = "translation"
    SUMMARISATION = "summarisation"
    EXTRACTION = "extraction"
    QUESTION_ANSWERING = "question-answering"
    REASONING = "reasoning"
    ROLEPLAY = "roleplay"
    CHIT_CHAT = "chit-chat"
    LEGAL = "legal"
    FINANCE = "finance"
    HEALTH = "health"
    TOOLS = "tools"
    OTHER = "other"


CATEGORIES_VERSION = 1
"""Raised when a category is added, renamed or removed."""

ANY_CATEGORY = "*"
"""In a backend's `quality`: every category that has no entry of its own."""
