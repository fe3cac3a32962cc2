"""The embedded job store: one SQLite file, one writing thread, a few reading ones."""
