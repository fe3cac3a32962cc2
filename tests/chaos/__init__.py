"""Faults against the whole running system, a history of everything that was asked and shown, and a checker of it.

``python -m tests.chaos`` runs it; ``docs/faults.md`` says what it proves and how.
"""
