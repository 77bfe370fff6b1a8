"""Telling the steps of a decision in words, and the refusals that appear in them."""

import sys
from contextlib import contextmanager


class Trace:
    """Prints indented lines when enabled; the texts are only formatted then."""

    def __init__(self, enabled=False, stream=None):
        self.enabled = enabled
        self.stream = stream or sys.stdout
        self.depth = 0

    def say(self, text, *values):
        if self.enabled:
            print("  " * self.depth + (text % values if values else text), file=self.stream)

    @contextmanager
    def indented(self):
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    @contextmanager
    def silenced(self, silent=True):
        before = self.enabled
        self.enabled = before and not silent
        try:
            yield
        finally:
            self.enabled = before


class LazyText:
    """Calls the function only if somebody reads the text."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __str__(self):
        return self.function(*self.arguments)


class Refusal(Exception):
    """A node, claim or template does not take the pod.

    `category` is the word that the recordings use; the text is formatted only when somebody reads
    it.
    """

    def __init__(self, category, text, *values):
        super().__init__(category)
        self.category, self.text, self.values = category, text, values

    def __str__(self):
        return self.text % self.values if self.values else self.text


class ReservedOfferingRefusal(Refusal):
    """A compatible reservation exists but is taken: the pod waits, nothing is relaxed."""

    def __init__(self, text, *values, category="reserved-offering"):
        super().__init__(category, text, *values)
