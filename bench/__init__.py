"""The figures of the README and the scripts that make them, peers included."""
